/**
 * The distribution of a stream of values, in constant memory: count, sum, mean, deviation, extremes and
 * quantiles.
 *
 * @module
 */

import { checkSnapshot, checkUnit, type DistributionSnapshot, type Unit } from "./distribution_snapshot.ts";
import { LogLinearDistribution } from "./log_linear_distribution.ts";

/** How a distribution is made. */
export interface DistributionOptions {
  /** What the values count. @default "ms" */
  readonly unit?: Unit;
}

/**
 * Count, moments, extremes and quantiles of the values added so far.
 *
 * Quantiles are within 1 % of a value that has that rank, for values from 1e-6 to 1e13 (a nanosecond to three
 * centuries, in milliseconds); smaller and larger ones count as the nearest bucket. An octave in use takes
 * about 600 bytes, and there are 64 of them at most.
 */
export interface Distribution {
  /** What the values count. */
  readonly unit: Unit;
  /** Values added. */
  readonly count: number;
  /** Values refused: negative, NaN or infinite. */
  readonly rejected: number;
  /** Of all values; what a double cannot hold stays at `Number.MAX_VALUE`. */
  readonly sum: number;
  /** NaN while empty, as are all that follow. */
  readonly mean: number;
  /** The population's: mean square deviation from the mean. */
  readonly variance: number;
  /** The variance's square root, in the values' own unit. */
  readonly stddev: number;
  /** The smallest value, exactly. */
  readonly min: number;
  /** The largest value, exactly. */
  readonly max: number;
  /**
   * Adds a finite value >= 0; anything else is counted as rejected. It never throws, reads no clock, and
   * allocates nothing but the counts of an octave at its first value.
   */
  add(value: number): void;
  /**
   * Adds all of another distribution, or of the snapshot of one: as if its values had been added here.
   * Buckets, counts and extremes are exact, moments within rounding; {@linkcode Distribution.recent} stays as
   * it is.
   *
   * @throws {TypeError} when its unit differs, or a snapshot is none
   */
  merge(other: Distribution | DistributionSnapshot): void;
  /**
   * The value below or at which a share `q` of the values lies (nearest rank); NaN while empty.
   *
   * @throws {RangeError} when `q` is not from 0 to 1
   */
  quantile(q: number): number;
  /** The last values added, at most 64, the oldest first. */
  recent(): number[];
  /** Everything but the recent values, as plain JSON. */
  snapshot(): DistributionSnapshot;
}

/**
 * Makes an empty distribution.
 *
 * @example Time something, then ask for percentiles
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDistribution } from "@ballast/runtime/stats";
 *
 * const latency = createDistribution({ unit: "ms" });
 * for (let ms = 1; ms <= 1000; ms++) latency.add(ms);
 * assert.equal(latency.max, 1000);
 * assert.ok(Math.abs(latency.quantile(0.99) - 990) <= 9.9);
 * ```
 */
export function createDistribution(options: DistributionOptions = {}): Distribution {
  return new LogLinearDistribution(checkUnit(options.unit ?? "ms"));
}

/**
 * Makes a distribution that goes on from a snapshot.
 *
 * @example Percentiles of two processes
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDistribution, distributionFromSnapshot } from "@ballast/runtime/stats";
 *
 * const [here, there] = [createDistribution(), createDistribution()];
 * here.add(1);
 * there.add(100);
 * const both = distributionFromSnapshot(JSON.parse(JSON.stringify(here.snapshot())));
 * both.merge(there.snapshot());
 * assert.deepEqual([both.count, both.min, both.max], [2, 1, 100]);
 * ```
 * @throws {TypeError} when it is no snapshot, or one of another layout
 * @throws {RangeError} when a number in it is out of bounds
 */
export function distributionFromSnapshot(snapshot: DistributionSnapshot): Distribution {
  const distribution = new LogLinearDistribution(checkSnapshot(snapshot).unit);
  distribution.merge(snapshot);
  return distribution;
}
