import assert from "node:assert/strict";
import { test } from "node:test";

import { createRuntime, detectPlatform, type Platform } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { createMonitor, createStats, type MonitorEvent } from "@ballast/runtime/stats";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import type {
  BlockedStack,
  PlatformMonitor,
  ProcessUsage,
  StackWatchOptions,
} from "../../src/platform/port.ts";
import { PauseLog } from "../../src/stats/monitor_pauses.ts";
import { TimeSeries } from "../../src/stats/monitor_series.ts";
import { trendOf } from "../../src/stats/monitor_trend.ts";

const MIB = 1024 * 1024;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A platform in simulated time whose loop can be held up and whose process uses what is said. */
function simulated(monitor?: Partial<PlatformMonitor>) {
  const inner = simulatedClock();
  let heldMs = 0;
  let callCost = 0;
  const usage: { value: ProcessUsage } = { value: {} };
  // A late callback: what it reads is later than it was due.
  const clock = Object.defineProperties({}, {
    ...Object.getOwnPropertyDescriptors(inner),
    now: { value: () => inner.now() + heldMs },
    monotonic: {
      value: () => {
        heldMs += callCost;
        return inner.monotonic() + heldMs;
      },
    },
    schedule: {
      value: (delayMs: number, callback: () => void) => inner.schedule(delayMs, callback),
    },
  }) as SimulatedClock;
  const platform: Platform = {
    ...detectPlatform(),
    name: "simulated",
    clock,
    monitor: { usage: () => usage.value, ...monitor },
  };
  return {
    platform,
    clock: inner,
    usage,
    /** The loop is held for so long, from now on. */
    hold: (ms: number) => void (heldMs += ms),
    /** Each reading of the clock takes so long. */
    charge: (ms: number) => void (callCost = ms),
  };
}

test("an idle loop has no lag, is woken four times a second, and close() leaves no timer", async () => {
  const { platform, clock } = simulated();
  const monitor = createMonitor({ platform });
  await clock.advance(10 * SECOND);
  const { lag, pauses, overhead, held } = monitor.snapshot();
  assert.equal(lag.count, 39);
  assert.equal(lag.max, 0);
  assert.equal(held, 0);
  assert.equal(pauses.count, 0);
  assert.equal(overhead.ticks, 39);
  assert.equal(clock.pending, 1);
  await monitor.close();
  await monitor.close();
  assert.equal(clock.pending, 0);
});

test("a loop that comes round late has a pause, bounded from both sides, with the last note", async () => {
  const { platform, clock, hold } = simulated();
  const stats = createStats({ clock });
  await using monitor = createMonitor({ intervalMs: 200, platform, stats });
  const events: MonitorEvent[] = [];
  monitor.events.subscribe((event) => events.push(event));
  await clock.advance(SECOND);
  monitor.note("rendering the report");
  hold(400);
  await clock.advance(200);
  const { pauses, lag, recentLag } = monitor.snapshot();
  assert.equal(pauses.count, 1);
  const [pause] = pauses.recent;
  assert.equal(pause!.blockedMs, 400);
  assert.equal(pause!.atMostMs, 600);
  assert.equal(pause!.note, "rendering the report");
  assert.equal(pause!.stack, undefined);
  assert.equal(lag.max, 400);
  assert.equal(recentLag.at(-1), 400);
  assert.deepEqual(events, [{ type: "paused", pause }]);
  assert.equal(stats.counter("event_loop.pauses").value, 1);
  assert.equal(stats.distribution("event_loop.lag").max, 400);
  const finding = monitor.report().findings?.find(({ id }) => id === "long-pauses");
  assert.match(finding!.evidence, /worst of 400 ms, during or before "rendering the report"/);
  assert.equal(finding!.severity, "info");
  hold(1200);
  await clock.advance(200);
  assert.equal(monitor.report().findings?.find(({ id }) => id === "long-pauses")?.severity, "warning");
});

test("what is less late than a pause is lag and no more", async () => {
  const { platform, clock, hold } = simulated();
  await using monitor = createMonitor({ intervalMs: 200, platform });
  hold(99);
  await clock.advance(SECOND);
  assert.equal(monitor.snapshot().lag.max, 99);
  assert.equal(monitor.snapshot().pauses.count, 0);
});

