import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createLimiter, type TicketOutcome } from "@ballast/runtime/overload";

/** Feeds `count` samples, one each ten milliseconds; returns when the last one was. */
function feed(
  limiter: ReturnType<typeof createLimiter>,
  at: number,
  count: number,
  latencyMs: number,
  inFlight: number,
  outcome: TicketOutcome = "success",
): number {
  for (let i = 0; i < count; i++) limiter.sample(at += 10, latencyMs, inFlight, outcome);
  return at;
}

describe("the limit", () => {
  it("grows while it is in use and latency is that without load", () => {
    const limiter = createLimiter({ initial: 20 });
    feed(limiter, 0, 500, 20, 20);
    assert.ok(limiter.limit > 30);
    assert.deepEqual({ ...limiter.snapshot(), limit: 0 }, {
      limit: 0,
      min: 4,
      max: 1000,
      baselineMs: 20,
      latencyMs: 20,
    });
  });

  it("stays while it is not in use, whatever latencies are", () => {
    const limiter = createLimiter({ initial: 20 });
    let at = feed(limiter, 0, 100, 20, 20);
    const { limit } = limiter;
    // What the window before has seen is no matter any longer.
    at = feed(limiter, at + 5_000, 500, 20, 9);
    at = feed(limiter, at, 500, 900, 9);
    feed(limiter, at, 500, 900, 9, "timeout");
    assert.equal(limiter.limit, limit);
  });

  it("shrinks as latency rises, and learns a new baseline at its lowest only", () => {
    const limiter = createLimiter({ initial: 40, min: 4 });
    let at = feed(limiter, 0, 50, 20, 40);
    at = feed(limiter, at, 150, 200, 40);
    assert.ok(limiter.limit < 30);
    assert.equal(limiter.snapshot().baselineMs, 20);
    at = feed(limiter, at, 2_000, 200, 40);
    assert.equal(limiter.snapshot().baselineMs, 200);
    assert.ok(limiter.limit > 4);
  });

  it("backs off from timeouts, and from failures that took as long", () => {
    for (const outcome of ["timeout", "failure"] as const) {
      const limiter = createLimiter({ initial: 40, min: 3 });
      const at = feed(limiter, 0, 50, 20, 40);
      feed(limiter, at, 3_000, 1_000, 40, outcome);
      assert.equal(limiter.limit, 3, outcome);
      assert.equal(limiter.snapshot().baselineMs, 20);
    }
  });

  it("learns nothing from quick failures, and from what is to be ignored", () => {
    const limiter = createLimiter({ initial: 40 });
    const at = feed(limiter, 0, 50, 20, 40);
    const before = limiter.snapshot();
    const later = feed(limiter, at + 5_000, 1_000, 1, 40, "failure");
    feed(limiter, later, 1_000, 5_000, 40, "ignore");
    assert.deepEqual(limiter.snapshot(), before);
  });

  it("is within its bounds and whole, whatever it is told", () => {
    const outcome = fc.constantFrom<TicketOutcome>("success", "failure", "timeout", "ignore");
    const sample = fc.tuple(fc.nat(5_000), fc.nat(2_000), fc.nat(300), outcome);
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 400 }), (samples) => {
        const limiter = createLimiter({ min: 3, max: 50, windowMs: 20 });
        let at = 0;
        for (const [gapMs, latencyMs, inFlight, outcome] of samples) {
          limiter.sample(at += gapMs / 100, latencyMs, inFlight, outcome);
          assert.ok(limiter.limit >= 3 && limiter.limit <= 50 && Number.isInteger(limiter.limit));
          assert.ok(limiter.quickestMs >= 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses options that make no sense", () => {
    assert.throws(() => createLimiter({ min: 0 }), /min must be a number >= 1, got 0/);
    assert.throws(() => createLimiter({ min: 10, max: 5 }), /max must be a number >= 10, got 5/);
    assert.throws(() => createLimiter({ tolerance: 0.5 }), RangeError);
    assert.equal(createLimiter({ max: 5 }).limit, 5);
  });
});
