/**
 * The server of the benchmark of listeners, in a process of its own: on Deno as it is, on Node bundled.
 *
 *     group_listener_server.ts <contender>
 *
 * Prints its port, and at each line of its input the processor time that it has used, in milliseconds.
 */

import { createServerSet } from "@ballast/runtime/group";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

const [contender = "ballast"] = process.argv.slice(2);
const app = new Hono();
app.get("/", (c) => c.json({ hello: "world" }));

const CONTENDERS: Readonly<Record<string, () => unknown>> = {
  // No Request and no Response: what node:http costs by itself.
  "node:http"() {
    listen((_incoming, outgoing) => {
      outgoing.setHeader("content-type", "application/json");
      outgoing.end('{"hello":"world"}');
    });
  },
  "Deno.serve"() {
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, app.fetch);
  },
  "node-server": () => listen(getRequestListener(app.fetch)),
  "node-server, globals left alone": () =>
    listen(getRequestListener(app.fetch, { overrideGlobalObjects: false })),
  async ballast() {
    const servers = createServerSet({ apps: [{ hostname: "127.0.0.1", fetch: app.fetch }] });
    const [bound] = await servers.listen();
    console.log(bound!.port);
  },
};

function listen(listener: RequestListener): void {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
}

process.stdin.on("data", () => {
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1_000);
});
process.stdin.on("end", () => process.exit());
await CONTENDERS[contender]!();