test("pauses are counted without end, and the last fifty are kept", async () => {
  const { platform, clock, hold } = simulated();
  await using monitor = createMonitor({ intervalMs: 200, platform });
  for (let round = 1; round <= 60; round++) {
    hold(100 + round);
    await clock.advance(200);
  }
  const { count, recent, totalMs } = monitor.snapshot().pauses;
  assert.equal(count, 60);
  assert.equal(recent.length, 50);
  assert.equal(recent[0]!.blockedMs, 160);
  assert.equal(totalMs, 60 * 100 + 60 * 61 / 2);
  const [pauses] = monitor.report().tables!;
  assert.equal(pauses!.rows.length, 50);
  assert.equal(pauses!.omitted, 10);
});

test("a lag that lasts is found, with its cure; an old one is not", async () => {
  const { platform, clock, hold } = simulated();
  await using monitor = createMonitor({ intervalMs: 200, platform });
  const found = () => monitor.report().findings!.find(({ id }) => id === "sustained-lag");
  for (let second = 0; second < 40; second++) {
    hold(80);
    await clock.advance(SECOND);
  }
  assert.equal(found()?.severity, "warning");
  assert.match(found()!.evidence, /late by 80 ms or more/);
  assert.match(found()!.remedy, /cpuBound/);
  await clock.advance(2 * MINUTE);
  assert.equal(found(), undefined);
});

test("processor time is told of one core, and memory as it is", async () => {
  const { platform, clock, usage } = simulated();
  usage.value = { cpuMs: 0, rssBytes: 100 * MIB, heapUsedBytes: 50 * MIB, heapLimitBytes: 1000 * MIB };
  await using monitor = createMonitor({ intervalMs: 200, platform });
  assert.equal(monitor.snapshot().cpu, null);
  for (let second = 1; second <= 5; second++) {
    usage.value = { ...usage.value, cpuMs: second * 250 };
    await clock.advance(SECOND);
  }
  assert.equal(monitor.snapshot().cpu, 0.25);
  const report = monitor.report();
  const value = (label: string) => report.facts!.find((fact) => fact.label === label)?.value;
  assert.deepEqual(value("Resident memory"), { kind: "bytes", bytes: 100 * MIB });
  assert.equal(value("Array buffers"), undefined, "what is not told is left out");
  const ids = report.series!.map(({ id }) => id);
  assert.deepEqual(ids, ["lag", "cpu", "rss", "heap"]);
  assert.deepEqual(report.series![1]!.points.map(([, share]) => share), [0.25, 0.25, 0.25, 0.25, 0.25]);
});

test("a heap that grows under its garbage is found, one that only saws is not", async () => {
  for (const leakBytesAMinute of [0, 4 * MIB]) {
    const { platform, clock, usage } = simulated();
    await using monitor = createMonitor({ platform, intervalMs: 1000 });
    for (let second = 0; second < 31 * 60; second++) {
      const garbage = (second % 20) * 10 * MIB;
      const leak = leakBytesAMinute * second / 60;
      usage.value = { heapUsedBytes: 100 * MIB + leak + garbage, rssBytes: 400 * MIB };
      await clock.advance(SECOND);
    }
    const finding = monitor.report().findings!.find(({ id }) => id === "heap-growing");
    if (leakBytesAMinute === 0) assert.equal(finding, undefined);
    else assert.match(finding!.evidence, /By 2(39|40|41)\.\d MiB an hour over (29|30) minutes/);
    assert.equal(monitor.report().findings!.some(({ id }) => id === "memory-growing"), false);
  }
});

test("a heap that stays near its limit is found; a peak is not", async () => {
  const { platform, clock, usage } = simulated();
  await using monitor = createMonitor({ intervalMs: 200, platform });
  const severity = () => monitor.report().findings!.find(({ id }) => id === "heap-limit")?.severity;
  const use = async (mib: number, seconds: number) => {
    usage.value = { heapUsedBytes: mib * MIB, heapLimitBytes: 1000 * MIB };
    await clock.advance(seconds * SECOND);
  };
  await use(500, 60);
  await use(960, 10);
  assert.equal(severity(), undefined);
  await use(900, 40);
  assert.equal(severity(), "warning");
  await use(960, 40);
  assert.equal(severity(), "critical");
});

