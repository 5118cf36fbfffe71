/**
 * undici's `fetch` through the DNS cache: `fetch` of Deno has no hook for names, undici's has one, on Deno, Node and Bun.
 *
 * `deno run --allow-net --allow-env --allow-read examples/dns/undici.ts`
 *
 * @module
 */

import { createDnsCache } from "@ballast/runtime/dns";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, fetch } from "undici";

await using dns = createDnsCache({ hosts: { "api.internal": ["127.0.0.1"] } });

// In place of a service of yours.
const server = createServer((request, response) => response.end(`hello from ${request.headers.host}`));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

const dispatcher = new Agent({ connect: { lookup: dns.lookup } });
const response = await fetch(`http://api.internal:${port}/`, { dispatcher });
console.log(await response.text());

await dispatcher.close();
server.close();
