/**
 * What a held name costs: bytes of heap, and the time of a hit and of a refresh, at 100, 10,000 and 100,000 of them; and what
 * the pages that show them take. And what a name costs that came and went: nothing, or this ends with an error.
 *
 * Its heap is that of a process of its own, which `measureMemory` starts with the garbage collector in reach. The resolver
 * answers at once, in simulated time: what is measured is the cache, its timers included.
 *
 * @module
 */

import { createRuntime } from "@ballast/runtime";
import { createDnsCache, type DnsCache, type Resolver } from "@ballast/runtime/dns";
import { createMetaApp } from "@ballast/runtime/meta";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { median } from "./measure.ts";

/** A cache that holds many names. */
export interface Memory {
  readonly names: number;
  /** Heap a name, with what came of its first lookup. */
  readonly bytesPerName: number;
  /** The same once each was refreshed. */
  readonly bytesRefreshed: number;
  /** Heap a name that is left when the cache, still there, was closed. */
  readonly bytesLeft: number;
  /** A hit, its promise awaited: nanoseconds, names taken in turn. */
  readonly hitNs: number;
  /** A refresh, all that comes of it included: microseconds. */
  readonly refreshUs: number;
}

/** What a page takes while ten thousand names are held. */
export interface PageCost {
  readonly path: string;
  readonly ms: number;
  readonly bytes: number;
}

/** All of it. */
export interface MemoryResult {
  readonly sizes: readonly Memory[];
  readonly pages: readonly PageCost[];
  /** Heap a name that came and went. */
  readonly bytesLeftByChurn: number;
}

const SIZES = [100, 10_000, 100_000];
const QUICK_SIZES = [100, 1_000];
const PAGES = ["/metrics", "/dns", "/dns?format=json"];
const MINUTE = 60_000;
/** What a name that is gone may leave behind: the noise of the measurement. */
const MAX_LEFT = 64;

/**
 * Measures in a process of its own.
 *
 * @throws {Error} when names that are gone leave something behind
 */
export async function measureMemory(quick: boolean): Promise<MemoryResult> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--v8-flags=--expose-gc",
      "--allow-env",
      "--allow-sys",
      import.meta.filename!,
      ...quick ? ["--quick"] : [],
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the measurement of memory failed");
  const result: MemoryResult = JSON.parse(new TextDecoder().decode(stdout));
  const most = Math.max(
    result.bytesLeftByChurn,
    // Of a hundred names the noise is larger than what they hold.
    ...result.sizes.filter(({ names }) => names >= 10_000).map(({ bytesLeft }) => bytesLeft),
  );
  if (most > MAX_LEFT) throw new Error(`names that are gone leave ${most} bytes each: something holds them`);
  return result;
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
  const { gc } = globalThis as { gc?: () => void };
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

const nameOf = (index: number) => `host-${index}.service.example`;

/** Names that are held. */
async function measure(names: number): Promise<Memory> {
  const { dns, clock } = await createCache(names);
  const empty = await heapBytes();
  const perName = async () => Math.round((await heapBytes() - empty) / names);
  for (let index = 1; index < names; index++) await dns.resolve(nameOf(index));
  const bytesPerName = await perName();
  const hitNs = await measureHits(dns, names);
  const startedAt = performance.now();
  await clock.advance(6 * MINUTE);
  const refreshUs = (performance.now() - startedAt) * 1_000 / names;
  const bytesRefreshed = await perName();
  await dns.close();
  return { names, bytesPerName, bytesRefreshed, bytesLeft: await perName(), hitNs, refreshUs };
}

/** The median of rounds that visit names in turn, so that no name is warmer than others in the processor's caches. */
async function measureHits(dns: DnsCache, names: number): Promise<number> {
  const asked = Array.from({ length: names - 1 }, (_, index) => nameOf(index + 1));
  const times = Math.max(1, Math.round(20_000 / asked.length));
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const startedAt = performance.now();
    for (let time = 0; time < times; time++) for (const name of asked) await dns.resolve(name);
    rounds.push((performance.now() - startedAt) * 1e6 / (times * asked.length));
  }
  return median(rounds);
}

/** Names that come and go, in a cache that never holds many at a time. */
async function measureChurn(names: number): Promise<number> {
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
  await rounds(5_000, 5_000 + names);
  const left = Math.round((await heapBytes() - before) / names);
  await dns.close();
  return left;
}

/** The pages of a runtime whose cache holds names. */
async function measurePages(names: number): Promise<PageCost[]> {
  await using runtime = createRuntime({ name: "bench", dns: { resolver, maxNames: names } });
  for (let index = 0; index < names; index++) await runtime.dns.resolve(nameOf(index));
  const app = createMetaApp(runtime);
  const costs: PageCost[] = [];
  for (const path of PAGES) {
    let bytes = 0;
    const rounds: number[] = [];
    for (let round = 0; round < 15; round++) {
      const startedAt = performance.now();
      const response = await app.request(path, { headers: { host: "localhost" } });
      bytes = (await response.arrayBuffer()).byteLength;
      rounds.push(performance.now() - startedAt);
      if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
    }
    costs.push({ path, ms: median(rounds), bytes });
  }
  return costs;
}

if (import.meta.main) {
  const quick = Deno.args.includes("--quick");
  // The first one pays for code and shapes: it does not count.
  await measure(1_000);
  const sizes: Memory[] = [];
  for (const names of quick ? QUICK_SIZES : SIZES) sizes.push(await measure(names));
  const bytesLeftByChurn = await measureChurn(quick ? 10_000 : 20_000);
  const pages = await measurePages(quick ? 1_000 : 10_000);
  const result: MemoryResult = { sizes, pages, bytesLeftByChurn };
  console.log(JSON.stringify(result));
}

/** Says it to a person. */
export function printMemory({ sizes, pages, bytesLeftByChurn }: MemoryResult): void {
  console.log("\nNames held, two addresses each: heap a name, a hit, a refresh");
  for (const { names, bytesPerName, bytesRefreshed, bytesLeft, hitNs, refreshUs } of sizes) {
    console.log(
      `  ${names.toLocaleString("en").padStart(8)} names ${String(bytesPerName).padStart(6)} bytes, ` +
        `${bytesRefreshed} once refreshed, ${bytesLeft} once closed ${hitNs.toFixed(0).padStart(6)} ns ` +
        `${refreshUs.toFixed(1).padStart(7)} us`,
    );
  }
  console.log(`  a name that came and went: ${bytesLeftByChurn} bytes`);
  for (const { path, ms, bytes } of pages) {
    console.log(
      `  ${path.padEnd(18)} ${ms.toFixed(1).padStart(7)} ms ${(bytes / 1_000).toFixed(0).padStart(6)} kB`,
    );
  }
}
