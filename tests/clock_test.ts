import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "@ballast/runtime";
import { simulatedClock } from "@ballast/runtime/testing";
import { createWheelClock } from "../src/clock.ts";

/** A source of time moved by hand, that notes what the clock asks of it. */
function handSource() {
  const asked = { armed: 0, disarmed: 0, holds: [] as boolean[], delay: NaN };
  let wake = () => {};
  const source = {
    time: 0,
    wall: 1_000_000,
    now: () => source.wall + source.time,
    monotonic: () => source.time,
    random: () => 0.5,
    arm(delayMs: number, callback: () => void) {
      asked.armed++;
      asked.delay = delayMs;
      wake = callback;
    },
    disarm() {
      asked.disarmed++;
    },
    hold(alive: boolean) {
      asked.holds.push(alive);
    },
  };
  return { source, asked, wake: () => wake() };
}

test("a thousand timers cost one real one", () => {
  const { source, asked } = handSource();
  const { clock } = createWheelClock(source);
  const timers = Array.from({ length: 1000 }, (_, index) => clock.schedule(1000 + index, () => {}));
  assert.equal(asked.armed, 1);
  assert.equal(clock.pending, 1000);
  for (const timer of timers) timer.cancel();
  assert.equal(clock.pending, 0);
  assert.equal(asked.disarmed, 1);
});

test("an earlier timer moves the real one forward, and a late wake-up fires all that is due", () => {
  const { source, asked, wake } = handSource();
  const { clock } = createWheelClock(source);
  const fired: number[] = [];
  clock.schedule(500, () => fired.push(500));
  clock.schedule(20, () => fired.push(20));
  clock.schedule(900, () => fired.push(900));
  assert.equal(asked.armed, 2);
  assert.ok(asked.delay <= 20);
  source.time = 700;
  wake();
  assert.deepEqual(fired, [20, 500]);
  source.time = 901;
  wake();
  assert.deepEqual(fired, [20, 500, 900]);
  assert.equal(clock.pending, 0);
});

test("only a timer that somebody awaits keeps the process alive", () => {
  const { source, asked, wake } = handSource();
  const { clock } = createWheelClock(source);
  clock.schedule(10, () => {});
  assert.deepEqual(asked.holds, []);
  const awaited = clock.schedule(20, () => {}, { keepAlive: true });
  clock.schedule(30, () => {}, { keepAlive: true });
  awaited.cancel();
  awaited.cancel();
  assert.deepEqual(asked.holds, [true]);
  source.time = 40;
  wake();
  assert.deepEqual(asked.holds, [true, false]);
});

test("a wake-up that is lost is asked for again by the next timer", () => {
  const { source, asked, wake } = handSource();
  const { clock } = createWheelClock(source);
  const fired: number[] = [];
  clock.schedule(10, () => fired.push(10));
  source.time = 60_000;
  clock.schedule(10, () => fired.push(20));
  assert.equal(asked.armed, 2);
  wake();
  assert.deepEqual(fired, [10]);
});

test("a suspension is told to those who asked, within 30 s and once", () => {
  const { source, asked, wake } = handSource();
  const { clock } = createWheelClock(source);
  const jumps: number[] = [];
  const unsubscribe = clock.onJump((jumpMs) => jumps.push(jumpMs));
  clock.schedule(3_600_000, () => {});
  assert.ok(asked.delay <= 30_000);
  source.wall += 7_200_000;
  source.time = 30_000;
  wake();
  assert.deepEqual(jumps, [7_200_000]);
  source.time = 60_000;
  wake();
  assert.deepEqual(jumps, [7_200_000]);
  unsubscribe();
  source.wall -= 7_200_000;
  source.time = 90_000;
  wake();
  assert.deepEqual(jumps, [7_200_000]);
});

test("a listener of jumps that throws stops neither timers nor other listeners", async () => {
  const uncaught: unknown[] = [];
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (callback) =>
    original(() => {
      try {
        callback();
      } catch (error) {
        uncaught.push(error);
      }
    });
  try {
    const { source, wake } = handSource();
    const { clock } = createWheelClock(source);
    const jumps: number[] = [];
    clock.onJump(() => {
      throw new Error("a user's mistake");
    });
    clock.onJump((jumpMs) => jumps.push(jumpMs));
    let fired = false;
    clock.schedule(100, () => fired = true);
    source.wall += 5_000;
    source.time = 100;
    wake();
    await null;
    assert.deepEqual([jumps, fired, uncaught.length], [[5_000], true, 1]);
  } finally {
    globalThis.queueMicrotask = original;
  }
});

test("a delay that makes no sense is refused with the value given and the value wanted", () => {
  assert.throws(() => systemClock.schedule(-5, () => {}), /delayMs must be a number from 0 to .*, got -5/);
  assert.throws(() => systemClock.schedule(NaN, () => {}), RangeError);
  assert.throws(() => systemClock.schedule("5" as unknown as number, () => {}), TypeError);
  assert.equal(systemClock.pending, 0);
});

test("the machine's clock fires on time", async () => {
  const startedAt = systemClock.monotonic();
  await new Promise<void>((resolve) => systemClock.schedule(15, resolve, { keepAlive: true }));
  assert.ok(systemClock.monotonic() - startedAt >= 15);
});

test("simulated time settles what a timer sets in motion before the next one fires", async () => {
  const clock = simulatedClock();
  const seen: string[] = [];
  clock.schedule(10, async () => {
    for (let hop = 0; hop < 100; hop++) await null;
    seen.push(`first ${clock.monotonic()}`);
  });
  clock.schedule(11, () => seen.push(`second ${clock.monotonic()}`));
  await clock.advance(20);
  assert.deepEqual(seen, ["first 10", "second 11"]);
  assert.equal(clock.monotonic(), 20);
  assert.equal(clock.pending, 0);
});

test("the same seed gives the same chance", () => {
  const [a, b, other] = [
    simulatedClock({ seed: 7 }),
    simulatedClock({ seed: 7 }),
    simulatedClock({ seed: 8 }),
  ];
  const first = Array.from({ length: 20 }, () => a.random());
  assert.deepEqual(first, Array.from({ length: 20 }, () => b.random()));
  assert.notDeepEqual(first, Array.from({ length: 20 }, () => other.random()));
  assert.ok(first.every((value) => value >= 0 && value < 1));
});
