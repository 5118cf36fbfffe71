/**
 * A whole program on the installed package, under plain Node: names are resolved by `node:dns` through the cache, the meta
 * app is served by `node:http`, DNS dies, names still resolve; and when all is closed the process ends by itself.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

import { createRuntime, delay, nodeResolver } from "@ballast/runtime";
import { createMetaApp, type Overview } from "@ballast/runtime/meta";
import { startDnsServer } from "../../examples/service/dns_server.ts";

const NAME = "api.demo.test";
/** More names than Node lets listeners wait on one thing without a warning. */
const NAMES = [NAME, ...Array.from({ length: 30 }, (_, index) => `n${index}.demo.test`)];

const warnings: string[] = [];
process.on("warning", ({ message }) => warnings.push(message));

/** Serves an app that answers requests of the Fetch standard; enough of an adapter for a meta app. */
async function serve(fetch: (request: Request) => Response | Promise<Response>): Promise<Server> {
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const headers = new Headers();
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
      headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
    }
    const url = new URL(incoming.url!, `http://${incoming.headers.host}`);
    const response = await fetch(new Request(url, { method: incoming.method, headers }));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(new Uint8Array(await response.arrayBuffer()));
  }
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const dnsServer = await startDnsServer({
  zone: Object.fromEntries(NAMES.map((name) => [name, { a: ["10.0.0.4"], ttl: 1 }])),
});
const runtime = createRuntime({
  name: "shop",
  dns: {
    resolver: nodeResolver(),
    servers: [{ address: dnsServer.address, port: dnsServer.port }],
    timeoutMs: 500,
    refreshMs: 200,
    preresolve: NAMES,
  },
});
const server = await serve(createMetaApp(runtime).fetch);
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function page(path: string, accept: string): Promise<string> {
  const response = await fetch(url + path, { headers: { accept } });
  assert.equal(response.status, 200, path);
  assert.ok(response.headers.get("content-type")?.startsWith(accept), path);
  return await response.text();
}

async function findings(): Promise<string[]> {
  const overview: Overview = JSON.parse(await page("/", "application/json"));
  // On a busy machine the event loop may well have been late: that is no matter here.
  return overview.findings.map(({ id }) => id).filter((id) => id !== "long-pauses");
}

try {
  assert.deepEqual((await runtime.ready()).dns.failed, []);
  assert.deepEqual(await runtime.dns.resolve(NAME), [{ address: "10.0.0.4", family: 4, stale: false }]);
  await assert.rejects(runtime.dns.resolve("nowhere.demo.test"), { code: "NAME_NOT_FOUND" });

  assert.match(await page("/", "text/html"), /<h1/);
  assert.match(await page("/dns", "text/html"), new RegExp(NAME));
  assert.match(await page("/metrics", "application/openmetrics-text"), /^# EOF$/m);
  assert.deepEqual(await findings(), []);

  dnsServer.setFault({ mode: "servfail" });
  for (let tries = 0; !(await findings()).includes("dns-stale-for-long"); tries++) {
    assert.ok(tries < 100, "the dead name server is never found out");
    await delay(50);
  }
  assert.deepEqual(await runtime.dns.resolve(NAME), [{ address: "10.0.0.4", family: 4, stale: true }]);
} finally {
  await runtime.close();
  server.close();
  server.closeAllConnections();
  await dnsServer.close();
}
assert.deepEqual(warnings, []);
