import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDistribution, type Distribution, distributionFromSnapshot } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";

const clock = simulatedClock();

/** Values over the whole range that the error bound is promised for, evenly on a logarithmic scale. */
const durations = fc.double({ min: Math.log(1e-6), max: Math.log(8.64e7), noNaN: true }).map(Math.exp);
const samples = fc.array(durations, { minLength: 1, maxLength: 300, size: "max" });

function distributionOf(values: readonly number[]): Distribution {
  const distribution = createDistribution({ clock });
  for (const value of values) distribution.add(value);
  return distribution;
}

/** Moments of the third and fourth order, the slow way. */
function shapeOf(values: readonly number[]): { skewness: number; kurtosis: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const moment = (order: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** order, 0) / values.length;
  return { skewness: moment(3) / moment(2) ** 1.5, kurtosis: moment(4) / moment(2) ** 2 };
}

/** The value of nearest rank: what a quantile is, from all values. */
function trueQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance * Math.max(1e-9, Math.abs(expected)), `${actual} is not near ${expected}`);
}

function wire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

describe("a distribution", () => {
  it("has quantiles within 1 % of the value of that rank", () => {
    fc.assert(fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      assertNear(distributionOf(values).quantile(q), trueQuantile(values, q), 0.01);
    }));
  });

  it("keeps that bound for every power of two, its neighbours, and the ends of the range", () => {
    const edges = Array.from({ length: 47 }, (_, i) => 2 ** (i - 19));
    for (
      const value of [
        1e-6,
        ...edges.flatMap((edge) => [edge * (1 - 1e-15), edge, edge * (1 + 1e-15)]),
        8.64e7,
      ]
    ) {
      // Between a smaller and a larger one, so that the extremes do not answer for it.
      assertNear(distributionOf([value / 2, value, value * 2]).quantile(0.5), value, 0.01);
    }
  });

  it("knows count, sum, mean, variance and extremes", () => {
    fc.assert(fc.property(samples, (values) => {
      const distribution = distributionOf(values);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      assert.equal(distribution.count, values.length);
      assert.equal(distribution.min, Math.min(...values));
      assert.equal(distribution.max, Math.max(...values));
      assertNear(distribution.sum, mean * values.length, 1e-9);
      assertNear(distribution.mean, mean, 1e-9);
      assertNear(distribution.stddev, Math.sqrt(variance), 1e-6);
      assertNear(distribution.variance, distribution.stddev ** 2, 1e-9);
    }));
  });

  it("knows skewness and kurtosis, which are NaN when there is no spread", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 3, maxLength: 300 }),
        (values) => {
          fc.pre(new Set(values).size > 1);
          const { skewness, kurtosis } = distributionOf(values);
          const expected = shapeOf(values);
          assert.ok(
            Math.abs(skewness - expected.skewness) <= 1e-6 * Math.max(1, Math.abs(expected.skewness)),
          );
          assertNear(kurtosis, expected.kurtosis, 1e-6);
        },
      ),
    );
    const level = distributionOf([5, 5, 5]);
    assert.ok(Number.isNaN(level.skewness) && Number.isNaN(level.kurtosis));
    assert.equal(level.snapshot().kurtosis, null);
  });

  it("does not lose small deviations from a large mean", () => {
    const values = [0, 1, 2, 3].map((value) => 1e9 + value);
    assertNear(distributionOf(values).variance, 1.25, 1e-6);
  });

  it("answers q = 0 and q = 1 with the exact extremes", () => {
    const distribution = distributionOf([3.14159, 2.71828, 1.41421]);
    assert.deepEqual([distribution.quantile(0), distribution.quantile(1)], [1.41421, 3.14159]);
  });

  it("says NaN while it is empty, and null in JSON", () => {
    const empty = createDistribution();
    for (
      const value of [empty.mean, empty.variance, empty.stddev, empty.min, empty.max, empty.quantile(0.5)]
    ) {
      assert.ok(Number.isNaN(value));
    }
    const { mean, stddev, min, max, p50, p999, count, sum, buckets } = wire(empty.snapshot());
    assert.deepEqual([mean, stddev, min, max, p50, p999], [null, null, null, null, null, null]);
    assert.deepEqual([count, sum, buckets], [0, 0, []]);
  });

  it("counts what it cannot hold as rejected, and changes in nothing else", () => {
    const distribution = distributionOf([5]);
    const { rejected: _, ...before } = distribution.snapshot();
    const strange = [-1, -1e-300, NaN, Infinity, -Infinity, "7", null, undefined, 7n, {}] as number[];
    for (const value of strange) distribution.add(value);
    const { rejected, ...after } = distribution.snapshot();
    assert.equal(rejected, strange.length);
    assert.deepEqual(after, before);
  });

  it("takes zero, minus zero and values beyond the buckets, with exact extremes", () => {
    const distribution = distributionOf([0, -0, 5e-324, 1e-9, 1e20, Number.MAX_VALUE, Number.MAX_VALUE]);
    assert.equal(distribution.count, 7);
    assert.equal(distribution.min, 0);
    assert.equal(distribution.max, Number.MAX_VALUE);
    assert.equal(distribution.quantile(0.3), 0);
    const again = distributionFromSnapshot(wire(distribution.snapshot()), { clock });
    const { averages: _, ...figures } = wire(again.snapshot());
    assert.deepEqual(figures, (({ averages: _, ...rest }) => rest)(wire(distribution.snapshot())));
  });

  it("puts a value on an edge into the bucket below: what le means", () => {
    const only = (value: number) => distributionOf([value]).snapshot().buckets[0]![0];
    for (const edge of [0.125, 1, 2.5, 100, 1000, 2 ** 20]) {
      assert.equal(only(edge), only(edge * (1 - 1e-12)), `${edge} is with what is just below`);
      assert.equal(only(edge * (1 + 1e-12)), only(edge) + 1, `what is just above ${edge} is in the next`);
    }
  });

  it("remembers the last 32 values, the oldest first", () => {
    const distribution = distributionOf([1, 2, 3]);
    const values = () => distribution.recent().map(([, value]) => value);
    assert.deepEqual(values(), [1, 2, 3]);
    for (let value = 4; value <= 100; value++) {
      distribution.add(value);
      assert.deepEqual(
        values(),
        Array.from({ length: Math.min(value, 32) }, (_, i) => Math.max(0, value - 32) + 1 + i),
      );
    }
  });

  it("forgets everything when it is reset, and goes on", () => {
    const distribution = distributionOf(Array.from({ length: 100 }, (_, i) => i));
    distribution.add(NaN);
    distribution.reset();
    assert.deepEqual(distribution.snapshot(), createDistribution({ clock }).snapshot());
    distribution.add(7);
    assert.deepEqual([distribution.count, distribution.min, distribution.mean, distribution.max], [
      1,
      7,
      7,
      7,
    ]);
  });

  it("refuses a quantile outside 0 to 1 and a unit it does not know", () => {
    const distribution = createDistribution();
    assert.throws(() => distribution.quantile(1.5), { name: "RangeError", message: /q must be .* got 1.5/ });
    assert.throws(() => distribution.quantile(NaN), RangeError);
    assert.throws(
      () => createDistribution({ unit: "s" as "ms" }),
      /unit must be "ms", "bytes" or "1", got "s"/,
    );
  });
});

