import assert from "node:assert/strict";
import { test } from "node:test";

import { abortable, BallastError, deadlineSignal, delay, linkSignals, retry } from "@ballast/runtime";
import { simulatedClock } from "@ballast/runtime/testing";

/** A signal that counts its listeners. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    return addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    return removeEventListener.apply(signal, args);
  };
  return { signal, abort: (reason?: unknown) => controller.abort(reason), listeners: () => listeners };
}

test("a linked signal aborts with the first of its sources, and with that one's reason", () => {
  const a = new AbortController();
  const b = new AbortController();
  const linked = linkSignals(a.signal, undefined, b.signal);
  assert.equal(linked.signal.aborted, false);
  b.abort("b");
  a.abort("a");
  assert.equal(linked.signal.reason, "b");
  assert.equal(linkSignals(a.signal).signal.reason, "a");
});

test("a released link leaves no listener and no longer aborts", () => {
  const source = countedSignal();
  const linked = linkSignals(source.signal, source.signal);
  assert.equal(source.listeners(), 2);
  linked.release();
  linked.release();
  assert.equal(source.listeners(), 0);
  source.abort();
  assert.equal(linked.signal.aborted, false);
});

test("a deadline aborts with a TIMEOUT that says what took too long", async () => {
  const clock = simulatedClock();
  const deadline = deadlineSignal(200, { clock, what: "the reply of 10.0.0.2:53" });
  await clock.advance(199);
  assert.equal(deadline.signal.aborted, false);
  await clock.advance(1);
  const reason = deadline.signal.reason as BallastError;
  assert.equal(reason.code, "TIMEOUT");
  assert.equal(reason.retryable, true);
  assert.equal(reason.message, "the reply of 10.0.0.2:53 took longer than 200 ms");
});

test("a deadline that was met, or aborted from outside, leaves neither timer nor listener", () => {
  const clock = simulatedClock();
  const source = countedSignal();
  const met = deadlineSignal(200, { clock, signal: source.signal });
  met.release();
  assert.equal(clock.pending, 0);
  assert.equal(source.listeners(), 0);
  const aborted = deadlineSignal(200, { clock, signal: source.signal });
  source.abort("enough");
  assert.equal(aborted.signal.reason, "enough");
  assert.equal(clock.pending, 0);
  assert.equal(source.listeners(), 0);
  assert.equal(deadlineSignal(200, { clock, signal: source.signal }).signal.reason, "enough");
  assert.equal(clock.pending, 0);
});

test("a deadline that makes no sense is refused, and leaves no listener", () => {
  const source = countedSignal();
  for (const timeoutMs of [NaN, -1, Infinity]) {
    assert.throws(
      () => deadlineSignal(timeoutMs, { signal: source.signal }),
      /timeoutMs must be a number from 0 to/,
    );
  }
  assert.equal(source.listeners(), 0);
});

test("abortable gives up the wait, not the promise, and leaves no listener", async () => {
  const source = countedSignal();
  let settle = (_: string) => {};
  const shared = new Promise<string>((resolve) => settle = resolve);
  const first = abortable(shared, source.signal);
  const second = abortable(shared, undefined);
  source.abort("enough");
  await assert.rejects(first, (reason) => reason === "enough");
  settle("done");
  assert.equal(await second, "done");
  const later = countedSignal();
  assert.equal(await abortable(shared, later.signal), "done");
  assert.equal(later.listeners(), 0);
});

test("a delay ends on time, or at once with its signal, and leaves no timer", async () => {
  const clock = simulatedClock();
  let done = false;
  const waiting = delay(1_000, { clock }).then(() => done = true);
  await clock.advance(999);
  assert.equal(done, false);
  await clock.advance(1);
  await waiting;
  const controller = new AbortController();
  const aborted = delay(1_000, { clock, signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(aborted, (reason) => reason === "enough");
  await assert.rejects(delay(1_000, { clock, signal: controller.signal }), (reason) => reason === "enough");
  assert.equal(clock.pending, 0);
});

test("retry waits below a doubling bound and gives up with the last error", async () => {
  const clock = simulatedClock();
  const at: number[] = [];
  const failing = retry((attempt) => {
    at.push(clock.monotonic());
    throw new Error(`attempt ${attempt}`);
  }, { attempts: 4, baseMs: 100, maxMs: 150, clock });
  const rejected = assert.rejects(failing, /attempt 4/);
  await clock.advance(10_000);
  await rejected;
  const waits = at.slice(1).map((time, index) => time - at[index]!);
  assert.equal(waits.length, 3);
  // The wheel rounds up to whole milliseconds.
  for (const [index, bound] of [101, 151, 151].entries()) {
    assert.ok(waits[index]! <= bound, `wait ${index}: ${waits[index]}`);
  }
  assert.ok(new Set(waits).size > 1);
});

test("retry leaves alone what is not worth another call", async () => {
  let calls = 0;
  const fatal = new BallastError("INVALID_NAME", "no use", { retryable: false });
  await assert.rejects(
    retry(() => {
      calls++;
      throw fatal;
    }),
    fatal,
  );
  assert.equal(calls, 1);
});

test("retry stops waiting when its signal aborts", async () => {
  const clock = simulatedClock();
  const controller = new AbortController();
  const retried = retry(() => Promise.reject(new Error("busy")), {
    clock,
    signal: controller.signal,
    baseMs: 60_000,
  });
  const rejected = assert.rejects(retried, (reason) => reason === "enough");
  await clock.advance(0);
  controller.abort("enough");
  await rejected;
  assert.equal(clock.pending, 0);
});
