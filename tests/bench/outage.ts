/** Fifteen seconds of lookups, five of them without a name server: Ballast, its best peer, and none at all. */

import CacheableLookup from "cacheable-lookup";
import { createDnsCache } from "@ballast/runtime/dns";
import { startDnsServer } from "../../examples/service/dns_server.ts";
import { quantile } from "./measure.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `n${index}.bench.test`);
const PER_SECOND = 200;

/** What one contender's callers saw. */
export interface OutageResult {
  readonly name: string;
  readonly lookups: number;
  readonly errors: number;
  /** Lookups that took longer than 50 ms, those that failed included. */
  readonly slow: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Runs every contender at the same time, against the same failing server, at the same rate; the outage is the second third
 * of `seconds`.
 */
export async function measureOutage(seconds: number): Promise<OutageResult[]> {
  const zone = Object.fromEntries(NAMES.map((name) => [name, { a: ["127.0.0.1"], ttl: 1 }]));
  await using server = await startDnsServer({ zone, origin: "bench.test" });
  await using dns = createDnsCache({
    servers: [{ address: server.address, port: server.port }],
    refreshMs: 1_000,
  });
  const peer = new CacheableLookup({ lookup: false });
  peer.servers = [`${server.address}:${server.port}`];
  const nameServer = { ipAddr: server.address, port: server.port };

  const contenders: [string, (name: string) => Promise<unknown>][] = [
    ["ballast", (name) => dns.resolve(name, { family: 4 })],
    ["cacheable-lookup", (name) => peer.lookupAsync(name, { family: 4 })],
    ["Deno.resolveDns", (name) => Deno.resolveDns(name, "A", { nameServer })],
  ];
  for (const [, lookup] of contenders) for (const name of NAMES) await lookup(name);
  const results = contenders.map(([name, lookup]) => drive(name, lookup, seconds));
  const timers = [
    setTimeout(() => server.setFault({ mode: "drop" }), seconds * 1_000 / 3),
    setTimeout(() => server.setFault({ mode: "ok" }), seconds * 2_000 / 3),
  ];
  try {
    return await Promise.all(results);
  } finally {
    timers.forEach(clearTimeout);
  }
}

/** An open-loop load: every lookup is due at its time, whatever became of those before. */
async function drive(
  name: string,
  lookup: (name: string) => Promise<unknown>,
  seconds: number,
): Promise<OutageResult> {
  const startedAt = performance.now();
  const tookMs: number[] = [];
  let errors = 0;
  const pending: Promise<void>[] = [];
  while (pending.length < PER_SECOND * seconds) {
    for (
      ;
      pending.length < Math.min(PER_SECOND * seconds, (performance.now() - startedAt) * PER_SECOND / 1_000);
    ) {
      const sentAt = performance.now();
      const asked = lookup(NAMES[pending.length % NAMES.length]!);
      pending.push(
        asked.then(() => {}, () => void errors++).then(() => void tookMs.push(performance.now() - sentAt)),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(pending);
  return {
    name,
    lookups: pending.length,
    errors,
    slow: tookMs.filter((ms) => ms > 50).length,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
    maxMs: Math.max(...tookMs),
  };
}

/** Says it to a person. */
export function printOutage(results: readonly OutageResult[]): void {
  console.log("\n200 lookups/s over 20 names for 15 s; the name server drops everything from second 5 to 10");
  for (const { name, lookups, errors, slow, p50Ms, p99Ms, maxMs } of results) {
    const times = [p50Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(3).padStart(10)} ms`).join("");
    console.log(
      `  ${name.padEnd(18)} ${lookups} lookups ${String(errors).padStart(5)} errors ${
        String(slow).padStart(5)
      } > 50 ms${times}`,
    );
  }
}
