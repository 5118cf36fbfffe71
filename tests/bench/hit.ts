/** What a hit costs: a name that is held, asked for again. */

import CacheableLookup from "cacheable-lookup";
import { createDnsCache } from "@ballast/runtime/dns";
import { startDnsServer } from "../../examples/service/dns_server.ts";
import { compare, type Contender, type Cost, type Effort } from "./measure.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `n${index}.bench.test`);
const nameAt = (index: number) => NAMES[index % NAMES.length]!;

/** Costs of the three ways to ask, each beside its peers. */
export interface HitCosts {
  readonly resolve: readonly Cost[];
  readonly lookup: readonly Cost[];
  readonly peek: readonly Cost[];
}

export async function measureHits(effort: Effort): Promise<HitCosts> {
  const zone = Object.fromEntries(NAMES.map((name) => [name, { a: ["127.0.0.1"], ttl: 3_600 }]));
  await using server = await startDnsServer({ zone, origin: "bench.test" });
  await using dns = createDnsCache({
    servers: [{ address: server.address, port: server.port }],
    refreshMs: 3_600_000,
  });
  await dns.preresolve(NAMES);
  const peer = new CacheableLookup({ lookup: false });
  peer.servers = [`${server.address}:${server.port}`];
  for (const name of NAMES) await peer.lookupAsync(name);

  const map = new Map(NAMES.map((name) => [name, dns.peek(name)!]));
  // deno-lint-ignore require-await -- the cost of an async function is the point
  const asyncGet = async (name: string) => map.get(name);

  const awaiting = (name: string, get: (name: string) => unknown): Contender => ({
    name,
    async run(times) {
      for (let index = 0; index < times; index++) await get(nameAt(index));
    },
  });
  const calling = (name: string, lookup: (name: string, done: () => void) => void): Contender => ({
    name,
    run: (times) =>
      new Promise((resolve) => {
        let index = 0;
        const next = () => index === times ? resolve() : lookup(nameAt(index++), next);
        next();
      }),
  });
  let sink: unknown;
  const plain = (name: string, get: (name: string) => unknown): Contender => ({
    name,
    run(times) {
      for (let index = 0; index < times; index++) sink = get(nameAt(index));
    },
  });

  const costs = {
    resolve: await compare(
      [
        awaiting("await an async Map.get", asyncGet),
        awaiting("await ballast resolve", (name) => dns.resolve(name)),
        awaiting("await cacheable-lookup lookupAsync", (name) => peer.lookupAsync(name)),
        awaiting("await Map.get", (name) => map.get(name)),
      ],
      "await an async Map.get",
      effort,
    ),
    lookup: await compare(
      [
        calling("an async Map.get, then its callback", (name, done) => void asyncGet(name).then(done)),
        calling("ballast lookup", (name, done) => dns.lookup(name, {}, done)),
        calling("cacheable-lookup lookup", (name, done) => peer.lookup(name, {}, done)),
      ],
      "an async Map.get, then its callback",
      effort,
    ),
    peek: await compare(
      [
        plain("Map.get and a clock read", (name) => [map.get(name), performance.now()]),
        plain("ballast peek", (name) => dns.peek(name)),
        plain("Map.get", (name) => map.get(name)),
      ],
      "Map.get and a clock read",
      effort,
    ),
  };
  void sink;
  return costs;
}

/** Says it to a person. */
export function printHits(costs: HitCosts): void {
  for (const [part, rows] of Object.entries(costs)) {
    console.log(`\nA hit: ${part}`);
    for (const { name, ns, ratio } of rows) {
      console.log(`  ${name.padEnd(38)} ${ns.toFixed(0).padStart(7)} ns ${ratio.toFixed(2).padStart(8)}x`);
    }
  }
}
