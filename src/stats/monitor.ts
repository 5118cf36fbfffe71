/**
 * The runtime monitor: how late the event loop comes round, what blocked it, and what the process uses over time.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../clock.ts";
import { checkNumber } from "../errors.ts";
import { createEvents, type Events } from "../events.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform, ProcessUsage } from "../platform/port.ts";
import type { Report, Reporter } from "../report.ts";
import { createDistribution } from "./distribution.ts";
import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import { type Pause, PauseLog, type StackMode, type StackState } from "./monitor_pauses.ts";
import { monitorReport } from "./monitor_report.ts";
import { FINE_MS, type Point, TimeSeries } from "./monitor_series.ts";
import { Watches, type WatchSnapshot } from "./monitor_watches.ts";
import type { Stats } from "./registry.ts";

/** Options of {@linkcode createMonitor}. */
export interface MonitorOptions {
  /**
   * Between two looks at how late the loop is. A look wakes the process up: that, and not what is done then, is what a monitor costs.
   * Looks are taken at multiples of it; for one that divides 1024 the clock's wheel needs no wake-up of its own in between.
   *
   * @default 256
   */
  readonly intervalMs?: number;
  /**
   * How late is a pause. Pauses longer than this and `intervalMs` together are all seen, shorter ones by chance.
   *
   * @default 100
   */
  readonly pauseMs?: number;
  /**
   * When to watch for the stack of what blocks.
   *
   * @default "after-pause" on Node; "off" on Deno, where starting to watch walks the heap: 3 ms a MiB
   */
  readonly stacks?: StackMode;
  /** Where lag and pauses are counted, too. @default none */
  readonly stats?: Stats;
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to look at. @default the one this runs on */
  readonly platform?: Platform;
}

/** What happens, for programs. */
export type MonitorEvent =
  /** The loop was blocked. */
  | { readonly type: "paused"; readonly pause: Pause }
  /** It became known where the thread was in a pause that had been told. */
  | { readonly type: "stack"; readonly pause: Pause };

/** What a monitor costs, as far as it can tell itself. */
export interface MonitorOverhead {
  /** Times it was woken. */
  readonly ticks: number;
  /** Time in which it was at work on this thread. */
  readonly ownMs: number;
  /** Since it was started. */
  readonly elapsedMs: number;
  /** `ownMs` of `elapsedMs`; the waking itself comes on top, which is the system's. */
  readonly share: number;
}

/** A monitor at one moment. */
export interface MonitorSnapshot {
  /** When it was taken, in milliseconds since the epoch; so are all moments in it. */
  readonly at: number;
  /** The runtime it looks at. */
  readonly platform: string;
  /** Between two looks. */
  readonly intervalMs: number;
  /** How late is a pause. */
  readonly pauseMs: number;
  /** How late the loop came round, in milliseconds; a timer's own grain of a millisecond or two is in it. */
  readonly lag: DistributionSnapshot;
  /** How late it came round the last times, at most 64, the oldest first. */
  readonly recentLag: readonly number[];
  /** The share of looks in the last minute that came more than 5 ms late: about how much of the time the loop was held. Null before the first. */
  readonly held: number | null;
  /** Pauses so far, what they took at least, and the last 50, the newest first. */
  readonly pauses: { readonly count: number; readonly totalMs: number; readonly recent: readonly Pause[] };
  /** Whether the stack of a pause can be told. */
  readonly stacks: StackState;
  /** What the process used when it was last looked at; undefined where the platform does not tell. */
  readonly usage?: ProcessUsage;
  /** Processor time used in the last second, of one core; all threads. Null where it is not told. */
  readonly cpu: number | null;
  /** What holds the loop open, by kind; undefined where the platform does not tell. */
  readonly resources?: Readonly<Record<string, number>>;
  /** The values watched. */
  readonly watches: readonly WatchSnapshot[];
  /** Watches asked for beyond the limit of 64. */
  readonly watchesRefused: number;
  /** What the monitor costs. */
  readonly overhead: MonitorOverhead;
}

/** Looks at the event loop and the process. It keeps no process alive. */
export interface Monitor extends AsyncDisposable, Reporter {
  /** What happens, for programs. */
  readonly events: Events<MonitorEvent>;
  /**
   * Has `read` called once a second, and keeps what it gives: the depth of a queue, say. A name in use is taken over; beyond 64 names
   * a further one is counted and left out. Returns what ends it.
   *
   * @example The depth of a queue over time
   * ```ts
   * import assert from "node:assert/strict";
   * import { createMonitor } from "@ballast/runtime/stats";
   *
   * await using monitor = createMonitor();
   * const queue: string[] = [];
   * const unwatch = monitor.watch("mail.queue", () => queue.length);
   * assert.equal(monitor.snapshot().watches[0]?.name, "mail.queue");
   * unwatch();
   * ```
   */
  watch(name: string, read: () => number): () => void;
  /** Says what the thread turns to now: a pause is recorded with the last note before its end. It costs a store. */
  note(label: string): void;
  /** All that is known, as plain JSON. Never throws. */
  snapshot(): MonitorSnapshot;
  /** What a person should know. */
  report(): Report;
  /** Leaves no timer, thread or session. Safe to call twice. */
  close(): Promise<void>;
}

/** What is kept over time. */
export interface MonitorSeries {
  /** The greatest lag of each second. */
  readonly lag: TimeSeries;
  readonly rss: TimeSeries;
  readonly heap: TimeSeries;
  readonly cpu: TimeSeries;
}

/** What counts as late for `held`: more than the grain of timers. */
const HELD_MS = 5;
/** A note is cut at this when it is recorded. */
const MAX_NOTE = 200;

