/**
 * What a held name costs in memory: bytes of heap a name, at 10,000 and at 100,000 of them. And what a name costs that came
 * and went: nothing, or this ends with an error.
 *
 * Run it as `deno run --v8-flags=--expose-gc --allow-env --allow-sys tests/bench/memory.ts`; `--json` prints the figures for
 * programs. The resolver answers at once, in simulated time: what is measured is the cache, its timers included.
 */

import { createDnsCache, type DnsCache, type Resolver } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";

/** One measurement. */
interface Memory {
  readonly names: number;
  /** Heap a name, with what came of its first lookup. */
  readonly bytesPerName: number;
  /** The same once each was refreshed. */
  readonly bytesRefreshed: number;
  /** Heap a name that is left when the cache, still there, was closed. */
  readonly bytesLeft: number;
}

const SIZES = [10_000, 100_000];
const MINUTE = 60_000;
/** What a name that is gone may leave behind: the noise of the measurement. */
const MAX_LEFT = 64;

const gc = (globalThis as { gc?: () => void }).gc;
if (gc === undefined) {
  throw new Error("the garbage collector is out of reach: run with --v8-flags=--expose-gc");
}

/** Two IPv4 addresses, and no IPv6 one: what most names have. Strings of their own, as those of a real reply. */
const resolver: Resolver = {
  name: "table",
  query(name, type) {
    if (type === "AAAA" || name.startsWith("absent")) return Promise.resolve({ verdict: "empty" });
    const host = name.length & 0xff;
    return Promise.resolve({ verdict: "addresses", addresses: [`10.0.${host}.1`, `10.0.${host}.2`] });
  },
};

/** Live bytes, once nothing is left to be collected. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc!();
  }
  return Deno.memoryUsage().heapUsed;
}

async function createCache(names: number): Promise<{ dns: DnsCache; clock: SimulatedClock }> {
  const clock = simulatedClock();
  const dns = createDnsCache({ clock, resolver, maxNames: names });
  // The last queries are in the log, which is bounded: that is not to be counted as a name's.
  for (let index = 0; index < 2_000; index++) await dns.refresh("warm.example");
  return { dns, clock };
}

/** Names that are held. */
async function measure(names: number): Promise<Memory> {
  const { dns, clock } = await createCache(names);
  const empty = await heapBytes();
  const perName = async () => Math.round((await heapBytes() - empty) / names);
  for (let index = 1; index < names; index++) await dns.resolve(`host-${index}.service.example`);
  const bytesPerName = await perName();
  await clock.advance(6 * MINUTE);
  const bytesRefreshed = await perName();
  await dns.close();
  return { names, bytesPerName, bytesRefreshed, bytesLeft: await perName() };
}

/** Names that come and go, in a cache that never holds many at a time. */
async function measureChurn(): Promise<number> {
  const { dns, clock } = await createCache(10_000);
  const rounds = async (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      await dns.resolve(`absent-${index}.example`).catch(() => {});
      if (index % 1_000 === 0) await clock.advance(MINUTE);
    }
    await clock.advance(MINUTE);
  };
  await rounds(0, 5_000);
  const before = await heapBytes();
  await rounds(5_000, 25_000);
  const left = Math.round((await heapBytes() - before) / 20_000);
  await dns.close();
  return left;
}

// The first one pays for code and shapes: it does not count.
await measure(1_000);
const results: Memory[] = [];
for (const names of SIZES) results.push(await measure(names));
const bytesLeftByChurn = await measureChurn();
if (Deno.args.includes("--json")) console.log(JSON.stringify({ results, bytesLeftByChurn }));
else {
  for (const { names, bytesPerName, bytesRefreshed, bytesLeft } of results) {
    console.log(
      `${names.toLocaleString("en").padStart(9)} names: ${bytesPerName} bytes a name, ` +
        `${bytesRefreshed} once refreshed, ${bytesLeft} once closed`,
    );
  }
  console.log(`A name that came and went: ${bytesLeftByChurn} bytes`);
}
const most = Math.max(bytesLeftByChurn, ...results.map(({ bytesLeft }) => bytesLeft));
if (most > MAX_LEFT) {
  console.error(`names that are gone leave ${most} bytes each behind: something still holds them`);
  Deno.exit(1);
}