test("watched values are kept over time; one that throws harms nobody; names are bounded", async () => {
  const { platform, clock } = simulated();
  await using monitor = createMonitor({ intervalMs: 200, platform });
  let depth = 0;
  const unwatch = monitor.watch("workers.queue", () => depth++);
  monitor.watch("broken", () => {
    throw new Error("gone");
  });
  monitor.watch("no number", () => NaN);
  await clock.advance(3 * SECOND);
  const { watches } = monitor.snapshot();
  assert.deepEqual(watches.map(({ name, value, max, failures }) => [name, value, max, failures]), [
    ["workers.queue", 2, 2, 0],
    ["broken", null, null, 3],
    ["no number", null, null, 3],
  ]);
  const report = monitor.report();
  const series = report.series!.find(({ id }) => id === "watch-workers-queue");
  assert.deepEqual(series!.points.map(([, value]) => value), [0, 1, 2]);
  assert.deepEqual(report.findings!.map(({ id }) => id), ["watch-broken-fails", "watch-no-number-fails"]);
  unwatch();
  for (let index = 0; index < 70; index++) monitor.watch(`queue ${index}`, () => index);
  assert.equal(monitor.snapshot().watches.length, 64);
  assert.equal(monitor.snapshot().watchesRefused, 8);
  assert.ok(monitor.report().findings!.some(({ id }) => id === "too-many-watches"));
});

test("ten minutes are kept by the second, an hour by ten, and no more", () => {
  const series = new TimeSeries();
  for (let second = 0; second < 3 * 3600; second++) series.add(second * SECOND, second % 10);
  const points = series.points();
  assert.equal(series.recent().length, 600);
  // The step of ten seconds that is under way is told by its seconds.
  assert.equal(points.length, 600 + 301);
  assert.ok(points.every(([at], index) => index === 0 || at > points[index - 1]![0]));
  assert.equal(points[0]![1], 9, "the worst of ten seconds stands for them");
  assert.equal(series.floors().length, 60);
  assert.ok(series.floors().every(([, value]) => value === 0));
  series.add(3 * 3600 * SECOND, NaN);
  assert.equal(series.recent(1)[0]![1], 9);
});

test("a trend is not moved by outliers, and is one-sided only when it is", () => {
  const growing = Array.from({ length: 60 }, (_, i) => [i * MINUTE, 1000 + i * 6] as const);
  const disturbed = growing.map(([at, value], i) => [at, i % 10 === 3 ? value * 50 : value] as const);
  assert.equal(trendOf(growing)!.perMs * MINUTE, 6);
  assert.equal(trendOf(growing)!.tau, 1);
  assert.ok(Math.abs(trendOf(disturbed)!.perMs * MINUTE - 6) < 1.5);
  const level = growing.map(([at], i) => [at, 1000 + (i % 2)] as const);
  assert.ok(Math.abs(trendOf(level)!.tau) < 0.1);
  assert.equal(trendOf(growing.slice(0, 2)), undefined);
});

test("what a monitor costs is what it was at work, of the time since it was started", async () => {
  const { platform, clock, charge } = simulated();
  charge(0.01);
  await using monitor = createMonitor({ intervalMs: 200, platform });
  await clock.advance(10 * SECOND);
  const { ticks, ownMs, elapsedMs, share } = monitor.snapshot().overhead;
  assert.equal(share, ownMs / elapsedMs);
  // One reading of the clock within a look, and a second one in a look that takes the second's sample.
  assert.ok(ownMs / ticks >= 0.009 && ownMs / ticks <= 0.03, `${ownMs / ticks} ms a look`);
  assert.ok(share < 0.005, `${share}`);
  const cost = monitor.report().facts!.find(({ label }) => label === "Cost of the monitor");
  assert.equal((cost!.value as { kind: string }).kind, "ratio");
});

test("the web has no process: the lag alone is told, and why", async () => {
  const clock = simulatedClock();
  const platform: Platform = { ...detectPlatform(), name: "web", clock, monitor: undefined };
  await using monitor = createMonitor({ intervalMs: 200, platform });
  await clock.advance(2 * SECOND);
  const { usage, cpu, resources, stacks, lag } = monitor.snapshot();
  assert.deepEqual([usage, cpu, resources], [undefined, null, undefined]);
  assert.equal(stacks.method, "none");
  assert.match(stacks.reason!, /web platform has no way/);
  assert.equal(lag.count, 10);
  assert.deepEqual(monitor.report().series!.map(({ id }) => id), ["lag"]);
});

