/** A runtime that has everything a page can show, and never stands still: what the pages are tried on. */

import { createRuntime, type Report, type Reporter, type Runtime, staticResolver } from "@ballast/runtime";

/** More rows than a table shows without a filter. */
const ROWS = 60;

/** Makes the runtime, with a report called `sample` beside its own. */
export function createSample(): Runtime {
  const resolver = staticResolver({ "api.internal": ["10.0.0.7", "fd00::7"] });
  const hosts = { "db.internal": ["10.0.0.4"] };
  const runtime = createRuntime({ name: "sample", dns: { resolver, hosts, preresolve: ["api.internal"] } });
  runtime.reports.add("sample", createSampleReporter(runtime.platform.clock));
  return runtime;
}

function createSampleReporter(clock: { now(): number }): Reporter {
  let reads = 0;
  let greeting = "nobody";
  return {
    report: () => sampleReport(++reads, clock.now(), greeting),
    details: (key) => /^shard-\d+$/.test(key) ? shardReport(key, clock.now()) : undefined,
    act(id, { name = "" }) {
      if (id !== "greet" || name === "nobody") throw new Error(`cannot greet ${name}`);
      greeting = name;
      return { greeted: name };
    },
  };
}

function sampleReport(reads: number, now: number, greeting: string): Report {
  return {
    id: "sample",
    title: "Sample",
    summary: `read ${reads} times`,
    findings: [
      {
        id: "slow",
        severity: "warning",
        title: "The disk of <shard-7> is slow",
        evidence: "p99 of 1.2 s over the last minute, 4 ms an hour ago.",
        likelyCause: "A neighbour on the same machine writes a backup.",
        remedy: "Move the backup, or wait: reads are served from the replica meanwhile.",
        since: now - 83_000,
      },
      {
        id: "info",
        severity: "info",
        title: "Two replicas are of an older version",
        evidence: "1.4.2 beside 1.5.0.",
        likelyCause: "A roll-out is under way.",
        remedy: "Nothing, if it ends within the hour.",
      },
    ],
    facts: [
      { label: "Reads", value: reads },
      { label: "Greeted", value: greeting },
      { label: "Memory", value: { kind: "bytes", bytes: 123_456_789 }, hint: "resident set" },
      { label: "Hit ratio", value: { kind: "ratio", ratio: 0.99998 } },
    ],
    machines: [{
      id: "connections",
      title: "Connections by state",
      states: [
        { state: "in use", count: 12 + reads % 5, tone: "good" },
        { state: "pooled", count: 30, tone: "neutral" },
        { state: "closing", count: 3, tone: "warning" },
        { state: "failed", count: 1, tone: "bad" },
      ],
    }],
    series: [
      {
        id: "rate",
        title: "Requests a second",
        unit: "1",
        points: wave(now, 90, (x) => 200 + 80 * Math.sin(x / 9)),
      },
      {
        id: "latency",
        title: "Latency",
        unit: "ms",
        points: wave(now, 90, (x) => x % 31 === 0 ? 900 : 2 + x % 7),
      },
      {
        id: "memory",
        title: "Memory",
        unit: "bytes",
        points: wave(now, 60, (_, index) => 2 ** 27 + index * 2 ** 18),
      },
      { id: "none", title: "Nothing yet", unit: "1", points: [] },
    ],
    histograms: [
      histogram("dns", "Lookups", "ms", 4, 1.1),
      histogram("sizes", "Sizes of answers", "bytes", 40_000, 0.25),
    ],
    tables: [
      {
        id: "shards",
        title: "Shards",
        columns: ["Shard", "State", "Addresses", "Latency", "Size", "Seen"],
        rows: Array.from({ length: ROWS }, (_, index) => [
          { kind: "details", key: `shard-${index}` },
          index % 9 === 0
            ? { kind: "state", state: "slow", tone: "warning" }
            : { kind: "state", state: "well", tone: "good" },
          { kind: "list", items: [`10.0.${index}.4`, `10.0.${index}.5`] },
          index === 5 ? null : { kind: "duration", ms: (index * 37 % 101) ** 2 / 10 + reads % 3 },
          { kind: "bytes", bytes: (index * 53 % 97) * 1e6 },
          { kind: "time", at: now - index * 7_000 },
        ]),
        empty: "There is no shard.",
      },
      { id: "none", title: "Dead letters", columns: ["Letter"], rows: [], empty: "There is none." },
    ],
    actions: [
      { id: "greet", label: "Greet", fields: [{ name: "name", label: "Whom to greet" }] },
      // Names that hide properties of the form itself.
      {
        id: "odd",
        label: "Be odd",
        fields: ["id", "action"].map((name) => ({ name, label: name })),
      },
    ],
  };
}

/** One thing of those that the sample lists: a distribution with its recent values. */
function shardReport(shard: string, now: number): Report {
  return {
    id: "sample",
    title: shard,
    summary: "one of the shards",
    facts: [{ label: "Seen", value: { kind: "time", at: now - 21_000 } }],
    histograms: [histogram("latency", "Latency", "ms", 4, 1.1)],
    series: [{
      id: "recent",
      title: "Recent latencies",
      unit: "ms",
      points: wave(now, 90, (x) => x % 31 === 0 ? 900 : 2 + x % 7),
    }],
  };
}

/** Values a second apart, up to now. */
function wave(now: number, count: number, value: (x: number, index: number) => number): [number, number][] {
  const second = Math.floor(now / 1000);
  return Array.from({ length: count }, (_, index) => {
    const at = second - count + index;
    return [at * 1000, value(at, index)];
  });
}

/** The histogram of a log-normal distribution, its buckets a tenth wide. */
function histogram(id: string, title: string, unit: string, median: number, sigma: number) {
  const buckets = Array.from({ length: 120 }, (_, index): [number, number, number] => {
    const from = median * 1.1 ** (index - 60);
    const z = Math.log(from * 1.05 / median) / sigma;
    return [from, from * 1.1, Math.round(4000 * Math.exp(-z * z / 2))];
  }).filter(([, , count]) => count > 0);
  const quantiles = [[0.5, 0], [0.9, 1.2816], [0.99, 2.3263], [0.999, 3.0902]].map(([q, z]) => ({
    q: q!,
    value: median * Math.exp(z! * sigma),
  }));
  return { id, title, unit, count: buckets.reduce((sum, [, , count]) => sum + count, 0), buckets, quantiles };
}
