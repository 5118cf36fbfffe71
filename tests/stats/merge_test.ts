import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDistribution, type Distribution, type DistributionSnapshot } from "@ballast/runtime/stats";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

/** A stream of values: each goes to one of three, some time after the one before. */
const streams = fc.array(
  fc.record({
    value: fc.double({ min: Math.log(1e-6), max: Math.log(8.64e7), noNaN: true }).map(Math.exp),
    to: fc.nat({ max: 2 }),
    afterMs: fc.oneof(fc.constant(0), fc.nat({ max: 200 }), fc.nat({ max: 100_000 })),
  }),
  { maxLength: 300, size: "max" },
);

function near(actual: number | null, expected: number | null, tolerance: number, what: string): void {
  assert.equal(actual === null, expected === null, what);
  const error = Math.abs((actual ?? 0) - (expected ?? 0));
  assert.ok(error <= tolerance * Math.max(1, Math.abs(expected ?? 0)), `${what}: ${actual}, not ${expected}`);
}

/** Buckets, counts and extremes exactly; all else within what is stated. */
function assertSame(actual: DistributionSnapshot, expected: DistributionSnapshot): void {
  const exact = ({ count, rejected, min, max, p50, p90, p99, p999, buckets }: DistributionSnapshot) => {
    return { count, rejected, min, max, p50, p90, p99, p999, buckets };
  };
  assert.deepEqual(exact(actual), exact(expected));
  for (const figure of ["sum", "mean"] as const) near(actual[figure], expected[figure], 1e-9, figure);
  near(actual.stddev, expected.stddev, 1e-6, "stddev");
  if (expected.count > 2 && expected.stddev! > 1e-3 * expected.mean!) {
    near(actual.skewness, expected.skewness, 1e-6, "skewness");
    near(actual.kurtosis, expected.kurtosis, 1e-6, "kurtosis");
  }
  expected.averages.forEach(({ mean, perSecond }, i) => {
    near(actual.averages[i]!.perSecond, perSecond, 1e-4, "perSecond");
    if (perSecond > 1e-6) near(actual.averages[i]!.mean, mean, 1e-4, "the average");
  });
}

interface Split {
  readonly clock: SimulatedClock;
  readonly all: Distribution;
  readonly parts: readonly [Distribution, Distribution, Distribution];
}

/** All values in one, and each in one of three as well. */
async function split(stream: readonly { value: number; to: number; afterMs: number }[]): Promise<Split> {
  const clock = simulatedClock();
  const make = () => createDistribution({ clock });
  const all = make();
  const parts = [make(), make(), make()] as const;
  for (const { value, to, afterMs } of stream) {
    await clock.advance(afterMs);
    all.add(value, clock.now());
    parts[to]!.add(value, clock.now());
  }
  return { clock, all, parts };
}

function merged(
  clock: SimulatedClock,
  ...parts: (Distribution | DistributionSnapshot)[]
): DistributionSnapshot {
  const into = createDistribution({ clock });
  for (const part of parts) into.merge(part);
  return into.snapshot();
}

describe("merging distributions", () => {
  it("is as if one had got all values", async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (stream) => {
        const { clock, all, parts } = await split(stream);
        assertSame(merged(clock, ...parts), all.snapshot());
      }),
      { numRuns: 50 },
    );
  });

  it("is associative, and the order does not matter", async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (stream) => {
        const { clock, parts: [a, b, c] } = await split(stream);
        const left = merged(clock, merged(clock, a, b), c);
        assertSame(left, merged(clock, a, merged(clock, b, c)));
        assertSame(left, merged(clock, c, a, b));
        assert.deepEqual(left.recent, merged(clock, a, merged(clock, b, c)).recent);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps the last points of all", async () => {
    const stream = Array.from({ length: 100 }, (_, value) => ({ value, to: value % 3, afterMs: 7 }));
    const { clock, all, parts } = await split(stream);
    assert.deepEqual(merged(clock, ...parts).recent, all.recent());
  });
});