/** Starts a monitor. Without a process (on the web) it looks at the lag alone. */
export function createMonitor(options: MonitorOptions = {}): Monitor {
  const { platform = detectPlatform() } = options;
  const { clock = platform.clock } = options;
  const intervalMs = checkNumber("intervalMs", options.intervalMs ?? 256, { min: 5, max: FINE_MS });
  const pauseMs = checkNumber("pauseMs", options.pauseMs ?? 100, { min: 10 });
  const events = createEvents<MonitorEvent>();
  const lag = options.stats?.distribution("event_loop.lag", { help: "How late the event loop came round" }) ??
    createDistribution();
  const pauseCount = options.stats?.counter("event_loop.pauses", {
    help: `Times that it came round ${pauseMs} ms late or more`,
  });
  const series: MonitorSeries = {
    lag: new TimeSeries(),
    rss: new TimeSeries(),
    heap: new TimeSeries(),
    cpu: new TimeSeries(),
  };
  const held = new TimeSeries();
  const watches = new Watches();
  const pauses = new PauseLog({ ...stackOptions(options, platform, clock), intervalMs, pauseMs, onPause });
  const startedAt = clock.monotonic();
  let timer: Timer | undefined;
  let closed = false;
  let note: string | undefined;
  let ticks = 0;
  let ownMs = 0;
  let lastTickAt = startedAt;
  let due = startedAt;
  let second = newSecond();
  let usage: ProcessUsage | undefined;
  let cpu: number | null = null;

  function newSecond() {
    return { startedAt: lastTickAt, looks: 0, late: 0, maxLag: 0 };
  }

  function schedule(): void {
    // At multiples, in whole milliseconds, as the wheel has them: what it rounds up is no lag.
    const now = clock.monotonic();
    due = Math.ceil((Math.floor(now / intervalMs) + 1) * intervalMs);
    timer = clock.schedule(due - now, tick);
  }

  function tick(): void {
    const now = clock.monotonic();
    const lateMs = Math.max(0, now - due);
    lag.add(lateMs);
    second.looks++;
    if (lateMs > HELD_MS) second.late++;
    second.maxLag = Math.max(second.maxLag, lateMs);
    if (lateMs >= pauseMs) {
      const pause = { at: clock.now(), blockedMs: lateMs, atMostMs: now - lastTickAt, note: noted() };
      pauses.record(ticks, now, pause);
    }
    pauses.beat(++ticks, now);
    lastTickAt = now;
    if (now - second.startedAt >= FINE_MS - intervalMs / 2) sample(now);
    if (closed) return;
    ownMs += clock.monotonic() - now;
    // Last: what this took is not the loop's lag.
    schedule();
  }

  function sample(now: number): void {
    const at = clock.now();
    series.lag.add(at, second.maxLag);
    held.add(at, second.late / second.looks);
    const before = usage?.cpuMs;
    usage = platform.monitor?.usage();
    series.rss.add(at, usage?.rssBytes ?? NaN);
    series.heap.add(at, usage?.heapUsedBytes ?? NaN);
    if (before !== undefined && usage?.cpuMs !== undefined) {
      cpu = Math.max(0, usage.cpuMs - before) / (now - second.startedAt);
      series.cpu.add(at, cpu);
    }
    watches.sample(at);
    second = newSecond();
  }

  function noted(): string | undefined {
    return note === undefined ? undefined : String(note).slice(0, MAX_NOTE);
  }

  function onPause(pause: Pause, isNew: boolean): void {
    if (isNew) pauseCount?.add();
    events.emit({ type: isNew ? "paused" : "stack", pause });
  }

  function overhead(): MonitorOverhead {
    const elapsedMs = clock.monotonic() - startedAt;
    return { ticks, ownMs, elapsedMs, share: elapsedMs === 0 ? 0 : ownMs / elapsedMs };
  }

  usage = platform.monitor?.usage();
  schedule();

  const monitor: Monitor = {
    events,
    watch: (name, read) => closed ? () => {} : watches.add(name, read),
    note(label) {
      note = label;
    },
    snapshot: () => ({
      at: clock.now(),
      platform: platform.name,
      intervalMs,
      pauseMs,
      lag: lag.snapshot(),
      recentLag: lag.recent().map(([, value]) => value),
      held: mean(held.recent(60)),
      pauses: { count: pauses.count, totalMs: pauses.totalMs, recent: pauses.recent() },
      stacks: pauses.stacks,
      usage,
      cpu,
      resources: platform.monitor?.resources?.(),
      watches: watches.snapshot(),
      watchesRefused: watches.refused,
      overhead: overhead(),
    }),
    report: () => monitorReport(monitor.snapshot(), series, watches.series()),
    close() {
      closed = true;
      timer?.cancel();
      pauses.close();
      watches.clear();
      events.close();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => monitor.close(),
  };
  return monitor;
}

/** How stacks are found, or why not. */
function stackOptions({ stacks }: MonitorOptions, platform: Platform, clock: Clock) {
  const watcher = platform.monitor?.stacks;
  if (watcher === undefined) {
    return { watcher, mode: "off" as const, reason: `the ${platform.name} platform has no way to tell` };
  }
  // On a clock that is moved by hand the thread seems blocked when it is not.
  if (clock !== systemClock) {
    return { watcher, mode: "off" as const, reason: "time is not the machine's own" };
  }
  return { watcher, mode: stacks ?? (watcher.unasked ? "after-pause" as const : "off" as const) };
}

function mean(points: readonly Point[]): number | null {
  if (points.length === 0) return null;
  return points.reduce((total, [, value]) => total + value, 0) / points.length;
}
