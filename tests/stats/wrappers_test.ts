import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDuration, createInterval, createStats, type Stats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";

function outcomes(stats: Stats, name: string): Record<string, number> {
  const count = (outcome: string) => stats.distribution(name, { labels: { outcome } }).count;
  return { success: count("success"), failure: count("failure") };
}

describe("timed()", () => {
  it("times calls that return, throw, resolve and reject, and changes nothing of them", async () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    const oops = new Error("oops");
    const sync = stats.timed("work", (n: number): string => {
      if (n < 0) throw oops;
      return `${n}`;
    });
    const text: string = sync(5);
    assert.equal(text, "5");
    assert.throws(() => sync(-1), (error) => error === oops);
    assert.deepEqual(outcomes(stats, "work"), { success: 1, failure: 1 });

    let settle: { resolve(rows: string): void; reject(error: Error): void } | undefined;
    const slow = stats.timed("slow", (_table: string): Promise<string> => {
      return new Promise((resolve, reject) => settle = { resolve, reject });
    });
    const first = slow("orders");
    await clock.advance(20);
    assert.deepEqual(outcomes(stats, "slow"), { success: 0, failure: 0 });
    settle!.resolve("rows");
    assert.equal(await first, "rows");
    const second = slow("orders");
    await clock.advance(30);
    settle!.reject(oops);
    await assert.rejects(second, (error) => error === oops);
    const max = (outcome: string) => stats.distribution("slow", { labels: { outcome } }).max;
    assert.deepEqual([max("success"), max("failure")], [20, 30]);
  });

  it("keeps name, length and this", () => {
    const stats = createStats();
    const counter = {
      n: 0,
      add: stats.timed("add", function add(this: { n: number }, a: number, b: number) {
        return this.n += a + b;
      }),
    };
    assert.equal(counter.add(1, 2), 3);
    assert.deepEqual([counter.add.name, counter.add.length], ["add", 2]);
  });

  it("leaves a rejection that nobody handles to whoever got the promise: there is one, not two", async () => {
    const stats = createStats();
    const fail = stats.timed("fail", () => Promise.reject(new Error("oops")));
    await assert.rejects(fail(), /oops/);
    assert.deepEqual(outcomes(stats, "fail"), { success: 0, failure: 1 });
  });

  it("refuses what cannot be wrapped or named when it is wrapped, not when it is called", () => {
    const stats = createStats();
    stats.counter("taken");
    assert.throws(() => stats.timed("taken", () => 1), TypeError);
    assert.throws(() => stats.timed("a b", () => 1), TypeError);
    assert.throws(() => stats.counted("ok", 7 as unknown as () => void), /must be a function, got number/);
  });
});

describe("counted()", () => {
  it("counts calls by how they end", async () => {
    const stats = createStats();
    const call = stats.counted(
      "calls",
      (fails: boolean) => fails ? Promise.reject(new Error("no")) : Promise.resolve(1),
      {
        labels: { to: "db" },
      },
    );
    assert.equal(await call(false), 1);
    await assert.rejects(call(true));
    await assert.rejects(call(true));
    const text = stats.openMetrics();
    assert.match(text, /^ballast_calls_total{outcome="success",to="db"} 1$/m);
    assert.match(text, /^ballast_calls_total{outcome="failure",to="db"} 2$/m);
  });
});

describe("a duration", () => {
  it("is counted once, when it ends", async () => {
    const clock = simulatedClock();
    const duration = createDuration({ clock });
    const end = duration.start();
    await clock.advance(25);
    assert.equal(end(), 25);
    await clock.advance(25);
    assert.equal(end(), 25);
    assert.deepEqual([duration.distribution.count, duration.distribution.max], [1, 25]);
    assert.throws(() => duration.time(() => assert.fail("oops")), /oops/);
    assert.equal(await duration.time(() => Promise.resolve(7)), 7);
    assert.equal(duration.distribution.count, 3);
  });

  it("of a registry is on the distribution of that name", async () => {
    const clock = simulatedClock();
    const stats = createStats({ clock });
    const end = stats.duration("parse", { labels: { of: "json" } }).start();
    await clock.advance(3);
    end();
    assert.equal(stats.distribution("parse", { labels: { of: "json" } }).max, 3);
  });
});

describe("an interval", () => {
  it("is from one event to the next, and never negative", async () => {
    const clock = simulatedClock();
    const interval = createInterval({ clock });
    interval.tick();
    await clock.advance(10);
    interval.tick();
    interval.tick(clock.monotonic() - 5);
    interval.tick(clock.monotonic() + 30);
    assert.deepEqual([interval.distribution.count, interval.distribution.min, interval.distribution.max], [
      3,
      0,
      30,
    ]);
  });

  it("of a registry goes on, whoever asks for it", () => {
    const stats = createStats();
    for (const at of [10, 20, 40]) stats.interval("requests").tick(at);
    assert.equal(stats.distribution("requests").mean, 15);
  });
});

describe("a gauge", () => {
  it("knows its value, and between which it was", () => {
    const stats = createStats();
    const gauge = stats.gauge("depth");
    assert.equal(stats.gauge("depth"), gauge);
    for (const value of [5, NaN, Infinity, "7" as unknown as number]) gauge.set(value);
    assert.deepEqual([gauge.value, gauge.min, gauge.max], [5, 5, 5]);
    gauge.add(-8);
    gauge.add();
    assert.deepEqual([gauge.value, gauge.min, gauge.max], [-2, -3, 5]);
    assert.deepEqual(stats.snapshot().metrics[0]?.series, [{ labels: {}, value: -2, min: -3, max: 5 }]);
    stats.reset("depth");
    assert.deepEqual([gauge.value, gauge.min, gauge.max], [-2, -2, -2]);
  });

  it("that is added to begins at 0", () => {
    const gauge = createStats().gauge("in_flight");
    gauge.add(3);
    assert.deepEqual([gauge.value, gauge.min, gauge.max], [3, 0, 3]);
  });
});