describe("merged distributions", () => {
  it("are as one that got all values, however they were split", () => {
    const split = fc.array(fc.tuple(durations, fc.boolean()), { maxLength: 300, size: "max" });
    fc.assert(fc.property(split, fc.boolean(), (values, overWire) => {
      const all = distributionOf(values.map(([value]) => value)).snapshot();
      const left = distributionOf(values.filter(([, side]) => side).map(([value]) => value));
      const right = distributionOf(values.filter(([, side]) => !side).map(([value]) => value));
      left.merge(overWire ? wire(right.snapshot()) : right);
      const merged = left.snapshot();
      const exact = ({ count, min, max, p50, p90, p99, p999, buckets }: typeof all) => {
        return { count, min, max, p50, p90, p99, p999, buckets };
      };
      assert.deepEqual(exact(merged), exact(all));
      assertNear(merged.sum, all.sum, 1e-9);
      assertNear(merged.mean ?? 0, all.mean ?? 0, 1e-9);
      assertNear(merged.stddev ?? 0, all.stddev ?? 0, 1e-6);
    }));
  });

  it("add up what was rejected, and keep the last points of both", async () => {
    const left = distributionOf([1, -1]);
    await clock.advance(10);
    const right = distributionOf([2, NaN]);
    left.merge(right);
    assert.equal(left.rejected, 2);
    assert.deepEqual(left.recent().map(([, value]) => value), [1, 2]);
    right.merge(distributionOf(Array.from({ length: 40 }, (_, i) => i)));
    assert.equal(right.recent().length, 32);
    right.add(99);
    assert.deepEqual(right.recent().at(-1)?.[1], 99);
  });

  it("double when one is merged into itself", () => {
    const distribution = distributionOf([1, 2, 3]);
    distribution.merge(distribution);
    assert.deepEqual([distribution.count, distribution.sum, distribution.mean], [6, 12, 2]);
  });

  it("have moments without NaN however large the values are", () => {
    const huge = createDistribution();
    huge.merge(distributionOf([1e200, 3e200]));
    assert.deepEqual([huge.mean, huge.min, huge.max], [2e200, 1e200, 3e200]);
    assert.equal(huge.variance, Number.MAX_VALUE);
  });

  it("must have one unit", () => {
    const bytes = createDistribution({ unit: "bytes" });
    assert.throws(
      () => bytes.merge(createDistribution()),
      /a distribution of "bytes" cannot take in one of "ms"/,
    );
  });
});

