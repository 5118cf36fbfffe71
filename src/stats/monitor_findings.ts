/**
 * What is wrong with the event loop or the process, said with its evidence.
 *
 * @module
 */

import type { Finding } from "../report.ts";
import type { MonitorSeries, MonitorSnapshot } from "./monitor.ts";
import type { Pause } from "./monitor_pauses.ts";
import type { Point, TimeSeries } from "./monitor_series.ts";
import { trendOf } from "./monitor_trend.ts";

/** Seconds that are looked back on for a lag that lasts, and how many there must be. */
const LAG_SECONDS = 60;
const LAG_LEAST_SECONDS = 30;
/** A worst lag of a second that hurts, and one that hurts everybody. */
const LAG_MS = 50;
const LAG_CRITICAL_MS = 250;
/** Pauses that still matter; so many, or one so long, are more than good to know. */
const PAUSES_MS = 600_000;
const PAUSES_MANY = 3;
const PAUSE_LONG_MS = 1_000;
/** Minutes before memory is judged; how one-sided, and how much it must have grown: a part of it, and so many bytes. */
const GROWTH_MINUTES = 20;
const GROWTH_TAU = 0.7;
const GROWTH_SHARE = 0.1;
const GROWTH_BYTES = 32 * 1024 * 1024;
/** Seconds over which the heap must have been near its limit, and how near. */
const HEAP_SECONDS = 30;
const HEAP_SHARE = 0.85;
const HEAP_CRITICAL_SHARE = 0.95;

/** What a monitor has found. */
export function monitorFindings(snapshot: MonitorSnapshot, series: MonitorSeries): Finding[] {
  return [
    ...sustainedLag(series.lag, snapshot),
    ...longPauses(snapshot),
    ...heapLimit(series.heap, snapshot),
    ...growth("heap", "The heap", series.heap),
    ...growth("memory", "Resident memory", series.rss),
    ...brokenWatches(snapshot),
    ...refusedWatches(snapshot),
  ];
}

/** In half of the last minute's seconds or more. */
function sustainedLag(lag: TimeSeries, { at }: MonitorSnapshot): Finding[] {
  const seconds = lag.recent(LAG_SECONDS).filter(([then]) => at - then <= 2 * LAG_SECONDS * 1000);
  if (seconds.length < LAG_LEAST_SECONDS) return [];
  const sorted = seconds.map(([, value]) => value).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  if (median < LAG_MS) return [];
  return [{
    id: "sustained-lag",
    severity: median >= LAG_CRITICAL_MS ? "critical" : "warning",
    title: "The event loop is late all the time",
    evidence: `In half of the last ${seconds.length} seconds it was late by ${
      ms(median)
    } or more, at worst by ${ms(sorted.at(-1)!)}.`,
    likelyCause:
      "Work on the main thread: parsing, rendering, compressing, synchronous files, or more load than one core carries.",
    remedy: "Move what takes long to workers (cpuBound), shed load early, or add processes.",
  }];
}

function longPauses({ at, pauses, pauseMs, stacks }: MonitorSnapshot): Finding[] {
  const recent = pauses.recent.filter((pause) => at - pause.at <= PAUSES_MS);
  if (recent.length === 0) return [];
  const worst = recent.reduce((a, b) => b.blockedMs > a.blockedMs ? b : a);
  const told = worst.stack ? worst : recent.find(({ stack }) => stack !== undefined) ?? worst;
  const count = recent.length === 1 ? "A pause" : `${recent.length} pauses`;
  return [{
    id: "long-pauses",
    severity: recent.length >= PAUSES_MANY || worst.blockedMs >= PAUSE_LONG_MS ? "warning" : "info",
    title: "The event loop was blocked",
    evidence: `${count} of ${ms(pauseMs)} or more in ten minutes, the worst of ${ms(worst.blockedMs)}${
      noteText(worst)
    }.`,
    likelyCause: told.stack
      ? `The thread was in ${culprits(told.stack.frames)}.`
      : `Not known: no stack was taken (${
        stacks.reason ?? (stacks.mode === "off" ? "not asked for" : "the next one is")
      }).`,
    remedy: told.stack
      ? "Move it to a worker (cpuBound), or do it in parts."
      : 'Look for synchronous work; createRuntime({ monitor: { stacks: "on" } }) records who does it.',
    since: recent.at(-1)!.at,
  }];
}

