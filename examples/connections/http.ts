/**
 * HTTP by the name of a service: two replicas and a fallback behind it, one of which dies while calls go on.
 *
 * `deno run --allow-net --allow-env --allow-read examples/connections/http.ts`
 *
 * @module
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime } from "@ballast/runtime";

const servers: Server[] = [];

/** A server that says its name; gives its address. */
async function serve(name: string): Promise<string> {
  const server = createServer((_, response) => response.end(name)).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const [one, two, fallback] = [await serve("one"), await serve("two"), await serve("fallback")];
const runtime = createRuntime({
  name: "shop",
  connections: { endpoints: { payments: { tiers: [[one, two], [fallback]], markdown: { failures: 1 } } } },
});

/** Who answers, of so many calls with five seconds each. */
async function ask(calls: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  await Promise.all(Array.from({ length: calls }, async () => {
    const response = await runtime.fetch("http://payments/charge", { signal: AbortSignal.timeout(5_000) });
    const name = await response.text();
    answers[name] = (answers[name] ?? 0) + 1;
  }));
  return answers;
}

function kill(server: Server): void {
  server.closeAllConnections();
  server.close();
}

console.log("all are well:", Object.keys(await ask(50)).sort().join(", "));
kill(servers[0]!);
console.log("one is dead:", Object.keys(await ask(50)).sort().join(", "));
kill(servers[1]!);
console.log("two is dead as well:", Object.keys(await ask(50)).sort().join(", "));
kill(servers[2]!);
const error = await ask(1).then(() => undefined, (error: TypeError) => error);
console.log(`nobody is left: ${error?.message}`);
await runtime.close();