describe("a snapshot", () => {
  it("comes back over a wire as the same distribution", () => {
    fc.assert(fc.property(fc.array(durations, { maxLength: 300, size: "max" }), (values) => {
      const before = distributionOf(values).snapshot();
      const { stddev, skewness, kurtosis, averages, ...after } = distributionFromSnapshot(wire(before), {
        clock,
      })
        .snapshot();
      const { stddev: s, skewness: k3, kurtosis: k4, averages: lately, ...rest } = before;
      assert.deepEqual(after, rest);
      assertNear(stddev ?? 0, s ?? 0, 1e-12);
      assertNear(skewness ?? 0, k3 ?? 0, 1e-9);
      assertNear(kurtosis ?? 0, k4 ?? 0, 1e-9);
      lately.forEach(({ mean, perSecond }, i) => {
        assertNear(averages[i]!.mean ?? 0, mean ?? 0, 1e-12);
        assertNear(averages[i]!.perSecond, perSecond, 1e-12);
      });
    }));
  });

  it("is refused when it is none, of another layout, or does not add up", () => {
    const good = wire(distributionOf([1, 2]).snapshot());
    const [first, second] = good.buckets;
    const refused: [unknown, RegExp][] = [
      [undefined, /must be an object, got undefined/],
      [null, /must be an object, got null/],
      ["{}", /must be an object, got "{}"/],
      [{ ...good, layout: 1 }, /layout must be 2: .* got 1/],
      [{ ...good, unit: "s" }, /unit must be/],
      [{ ...good, count: 3 }, /buckets must add up to the count of 3, got 2/],
      [{ ...good, count: 1.5 }, /count must be a whole number/],
      [{ ...good, rejected: "many" }, /rejected must be a number/],
      [{ ...good, sum: null }, /sum must be a number/],
      [{ ...good, max: 0 }, /max must be a number from 1/],
      [{ ...good, mean: -1 }, /mean must be a number/],
      [{ ...good, kurtosis: "much" }, /kurtosis must be a number/],
      [{ ...good, at: 1e13 }, /at must be a number from 0 to/],
      [{ ...good, averages: null }, /averages must be a list/],
      [{ ...good, averages: [null] }, /overMs must be/],
      [{ ...good, recent: [1] }, /a recent point must be \[at, value\], got 1/],
      [{ ...good, recent: new Array(33).fill([1, 1]) }, /recent must have at most 32 entries, got 33/],
      [{ ...good, exemplars: "none" }, /exemplars must be a list/],
      [
        { ...good, exemplars: [{ value: 1, at: 1, traceId: "x".repeat(65) }] },
        /traceId must be of at most 64/,
      ],
      [{ ...good, buckets: {} }, /buckets must be a list, got an object/],
      [{ ...good, buckets: [5] }, /a bucket must be \[bucket, count\], got 5/],
      [{ ...good, buckets: [second, first] }, /bucket must be a number from/],
      [{ ...good, buckets: [[3008, 2]] }, /bucket must be a number from/],
      [{ ...good, buckets: [[1, -2]] }, /a bucket's count must be a number >= 0, got -2/],
    ];
    for (const [snapshot, message] of refused) {
      assert.throws(() => distributionFromSnapshot(snapshot as typeof good), { message });
      assert.throws(() => createDistribution().merge(snapshot as typeof good), { message });
    }
  });
});
