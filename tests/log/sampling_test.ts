import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, type LogOptions } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

function setup(options: LogOptions = {}) {
  const clock = simulatedClock();
  const log = createLog({ clock, sampling: { first: 3, windowMs: 10_000 }, ...options });
  const messages = () => log.recent({ limit: 1000 }).map(({ message }) => message).reverse();
  return { clock, log, messages };
}

describe("records that repeat", () => {
  it("pass a few times, then are counted, and summed up when the window ends", async () => {
    const { clock, log, messages } = setup();
    for (let i = 0; i < 415; i++) log.info("cache miss");
    assert.deepEqual(messages(), ["cache miss", "cache miss", "cache miss"]);
    await clock.advance(10_000);
    assert.equal(messages()[3], "cache miss, and 412 more like it within 10 s");
    const [summary] = log.recent();
    assert.deepEqual([summary?.level, summary?.suppressed, summary?.fields], ["info", 412, {
      suppressed: 412,
    }]);
    assert.deepEqual([log.snapshot().totals.info, log.snapshot().suppressed], [415, 412]);
    assert.equal(clock.pending, 0);
  });

  it("pass again in the next window, and cost no timer when they are few", async () => {
    const { clock, log, messages } = setup();
    for (let i = 0; i < 20; i++) {
      log.info("tick");
      await clock.advance(4_000);
      assert.equal(clock.pending, 0);
    }
    assert.equal(messages().length, 20);
  });

  it("are alike when they differ in numbers alone; not by category, level, event or text", () => {
    const { log, messages } = setup({ sampling: { first: 1 } });
    for (let i = 0; i < 5; i++) {
      log.info(`try ${i}`);
      log.warn(`try ${i}`);
      log.child("dns").info(`try ${i}`);
      log.info(`trial ${i}`);
      log.begin("a").success();
      log.begin("b").success();
    }
    assert.deepEqual(messages(), ["try 0", "try 0", "try 0", "trial 0", "a succeeded", "b succeeded"]);
  });

  it("of failures are told apart by their error: the first of each passes", async () => {
    const { clock, log, messages } = setup({ sampling: { first: 1 } });
    const fail = (code: string) => log.begin("tcp").failure(Object.assign(new Error(code), { code }));
    for (let i = 0; i < 5; i++) fail("ECONNREFUSED");
    fail("ETIMEDOUT");
    log.begin("tcp").failure(new TypeError("x"));
    assert.deepEqual(messages(), ["tcp failed: ECONNREFUSED", "tcp failed: ETIMEDOUT", "tcp failed: x"]);
    await clock.advance(10_000);
    assert.equal(messages()[3], "tcp failed (ECONNREFUSED), and 4 more like it within 10 s");
    assert.equal(log.recent({ event: "tcp" }).length, 3);
  });

  it("are counted by level and category, and every transaction is timed", () => {
    const stats = createStats();
    const { log } = setup({ stats });
    for (let i = 0; i < 50; i++) log.begin("x").success();
    const { totals } = log.snapshot();
    assert.deepEqual(totals, { debug: 50, info: 0, warn: 0, error: 0 });
    assert.equal(stats.distribution("x", { labels: { outcome: "success" } }).count, 50);
    const categories = log.report().tables!.find(({ id }) => id === "categories")!;
    assert.deepEqual(categories.rows[0]!.slice(3), [50, 0, 0, 0, 47]);
  });

  it("are told of when the log is closed: no timer is left", async () => {
    const { clock, log, messages } = setup();
    for (let i = 0; i < 5; i++) log.error("again");
    assert.equal(clock.pending, 1);
    await log.close();
    assert.equal(clock.pending, 0);
    assert.equal(messages().at(-1), "again, and 2 more like it within 10 s");
    log.error("again");
    assert.equal(messages().at(-1), "again");
  });

  it("end their window when the clock is set back", () => {
    const { clock, log, messages } = setup({ sampling: { first: 1, windowMs: 1000 } });
    log.info("x");
    clock.jump(-3_600_000);
    log.info("x");
    assert.equal(messages().length, 2);
  });

  it("are all kept when sampling is off, and its numbers are checked", () => {
    const { log, messages } = setup({ sampling: false });
    for (let i = 0; i < 500; i++) log.info("x");
    assert.equal(messages().length, 500);
    assert.throws(() => createLog({ sampling: { first: 0 } }), RangeError);
    assert.throws(() => createLog({ sampling: { windowMs: 0 } }), RangeError);
  });

  it("never go missing: those kept and those summed up are those logged", async () => {
    const step = fc.oneof(
      fc.record({ log: fc.constantFrom("a", "b 1", "b 2", "c"), times: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ waitMs: fc.integer({ min: 1, max: 1500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, log } = setup({ capacity: 10_000, sampling: { first: 2, windowMs: 1000 } });
        let logged = 0;
        for (const step of steps) {
          if ("waitMs" in step) await clock.advance(step.waitMs);
          else for (let i = 0; i < step.times; i++, logged++) log.info(step.log);
        }
        await log.close();
        const kept = log.recent({ limit: 10_000 }).reduce((sum, { suppressed = 1 }) => sum + suppressed, 0);
        assert.equal(kept, logged);
        assert.equal(log.snapshot().totals.info, logged);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 40 },
    );
  });

  it("take bounded memory: of texts that never come again none is remembered for long", () => {
    const { log, messages } = setup({ sampling: { first: 1 } });
    const word = (i: number) => [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    for (let i = 0; i < 5_000; i++) log.info(word(i));
    assert.equal(messages().length, 1000);
    assert.equal(log.snapshot().suppressed, 0);
  });
});
