/**
 * The server of the overload benchmark, in a process of its own: on Deno as it is, on Node bundled.
 *
 *     overload_server.ts <contender> <work>
 *
 * Prints its port, and at each line of its input the processor time that it has used, in milliseconds.
 */

import { createRequestContexts } from "@ballast/runtime/context";
import { createRuntime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import overloadProtection from "overload-protection";

type Handler = (request: Request) => Response | Promise<Response>;

/** What a request does: computes, waits for one of ten connections, or nothing. */
const WORK: Readonly<Record<string, () => void | Promise<void>>> = {
  cpu() {
    const until = performance.now() + 5;
    while (performance.now() < until);
  },
  wait: createPool(10, 20),
  hello() {},
};

function createPool(size: number, ms: number): () => Promise<void> {
  const line: (() => void)[] = [];
  let busy = 0;
  return async () => {
    if (busy >= size) await new Promise<void>((resolve) => line.push(resolve));
    else busy++;
    await new Promise<void>((resolve) => setTimeout(resolve, ms));
    const next = line.shift();
    if (next) next();
    else busy--;
  };
}

function bare(work: () => void | Promise<void>): Handler {
  const app = new Hono();
  app.get("/livez", (c) => c.text("alive"));
  app.get("/", async (c) => {
    await work();
    return c.text("hello");
  });
  return (request) => app.fetch(request);
}

/** What contexts cannot do without. */
function storage(work: () => void | Promise<void>): Handler {
  const handler = bare(work);
  const flows = new AsyncLocalStorage<object>();
  return (request) => flows.run({}, handler, request);
}

/** Context, statistics and admission, as a service has them; and the meta app. */
function ballast(work: () => void | Promise<void>): Handler {
  const runtime = createRuntime({ overload: { exempt: ["/livez", "/meta/*"] } });
  const app = new Hono();
  app.get("/livez", (c) => c.text("alive"));
  const requests = runtime.stats.counter("bench.requests");
  app.get("/", async (c) => {
    requests.add();
    await work();
    return c.text("hello");
  });
  // Beside the app: its routes would have Hono take a slower router for everything.
  const meta = new Hono().route("/meta", createMetaApp(runtime));
  const contexts = createRequestContexts(runtime.context);
  return runtime.overload.wrap(
    contexts.wrap((request: Request) =>
      request.url.includes("/meta/") ? meta.fetch(request) : app.fetch(request)
    ),
  );
}

const [contender = "ballast", kind = "hello"] = process.argv.slice(2);
const work = WORK[kind]!;
const isDeno = "Deno" in globalThis;

if (contender === "overload-protection") {
  const protect = overloadProtection("http");
  listen(async (incoming, outgoing) => {
    if (incoming.url === "/livez") return outgoing.end("alive");
    if (protect(incoming, outgoing) === true) return;
    await work();
    outgoing.end("hello");
  });
} else {
  const handler = contender === "bare" ? bare(work) : contender === "storage" ? storage(work) : ballast(work);
  if (isDeno) {
    const onListen = ({ port }: { port: number }) => console.log(port);
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, handler);
  } else listen(getRequestListener(handler));
}

process.stdin.on("data", () => {
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1_000);
});
process.stdin.on("end", () => process.exit());

function listen(handler: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown): void {
  const server = createServer((incoming, outgoing) => void handler(incoming, outgoing));
  server.listen(0, "127.0.0.1", 4096, () => console.log((server.address() as AddressInfo).port));
}
