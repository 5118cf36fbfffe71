import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BallastError } from "@ballast/runtime";
import { createLog } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";

function setup() {
  const clock = simulatedClock();
  const stats = createStats({ clock });
  return { clock, stats, log: createLog({ clock, stats }) };
}

/** A clock that counts how often it is read. */
function countingClock(): { readonly clock: SimulatedClock; reads(): number } {
  const simulated = simulatedClock();
  let reads = 0;
  const clock = new Proxy(simulated, {
    get(target, property) {
      if (property === "monotonic") reads++;
      return Reflect.get(target, property);
    },
  });
  return { clock, reads: () => reads };
}

describe("a transaction", () => {
  it("that succeeds gives one record with both sets of fields", async () => {
    const { clock, log } = setup();
    const attempt = log.begin("dns.query", { name: "db.internal", type: "A", tries: 1 });
    await clock.advance(12);
    attempt.success({ outcome: "addresses", addresses: 2, tries: 2 });
    assert.deepEqual(log.recent(), [{
      at: clock.now(),
      level: "debug",
      category: ["ballast"],
      message: "dns.query succeeded",
      fields: { name: "db.internal", type: "A", tries: 2, outcome: "addresses", addresses: 2 },
      event: "dns.query",
      durationMs: 12,
      outcome: "success",
    }]);
  });

  it("that fails gives one with the error as plain data", async () => {
    const { clock, log } = setup();
    const attempt = log.begin("dns.query");
    await clock.advance(200);
    attempt.failure(new BallastError("TIMEOUT", "no answer in 200 ms"), { outcome: "timeout" });
    const [record] = log.recent();
    assert.deepEqual(
      [record?.level, record?.outcome, record?.durationMs, record?.message],
      ["warn", "failure", 200, "dns.query failed: no answer in 200 ms"],
    );
    assert.deepEqual(record?.error, {
      name: "BallastError",
      message: "no answer in 200 ms",
      code: "TIMEOUT",
    });
  });

  it("that fails with anything thrown is recorded all the same", () => {
    const { log } = setup();
    const hostile = {
      get name(): string {
        throw new Error("no");
      },
    };
    for (const thrown of [undefined, null, "a text", 7, Symbol("s"), {}, hostile]) {
      log.begin("x").failure(thrown);
    }
    const errors = log.recent().map(({ error }) => error?.message).reverse();
    assert.deepEqual(errors, [
      "undefined",
      "null",
      "a text",
      "7",
      "Symbol(s)",
      "[object Object]",
      "an error that cannot be shown",
    ]);
  });

  it("ends once: what comes after is ignored", async () => {
    const { clock, stats, log } = setup();
    const attempt = log.begin("x");
    await clock.advance(5);
    attempt.success();
    await clock.advance(5);
    attempt.failure(new Error("late"));
    attempt.success();
    assert.equal(log.recent().length, 1);
    assert.equal(stats.distribution("x", { labels: { outcome: "success" } }).count, 1);
    assert.equal(attempt.elapsedMs, 5);
  });

  it("says how long it has been going on", async () => {
    const { clock, log } = setup();
    const attempt = log.begin("x");
    await clock.advance(7);
    assert.equal(attempt.elapsedMs, 7);
  });

  it("reads the monotonic clock twice: at its begin and at its end", () => {
    const { clock, reads } = countingClock();
    const attempt = createLog({ clock }).begin("x");
    assert.equal(reads(), 1);
    attempt.success();
    assert.equal(attempt.elapsedMs, 0);
    assert.equal(reads(), 2);
  });

  it("is not fooled by a wall clock that jumps", async () => {
    const { clock, log } = setup();
    const attempt = log.begin("x");
    await clock.advance(10);
    clock.jump(-60_000);
    attempt.success();
    assert.equal(log.recent()[0]?.durationMs, 10);
    assert.equal(log.recent()[0]?.at, clock.now());
  });

  it("has the levels asked for", () => {
    const { log } = setup();
    log.begin("x", {}, { success: "info", failure: "error" }).success();
    log.begin("x", {}, { success: "info", failure: "error" }).failure(new Error());
    assert.deepEqual(log.recent().map(({ level }) => level), ["error", "info"]);
  });

  it("is found by its event", () => {
    const { log } = setup();
    log.begin("a").success();
    log.begin("b").failure(new Error("no"));
    log.begin("a").failure(new Error("no"));
    assert.deepEqual(log.recent({ event: "a" }).map(({ outcome }) => outcome), ["failure", "success"]);
    assert.deepEqual(log.recent({ event: "a", level: "warn" }).map(({ outcome }) => outcome), ["failure"]);
  });

  it("refuses an event that cannot name a metric", () => {
    const { log } = setup();
    assert.throws(() => log.begin("query of db.internal"), /the name of an event must be of letters/);
  });
});

describe("a transaction's timing", () => {
  it("is counted by outcome and the fields that are labels", async () => {
    const { clock, stats, log } = setup();
    const options = { labels: ["server", "type", "cached"] };
    const attempt = log.begin("dns.query", { name: "a", type: "A", server: "10.0.0.1:53" }, options);
    await clock.advance(12);
    attempt.success({ outcome: "addresses", cached: false });
    log.begin("dns.query", { type: "A", server: "10.0.0.1:53" }, options).failure(new Error("x"));
    const [metric] = stats.snapshot().metrics;
    assert.deepEqual([metric?.name, metric?.kind, metric?.unit], ["dns.query", "distribution", "ms"]);
    assert.deepEqual(metric?.series.map(({ labels }) => ({ ...labels })), [
      { cached: "false", outcome: "addresses", server: "10.0.0.1:53", type: "A" },
      { outcome: "failure", server: "10.0.0.1:53", type: "A" },
    ]);
    const labels = { cached: "false", outcome: "addresses", server: "10.0.0.1:53", type: "A" };
    const timed = stats.distribution("dns.query", { labels });
    assert.deepEqual([timed.count, timed.max], [1, 12]);
  });

  it("goes where the transaction says, if it says so", () => {
    const { stats, log } = setup();
    const elsewhere = createStats();
    log.begin("x", {}, { stats: elsewhere }).success();
    assert.equal(stats.snapshot().metrics.length, 0);
    assert.equal(elsewhere.snapshot().metrics.length, 1);
  });

  it("may be nowhere", () => {
    const log = createLog();
    log.begin("x").success();
    assert.equal(log.snapshot().statsErrors, 0);
  });

  it("breaks no caller when the name is taken or a label cannot be one: that is counted and found", () => {
    const { stats, log } = setup();
    stats.counter("taken");
    log.begin("taken").success();
    log.begin("x", { "a-b": 1 }, { labels: ["a-b"] }).success();
    assert.equal(log.recent().length, 2);
    assert.equal(log.snapshot().statsErrors, 2);
    assert.deepEqual(log.report().findings?.map(({ id }) => id), ["transactions-not-timed"]);
  });

  it("takes no label from what objects inherit", () => {
    const { stats, log } = setup();
    log.begin("x", {}, { labels: ["constructor", "toString"] }).success();
    assert.deepEqual({ ...stats.snapshot().metrics[0]?.series[0]?.labels }, { outcome: "success" });
  });
});
