/**
 * `node:http` through the DNS cache: any client that takes Node's `dns.lookup` takes the cache's.
 *
 * `deno run --allow-net --allow-env examples/dns/node_http.ts`; Node and Bun run the same lines.
 *
 * @module
 */

import { createDnsCache } from "@ballast/runtime/dns";
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";

await using dns = createDnsCache({ hosts: { "api.internal": ["127.0.0.1"] } });

// In place of a service of yours.
const server = createServer((request, response) => response.end(`hello from ${request.headers.host}`));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

// Once, on the agent: every connection it makes is dialled by the cache. TLS verifies by name all the same.
const agent = new Agent({ keepAlive: true, lookup: dns.lookup });

const text = await new Promise<string>((resolve, reject) => {
  get({ hostname: "api.internal", port, agent }, async (response) => {
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += chunk;
    resolve(body);
  }).on("error", reject);
});
console.log(text);

agent.destroy();
server.close();
