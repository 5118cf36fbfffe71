/**
 * What a person should know of the event loop and the process.
 *
 * @module
 */

import type { Cell, Fact, Histogram, Report, ReportTable, Series } from "../report.ts";
import { bucketEdge } from "./buckets.ts";
import type { MonitorSeries, MonitorSnapshot } from "./monitor.ts";
import { monitorFindings } from "./monitor_findings.ts";
import type { Pause, StackState } from "./monitor_pauses.ts";
import type { Point } from "./monitor_series.ts";

/** A watched value over time. */
export interface WatchedSeries {
  readonly name: string;
  readonly points: readonly Point[];
}

/** Makes the report of a monitor. */
export function monitorReport(
  snapshot: MonitorSnapshot,
  series: MonitorSeries,
  watched: readonly WatchedSeries[],
): Report {
  const { lag, pauses } = snapshot;
  const worst = lag.max === null
    ? "no look yet"
    : `lag p99 ${round(lag.p99!)} ms, worst ${round(lag.max)} ms`;
  return {
    id: "monitor",
    title: "Runtime monitor",
    summary: `${worst}; ${pauses.count} ${pauses.count === 1 ? "pause" : "pauses"}`,
    facts: [...lagFacts(snapshot), ...processFacts(snapshot), ...overheadFacts(snapshot)],
    tables: [pauseTable(snapshot), ...watchTable(snapshot), ...resourceTable(snapshot)],
    series: [...ownSeries(series), ...watched.map(watchSeries)].filter(({ points }) => points.length > 0),
    histograms: lag.count === 0 ? [] : [lagHistogram(snapshot)],
    findings: monitorFindings(snapshot, series),
  };
}

function lagFacts({ lag, held, intervalMs, pauses, pauseMs, stacks }: MonitorSnapshot): Fact[] {
  return [
    { label: "Lag, median", value: ms(lag.p50), hint: "how late the event loop came round, since the start" },
    { label: "Lag, p90", value: ms(lag.p90) },
    { label: "Lag, p99", value: ms(lag.p99) },
    { label: "Lag, p99.9", value: ms(lag.p999) },
    { label: "Lag, worst", value: ms(lag.max) },
    {
      label: "Loop held",
      value: ratio(held),
      hint: "looks of the last minute that came more than 5 ms late",
    },
    { label: "Pauses", value: pauses.count, hint: `late by ${pauseMs} ms or more` },
    { label: "Time lost in pauses", value: ms(pauses.totalMs) },
    { label: "Stacks of pauses", value: stacksText(stacks), hint: stacks.reason },
    { label: "Looks every", value: ms(intervalMs) },
  ];
}

function stacksText({ method, mode, watching }: StackState): string {
  if (method === "none") return "not possible here";
  if (mode === "off") return 'not watched for (stacks: "after-pause" or "on")';
  return watching ? `watched for (${method})` : `from the next pause on (${method})`;
}

/** What is not told is left out. */
function processFacts({ usage, cpu }: MonitorSnapshot): Fact[] {
  if (usage === undefined) return [{ label: "Memory and processor", value: "not told by this platform" }];
  const facts: Fact[] = [
    { label: "Processor", value: ratio(cpu), hint: "of one core in the last second, all threads" },
    { label: "Resident memory", value: bytes(usage.rssBytes) },
    { label: "Heap in use", value: bytes(usage.heapUsedBytes), hint: "live objects and garbage" },
    { label: "Heap", value: bytes(usage.heapTotalBytes) },
    { label: "Heap limit", value: bytes(usage.heapLimitBytes) },
    { label: "External memory", value: bytes(usage.externalBytes), hint: "array buffers included" },
    { label: "Array buffers", value: bytes(usage.arrayBuffersBytes) },
  ];
  return facts.filter(({ value }) => value !== null);
}

function overheadFacts({ overhead }: MonitorSnapshot): Fact[] {
  return [
    {
      label: "Cost of the monitor",
      value: { kind: "ratio", ratio: overhead.share },
      hint: `of this thread's time, in ${overhead.ticks} looks; the system's waking comes on top`,
    },
  ];
}

function pauseTable({ pauses, pauseMs }: MonitorSnapshot): ReportTable {
  return {
    id: "pauses",
    title: "Long pauses, the newest first",
    columns: ["Ended", "At least", "At most", "Note", "Seen in", "Stack"],
    rows: pauses.recent.map(pauseRow),
    empty: `The event loop has not been ${pauseMs} ms late.`,
    omitted: pauses.count - pauses.recent.length,
  };
}

function pauseRow({ at, blockedMs, atMostMs, note, stack }: Pause): Cell[] {
  return [
    { kind: "time", at },
    ms(blockedMs),
    ms(atMostMs),
    note ?? null,
    stack ? `${stack.samples} of ${stack.of} samples` : null,
    stack ? { kind: "list", items: stack.frames } : null,
  ];
}

function watchTable({ watches }: MonitorSnapshot): ReportTable[] {
  if (watches.length === 0) return [];
  return [{
    id: "watches",
    title: "Watched",
    columns: ["Name", "Now", "Highest in 10 min", "Failed reads"],
    rows: watches.map(({ name, value, max, failures }) => [name, value, max, failures]),
    empty: "Nothing is watched.",
  }];
}

function resourceTable({ resources }: MonitorSnapshot): ReportTable[] {
  if (resources === undefined) return [];
  return [{
    id: "resources",
    title: "What holds the event loop open",
    columns: ["Kind", "Count"],
    rows: Object.entries(resources).sort((a, b) => b[1] - a[1]),
    empty: "Nothing.",
  }];
}

function ownSeries({ lag, rss, heap, cpu }: MonitorSeries): Series[] {
  return [
    { id: "lag", title: "Lag, the worst of each step", unit: "ms", points: lag.points() },
    { id: "cpu", title: "Processor, in cores", unit: "1", points: cpu.points() },
    { id: "rss", title: "Resident memory", unit: "bytes", points: rss.points() },
    { id: "heap", title: "Heap in use", unit: "bytes", points: heap.points() },
  ];
}

function watchSeries({ name, points }: WatchedSeries): Series {
  return { id: `watch-${name.replace(/[^A-Za-z0-9-]+/g, "-")}`, title: name, unit: "1", points };
}

function lagHistogram({ lag }: MonitorSnapshot): Histogram {
  const quantiles = [[0.5, lag.p50], [0.9, lag.p90], [0.99, lag.p99], [0.999, lag.p999]] as const;
  return {
    id: "lag",
    title: "Lag of the event loop",
    unit: "ms",
    count: lag.count,
    buckets: lag.buckets.map(([bucket, count]) =>
      [bucketEdge(bucket, "ms"), bucketEdge(bucket + 1, "ms"), count] as const
    ),
    quantiles: quantiles.map(([q, value]) => ({ q, value: value! })),
  };
}

function ms(value: number | null): Cell {
  return value === null ? null : { kind: "duration", ms: value };
}

function bytes(value: number | undefined): Cell {
  return value === undefined ? null : { kind: "bytes", bytes: value };
}

function ratio(value: number | null): Cell {
  return value === null ? null : { kind: "ratio", ratio: value };
}

function round(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
