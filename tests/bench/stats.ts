/**
 * What a statistic costs: a value added to a distribution, beside its peers and beside the least that there is to do; a text
 * added to a sketch; and the memory of a distribution.
 *
 * It uses nothing of Deno's: `deno bundle --platform deno -o /tmp/stats.js tests/bench/stats.ts`, then `node /tmp/stats.js`.
 */

import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import bloomFilters from "bloom-filters";
import * as hdr from "hdr-histogram-js";
import { Histogram as PromHistogram, Registry } from "prom-client";
import { TDigest } from "tdigest";
import { createDistribution, createSketch, createStats, type Distribution } from "@ballast/runtime/stats";
import { compare, type Contender, type Cost, type Effort, THOROUGH } from "./measure.ts";

/** Costs of a value and of a text, and bytes of memory. */
export interface StatsCosts {
  readonly add: readonly Cost[];
  readonly sketch: readonly Cost[];
  readonly memory: readonly Memory[];
}

/** What a distribution takes. */
export interface Memory {
  readonly name: string;
  readonly bytes: number;
}

const BARE = "bare Welford and bucket";
/** Log-normal, in milliseconds: as latencies are. More of them than any cache line holds, drawn beforehand. */
const VALUES = Float64Array.from({ length: 1 << 16 }, (_, i) => {
  const [a, b] = [(i * 0.754877666) % 1, (i * 0.569840291) % 1];
  return Math.exp(1 + 1.2 * Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b));
});
/** Some clients ask much more often than others. */
const KEYS = Array.from({ length: 1 << 12 }, (_, i) => {
  const client = Math.floor(5_000 * ((i * 0.754877666) % 1) ** 4);
  return `10.0.${client >> 8}.${client & 0xff}`;
});

export async function measureStats(effort: Effort): Promise<StatsCosts> {
  return {
    add: await measureAdd(effort),
    sketch: await measureSketch(effort),
    memory: await measureMemory(),
  };
}

async function measureAdd(effort: Effort): Promise<readonly Cost[]> {
  const provider = new MeterProvider();
  const otel = provider.getMeter("bench").createHistogram("latency");
  const prom = new PromHistogram({ name: "latency", help: "latency", registers: [new Registry()] });
  const labelled = new PromHistogram({
    name: "labelled",
    help: "latency",
    labelNames: ["outcome"],
    registers: [new Registry()],
  });
  // As services measure their requests.
  const request = new PromHistogram({
    name: "request",
    help: "latency",
    labelNames: ["method", "route", "status"],
    registers: [new Registry()],
  });
  const kept = request.labels("GET", "/orders/:id", "200");
  const requests = createStats().distribution("request", {
    labels: { method: "GET", route: "/orders/:id", status: "200" },
  });
  await hdr.initWebAssembly();
  // Nanoseconds to a day with two digits: the same promise as ours.
  const build = (useWebAssembly: boolean) =>
    hdr.build({
      highestTrackableValue: 86_400_000_000_000,
      numberOfSignificantValueDigits: 2,
      useWebAssembly,
    });
  const [js, wasm, digest, bare] = [build(false), build(true), new TDigest(), createBare()];
  const ours = createDistribution();
  const timed = createDistribution();
  const now = Date.now();
  const adding = (name: string, add: (value: number) => void): Contender => ({
    name,
    run(times) {
      for (let i = 0; i < times; i++) add(VALUES[i & 0xffff]!);
    },
  });
  const costs = await compare(
    [
      { name: BARE, run: (times) => runBare(bare, times) },
      { name: "ballast add(value)", run: (times) => runOurs(ours, times) },
      { name: "ballast add(value, at)", run: (times) => runTimed(timed, times, now) },
      { name: "ballast add(value, at), three labels", run: (times) => runTimed(requests, times, now) },
      adding("hdr-histogram-js", (value) => js.recordValue(Math.round(value * 1e6))),
      adding("hdr-histogram-js, WASM", (value) => wasm.recordValue(Math.round(value * 1e6))),
      adding("prom-client Histogram", (value) => prom.observe(value)),
      adding("prom-client Histogram, a label", (value) => labelled.observe({ outcome: "success" }, value)),
      adding(
        "prom-client Histogram, three labels",
        (value) => request.observe({ method: "GET", route: "/orders/:id", status: "200" }, value),
      ),
      adding("prom-client Histogram, three, kept", (value) => kept.observe(value)),
      adding("@opentelemetry/sdk-metrics", (value) => otel.record(value)),
      adding("@opentelemetry/sdk-metrics, a label", (value) => otel.record(value, { outcome: "success" })),
      adding("tdigest", (value) => digest.push(value)),
    ],
    BARE,
    effort,
  );
  await provider.shutdown();
  return costs;
}