/** The calls to blame: the innermost ones of the program's own, and what of the runtime's they were in. */
function culprits(frames: readonly string[]): string {
  const own = frames.filter((frame) => !/\((?:native|\?|node:|ext:)/.test(frame));
  const blamed = (own.length > 0 ? own : frames).slice(0, 3).join(" < ");
  return own.length > 0 && own[0] !== frames[0] ? `${blamed}, there in ${frames[0]}` : blamed;
}

function noteText({ note }: Pause): string {
  return note === undefined ? "" : `, during or before "${note}"`;
}

/** Garbage comes and goes; near the limit it is only what stays there. */
function heapLimit(heap: TimeSeries, { usage }: MonitorSnapshot): Finding[] {
  const limit = usage?.heapLimitBytes;
  const seconds = heap.recent(HEAP_SECONDS);
  if (limit === undefined || seconds.length < HEAP_SECONDS) return [];
  const least = Math.min(...seconds.map(([, value]) => value));
  const share = least / limit;
  if (share < HEAP_SHARE) return [];
  return [{
    id: "heap-limit",
    severity: share >= HEAP_CRITICAL_SHARE ? "critical" : "warning",
    title: "The heap is close to its limit",
    evidence: `For ${HEAP_SECONDS} seconds at least ${mib(least)} of ${mib(limit)} were in use.`,
    likelyCause:
      "A leak, a cache without a bound, or a limit too low for the load. At the limit the process is ended.",
    remedy: "Recycle the process, take a heap snapshot, or raise the limit (--max-old-space-size).",
  }];
}

/** Over the floor of each minute, that is after its garbage was collected. */
function growth(id: string, what: string, series: TimeSeries): Finding[] {
  const floors = series.floors();
  if (floors.length < GROWTH_MINUTES) return [];
  const trend = trendOf(floors);
  if (trend === undefined || trend.tau < GROWTH_TAU) return [];
  const grown = trend.perMs * trend.spanMs;
  const base = lowest(floors);
  if (grown < Math.max(GROWTH_BYTES, GROWTH_SHARE * base)) return [];
  return [{
    id: `${id}-growing`,
    severity: "warning",
    title: `${what} grows steadily`,
    evidence: `By ${mib(trend.perMs * 3_600_000)} an hour over ${
      Math.round(trend.spanMs / 60_000)
    } minutes, from ${mib(base)} (Theil-Sen slope over the floor of each minute, tau ${
      trend.tau.toFixed(2)
    }).`,
    likelyCause: "A leak: a map, an array, a listener or a closure that is added to and never taken from.",
    remedy:
      "Compare two heap snapshots some minutes apart; bound caches; recycle the process until it is found.",
    since: floors[0]![0],
  }];
}

function brokenWatches({ watches }: MonitorSnapshot): Finding[] {
  return watches.filter(({ value, failures }) => value === null && failures > 0).map((
    { name, failures },
  ) => ({
    id: `watch-${name.replace(/[^A-Za-z0-9-]+/g, "-")}-fails`,
    severity: "info",
    title: `"${name}" cannot be read`,
    evidence: `${failures} times its function threw or gave no finite number.`,
    likelyCause: "What it reads is gone, or not there yet.",
    remedy: "Call what watch() returned when the part that is watched ends.",
  }));
}

function refusedWatches({ watchesRefused }: MonitorSnapshot): Finding[] {
  if (watchesRefused === 0) return [];
  return [{
    id: "too-many-watches",
    severity: "info",
    title: "Some values are not watched, there being too many",
    evidence: `${watchesRefused} were asked for beyond the 64 that are kept over time.`,
    likelyCause: "A watch for each of something without bound, or watches that are not ended.",
    remedy: "Watch sums, and call what watch() returned when a part ends.",
  }];
}

function lowest(points: readonly Point[]): number {
  return Math.min(...points.map(([, value]) => value));
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function mib(value: number): string {
  return `${(value / 1024 / 1024).toFixed(1)} MiB`;
}
