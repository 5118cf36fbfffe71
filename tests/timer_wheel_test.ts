import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { TimerWheel } from "../src/timer_wheel.ts";

test("timers fire in order of their deadlines, never early and never late", () => {
  const operations = fc.array(
    fc.record({
      delay: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 40_000_000 })),
      wait: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 5_000_000 })),
      cancel: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(fc.property(operations, (steps) => {
    const wheel = new TimerWheel();
    const fired: { deadline: number; at: number }[] = [];
    const pending = new Set<number>();
    let now = 0;
    let earlier = 0;
    for (const [id, { delay, wait, cancel }] of steps.entries()) {
      const timer = wheel.insert(now + delay, () => {
        pending.delete(id);
        fired.push({ deadline: timer.deadline, at: now });
      });
      pending.add(id);
      assert.equal(timer.deadline, Math.max(now + delay, now + 1));
      if (cancel) {
        assert.equal(wheel.remove(timer), true);
        assert.equal(wheel.remove(timer), false);
        pending.delete(id);
      }
      assert.ok(wheel.nextDeadline() >= now);
      earlier = now;
      now += wait;
      const before = fired.length;
      wheel.advance(now);
      for (const { deadline } of fired.slice(before)) assert.ok(deadline > earlier && deadline <= now);
    }
    wheel.advance(now + 50_000_000);
    assert.equal(wheel.size, 0);
    assert.equal(pending.size, 0);
    assert.equal(wheel.nextDeadline(), Infinity);
    const deadlines = fired.map(({ deadline }) => deadline);
    assert.deepEqual(deadlines, [...deadlines].sort((a, b) => a - b));
  }));
});

test("timers of one millisecond fire in the order in which they were set", () => {
  const wheel = new TimerWheel();
  const fired: string[] = [];
  for (const name of ["a", "b", "c"]) wheel.insert(5_000, () => fired.push(name));
  wheel.advance(5_000);
  assert.deepEqual(fired, ["a", "b", "c"]);
});

test("a timer set by a timer waits for a later millisecond", () => {
  const wheel = new TimerWheel();
  const fired: number[] = [];
  const again = (at: number) =>
    void wheel.insert(at, () => {
      fired.push(at);
      if (fired.length < 3) again(at);
    });
  again(1);
  wheel.advance(1);
  assert.equal(fired.length, 1);
  wheel.advance(3);
  assert.equal(fired.length, 3);
});

test("a timer may cancel another one of the same millisecond", () => {
  const wheel = new TimerWheel();
  let fired = 0;
  wheel.insert(7, () => wheel.remove(second));
  const second = wheel.insert(7, () => fired++);
  wheel.advance(10);
  assert.equal(fired, 0);
  assert.equal(wheel.size, 0);
});

test("a deadline years away keeps its millisecond", () => {
  const wheel = new TimerWheel();
  const years = 30 * 365 * 86_400_000 + 12_345;
  let fired = false;
  wheel.insert(years, () => fired = true);
  wheel.advance(years - 1);
  assert.equal(fired, false);
  wheel.advance(years);
  assert.equal(fired, true);
});