/** Loops of their own, so that each call is inlined or not as it would be in a program. */
function runOurs(ours: Distribution, times: number): void {
  for (let i = 0; i < times; i++) ours.add(VALUES[i & 0xffff]!);
}

function runTimed(ours: Distribution, times: number, now: number): void {
  for (let i = 0; i < times; i++) ours.add(VALUES[i & 0xffff]!, now);
}

/** The least there is to do: count, mean and variance, and a log-linear bucket. */
interface Bare {
  add(value: number): void;
  /** Whoever is never read may be optimised away. */
  read(): number;
}

function createBare(): Bare {
  const counts = new Uint32Array(1 << 12);
  const bits = new Float64Array(1);
  const halves = new Int32Array(bits.buffer);
  let [count, mean, squares] = [0, 0, 0];
  return {
    add(value) {
      count++;
      const deviation = value - mean;
      mean += deviation / count;
      squares += deviation * (value - mean);
      bits[0] = value;
      counts[(halves[1]! >> 14) & 0xfff]!++;
    },
    read: () => mean + squares + counts[0]!,
  };
}

function runBare(bare: Bare, times: number): void {
  for (let i = 0; i < times; i++) bare.add(VALUES[i & 0xffff]!);
  if (Number.isNaN(bare.read())) throw new Error("the mean is no number");
}

async function measureSketch(effort: Effort): Promise<readonly Cost[]> {
  const counts = new Map<string, number>();
  const sketch = createSketch();
  const peer = new bloomFilters.HyperLogLog(1 << 14);
  const adding = (name: string, add: (key: string) => void): Contender => ({
    name,
    run(times) {
      for (let i = 0; i < times; i++) add(KEYS[i & 0xfff]!);
    },
  });
  return await compare(
    [
      adding("Map of counts", (key) => counts.set(key, (counts.get(key) ?? 0) + 1)),
      adding("ballast sketch", (key) => sketch.add(key)),
      adding("bloom-filters HyperLogLog alone", (key) => peer.update(key)),
    ],
    "Map of counts",
    effort,
  );
}

async function measureMemory(): Promise<Memory[]> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const live = async () => {
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const each = async (name: string, count: number, fill: (distribution: Distribution) => void) => {
    const before = await live();
    const held = Array.from({ length: count }, () => createDistribution());
    held.forEach(fill);
    const bytes = Math.round((await live() - before) / held.length);
    return { name, bytes };
  };
  const octaves = (times: number) => (distribution: Distribution) => {
    for (let octave = 0; octave < 47; octave++) {
      for (let i = 0; i < times; i++) distribution.add(2 ** (octave - 20) * (1 + (i % 64 + 0.5) / 64));
    }
  };
  // The first one pays for code and shapes.
  await each("warm-up", 200, octaves(64));
  return [
    await each(
      "16 values",
      10_000,
      (distribution) => VALUES.slice(0, 16).forEach((value) => distribution.add(value)),
    ),
    await each("1,000 latencies", 2_000, (distribution) => {
      VALUES.slice(0, 1_000).forEach((value) => distribution.add(value));
    }),
    await each("every bucket of every octave", 500, octaves(64)),
  ];
}

/** For people. */
export function printStats({ add, sketch, memory }: StatsCosts): void {
  for (
    const [what, rows] of [["A value added to a distribution", add], [
      "A text added to a sketch",
      sketch,
    ]] as const
  ) {
    console.log(`\n${what}`);
    for (const { name, ns, ratio } of rows) {
      console.log(`  ${name.padEnd(38)} ${ns.toFixed(1).padStart(8)} ns ${ratio.toFixed(2).padStart(8)}x`);
    }
  }
  console.log("\nMemory of a distribution");
  for (const { name, bytes } of memory) {
    console.log(`  ${name.padEnd(38)} ${String(bytes).padStart(8)} bytes`);
  }
}

// By itself: on Node, from a bundle.
if (process.argv[1]?.endsWith("stats.js")) {
  printStats(await measureStats(THOROUGH));
  process.exit();
}
