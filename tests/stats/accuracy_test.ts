import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createDistribution,
  distributionFromSnapshot,
  type DistributionSnapshot,
} from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";

/** Points of each kind of data: enough for the far tail, and quick. BALLAST_POINTS=10000000 takes a minute. */
const env = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env;
const POINTS = Number(env?.BALLAST_POINTS ?? 300_000);
const QUANTILES = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1];

const clock = simulatedClock();

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** What every kind of data is made of: the number of the point, and chance. All is within 1 ns to a day. */
const KINDS: Record<string, (i: number, random: () => number) => number> = {
  uniform: (_, random) => 1 + 999 * random(),
  "log-normal": (_, random) => Math.exp(3 + 1.5 * normal(random)),
  bimodal: (_, random) => random() < 0.95 ? 2 + 0.1 * normal(random) : 900 + 50 * normal(random),
  "over all 47 octaves": (_, random) => 1e-6 * (8.64e13) ** random(),
  "just above every edge": (i, random) => edge(i) * (1 + 1e-12 * random()),
  "just below every edge": (i, random) => edge(i + 1) * (1 - 1e-12 * random()),
  "ever rising": (i) => 1e-6 * (1 + 1e-4) ** (i % 300_000),
  "ever falling, and a few far away": (i) => i % 10_000 === 0 ? 8.64e7 : 1_000 / (1 + i),
};

/** The lower edge of one of all buckets. */
function edge(i: number): number {
  const bucket = i % (46 * 64);
  return 2 ** (-19 + Math.floor(bucket / 64)) * (1 + (bucket % 64) / 64);
}

describe("a quantile is within 1 % of the value of that rank", () => {
  for (const [name, make] of Object.entries(KINDS)) {
    it(`when the data are ${name}`, () => {
      const random = randomFrom(name.length);
      const values = Float64Array.from({ length: POINTS }, (_, i) => make(i, random));
      const distribution = createDistribution({ clock });
      for (const value of values) distribution.add(value);
      values.sort();
      for (const q of QUANTILES) {
        const expected = values[Math.max(0, Math.ceil(q * POINTS) - 1)]!;
        const error = Math.abs(distribution.quantile(q) / expected - 1);
        assert.ok(error <= 0.01, `q = ${q}: ${distribution.quantile(q)} is ${error} off ${expected}`);
      }
      assert.deepEqual([distribution.min, distribution.max], [values[0], values.at(-1)]);
    });
  }
});

describe("counts beyond 2^32", () => {
  /** A snapshot of `times` times a few values. */
  function many(values: readonly number[], times: number): DistributionSnapshot {
    const distribution = createDistribution({ clock });
    for (const value of values) distribution.add(value);
    const { count, sum, buckets, ...rest } = distribution.snapshot();
    return {
      ...rest,
      count: count * times,
      sum: sum * times,
      buckets: buckets.map(([bucket, held]) => [bucket, held * times]),
    };
  }

  const few = Array.from({ length: 5 }, (_, i) => 1.5 ** i);
  const several = Array.from({ length: 50 }, (_, i) => 1.5 ** i / 100);

  for (const values of [few, several]) {
    it(`are exact in ${values.length} buckets, over merges and single values`, () => {
      const almost = 2 ** 32 - 3;
      const distribution = distributionFromSnapshot(many(values, almost), { clock });
      for (let round = 0; round < 5; round++) for (const value of values) distribution.add(value);
      assert.equal(distribution.count, values.length * (2 ** 32 + 2));
      for (const [, count] of distribution.snapshot().buckets) assert.equal(count, 2 ** 32 + 2);
      distribution.merge(distribution);
      for (const [, count] of distribution.snapshot().buckets) assert.equal(count, 2 ** 33 + 4);
      const huge = distributionFromSnapshot(many(values, 2 ** 40 + 12_345), { clock });
      huge.merge(distribution.snapshot());
      for (const [, count] of huge.snapshot().buckets) assert.equal(count, 2 ** 40 + 12_345 + 2 ** 33 + 4);
      assert.equal(huge.count, values.length * (2 ** 40 + 12_345 + 2 ** 33 + 4));
    });
  }

  it("keep the moments of what was merged, and the quantiles", () => {
    const values = several.slice(20, 40);
    const once = createDistribution({ clock });
    for (const value of values) once.add(value);
    const often = createDistribution({ clock });
    for (let i = 0; i < 10; i++) often.merge(many(values, 2 ** 33));
    assert.equal(often.count, 20 * 10 * 2 ** 33);
    for (const figure of ["mean", "stddev", "skewness", "kurtosis"] as const) {
      assert.ok(Math.abs(often[figure] / once[figure] - 1) < 1e-9, figure);
    }
    assert.equal(often.quantile(0.5), once.quantile(0.5));
  });
});
