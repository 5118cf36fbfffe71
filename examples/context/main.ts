/**
 * Two services, one trace, one deadline.
 *
 * `deno run --allow-net=127.0.0.1 --allow-env examples/context/main.ts`
 *
 * @module
 */

import { createRuntime, delay } from "@ballast/runtime";
import { createContext, DEADLINE_HEADER } from "@ballast/runtime/context";
import { createSocket } from "node:dgram";
import { createPrices } from "./prices.ts";
import { createShop } from "./shop.ts";

const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };

/** A name server that hears everything and says nothing. */
const silent = createSocket("udp4");
await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));

const billing = createContext({ name: "prices" });
const prices = Deno.serve(listen, createPrices(billing));
const { port } = prices.addr as Deno.NetAddr;
await using runtime = createRuntime({
  name: "shop",
  dns: {
    hosts: { "prices.internal": ["127.0.0.1"] },
    servers: [{ address: "127.0.0.1", port: silent.address().port }],
    timeoutMs: 10_000,
  },
});
const ask = async (host: string, headers: Record<string, string>) => {
  const response = await createShop(runtime, { host, port }).request("/offers/lamp", { headers });
  return { status: response.status, ...await response.json() };
};

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const answered = await ask("prices.internal", { traceparent, "x-tenant": "blue", [DEADLINE_HEADER]: "1500" });
console.log(`${answered.status}: ${answered.item} is ${answered.price} for ${answered.tenant}`);
console.log(
  `the trace there: ${answered.trace.traceId}, with ${
    answered.remainingMs <= 1500 ? "time left" : "too much"
  }`,
);

// A name that its server does not answer for: an attempt may take ten seconds, the request has a tenth of one.
const late = await ask("silent.example", { [DEADLINE_HEADER]: "100" });
console.log(`${late.status}: ${late.error}`);
await delay(0);
console.log(`lookups left running: ${runtime.dns.snapshot().lookups}`);

await prices.shutdown();
billing.close();
silent.close();