test("arguments out of bounds are refused", () => {
  assert.throws(() => createMonitor({ intervalMs: 1 }), RangeError);
  assert.throws(() => createMonitor({ pauseMs: 0 }), RangeError);
});

/** A way to find stacks that is moved by hand. */
function scriptedWatcher() {
  const watches: { options: StackWatchOptions; beats: number[]; paused: number[]; closed: boolean }[] = [];
  return {
    watches,
    watcher: {
      method: "profiler" as const,
      unasked: true,
      watch(options: StackWatchOptions) {
        const watch = { options, beats: [] as number[], paused: [] as number[], closed: false };
        watches.push(watch);
        return {
          beat: (beat: number) => void watch.beats.push(beat),
          paused: (beat: number) => void watch.paused.push(beat),
          close: () => void (watch.closed = true),
        };
      },
    },
  };
}

const STACK: BlockedStack = { frames: ["render (file:///app.ts:3:1)"], samples: 3, of: 4 };
const aPause = (at: number) => ({ at, blockedMs: 150, atMostMs: 300 });

test("stacks are watched for from the first pause on, and no longer after ten quiet minutes", () => {
  const { watcher, watches } = scriptedWatcher();
  const told: boolean[] = [];
  const log = new PauseLog({
    watcher,
    mode: "after-pause",
    intervalMs: 200,
    pauseMs: 100,
    onPause: (_, isNew) => told.push(isNew),
  });
  log.beat(1, 0);
  assert.equal(watches.length, 0);
  log.record(1, 1000, aPause(1));
  assert.equal(log.stacks.watching, true);
  log.beat(2, 1000);
  // Its stack comes after the pause has been told, the next one's before.
  log.record(2, 2000, aPause(2));
  watches[0]!.options.onStack(2, STACK);
  watches[0]!.options.onStack(3, STACK);
  log.record(3, 3000, aPause(3));
  watches[0]!.options.onStack(77, STACK);
  log.record(4, 4000, aPause(4));
  assert.deepEqual(log.recent().map(({ stack }) => stack), [undefined, STACK, STACK, undefined]);
  assert.deepEqual(told, [true, true, false, true, true]);
  assert.deepEqual(watches[0]!.paused, [2, 3, 4]);
  log.beat(5, 4000 + 10 * MINUTE);
  assert.equal(watches[0]!.closed, true);
  assert.equal(log.stacks.watching, false);
  log.record(5, 5000 + 10 * MINUTE, aPause(5));
  assert.equal(watches.length, 2);
  log.close();
  assert.equal(watches[1]!.closed, true);
  log.record(6, 6000 + 10 * MINUTE, aPause(6));
  assert.equal(watches.length, 2, "a closed log starts nothing");
});

test("a watch that fails, or cannot be started, is not tried again, and the reason is told", () => {
  const scripted = scriptedWatcher();
  const options = { mode: "on", intervalMs: 200, pauseMs: 100, onPause() {} } as const;
  const log = new PauseLog({ ...options, watcher: scripted.watcher });
  scripted.watches[0]!.options.onFailure("its thread has ended");
  assert.deepEqual(log.stacks, {
    method: "none",
    mode: "on",
    watching: false,
    reason: "its thread has ended",
  });
  const refused = new PauseLog({
    ...options,
    mode: "after-pause",
    watcher: {
      ...scripted.watcher,
      watch() {
        throw new Error("Requires sys access");
      },
    },
  });
  refused.record(1, 0, aPause(0));
  assert.equal(refused.stacks.reason, "Requires sys access");
  assert.equal(refused.count, 1);
});

test("a runtime has a monitor with a section of its own; none in simulated time or when told so", async () => {
  await using runtime = createRuntime({ monitor: { intervalMs: 10, stacks: "off" } });
  assert.ok(runtime.monitor);
  runtime.monitor.watch("mail.queue", () => 3);
  const meta = createMetaApp(runtime);
  const page = await (await meta.request("/monitor", { headers: { accept: "text/html" } })).text();
  assert.match(page, /Runtime monitor/);
  assert.match(page, /Cost of the monitor/);
  assert.match(page, /mail\.queue/);
  const { clock, platform } = simulated();
  await using moved = createRuntime({ platform });
  assert.equal(moved.monitor, undefined);
  assert.equal(clock.pending, 0);
  await using without = createRuntime({ monitor: false });
  assert.equal(without.monitor, undefined);
  assert.equal(without.reports.ids.includes("monitor"), false);
});
