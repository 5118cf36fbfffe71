/**
 * The distribution of a stream of values, in constant memory: count, sum, moments, extremes, quantiles, and what
 * the values were lately.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { RecentAverage } from "./averages.ts";
import { checkSnapshot, type DistributionSnapshot } from "./distribution_snapshot.ts";
import { LogLinearDistribution } from "./log_linear_distribution.ts";
import type { Point, WallClock } from "./recent_points.ts";
import { checkUnit, type Unit } from "./unit.ts";

/** How a distribution is made. */
export interface DistributionOptions {
  /** What the values count. @default "ms" */
  readonly unit?: Unit;
  /** Where recent points and averages take their time from. @default the machine's clock */
  readonly clock?: WallClock;
  /**
   * Gives the trace id of the calls under way, for exemplars. It is asked for the first value of a second and for
   * those that stand out above it; what it throws is ignored.
   *
   * @default there are no exemplars
   */
  readonly traceId?: () => string | undefined;
}

/**
 * Count, moments, extremes and quantiles of the values added so far, and what they were lately.
 *
 * Quantiles are within 1 % of a value that has that rank: for durations from 1 ns to a day, for sizes up to 70 TB,
 * for numbers of things from 1/8192 to 17 billion; smaller and larger ones count as the nearest bucket. It takes less
 * than 1 KB while it holds up to 16 values, 128 bytes for each octave in use beyond that (256 once a bucket holds more
 * than 65,535), and never more than 14 KB.
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
  /** How far the values lean: 0 when they are symmetric, above it when the tail is to the right. NaN when all are equal. */
  readonly skewness: number;
  /** How heavy the tails are: 3 for a normal distribution. NaN when all values are equal. */
  readonly kurtosis: number;
  /** The smallest value, exactly. */
  readonly min: number;
  /** The largest value, exactly. */
  readonly max: number;
  /**
   * Adds a finite value >= 0; anything else is counted as rejected. It never throws.
   *
   * `atMs`, in milliseconds since the epoch, is when: pass it where the time has been read anyway. Otherwise the clock
   * is read for every 32nd value at least, for every value when they are 100 ms apart; those between two readings
   * get moments between them.
   */
  add(value: number, atMs?: number): void;
  /**
   * Adds all of another distribution, or of the snapshot of one: as if its values had been added here.
   * Buckets, counts and extremes are exact, moments and averages within rounding (1e-9 of their size; those of values
   * beyond 1e75 may be lost); of the recent points the last ones stay.
   *
   * @throws {TypeError} when its unit differs, or a snapshot is none
   */
  merge(other: Distribution | DistributionSnapshot): void;
  /** Forgets everything. */
  reset(): void;
  /**
   * The value below or at which a share `q` of the values lies (nearest rank); NaN while empty.
   *
   * @throws {RangeError} when `q` is not from 0 to 1
   */
  quantile(q: number): number;
  /** The last values added and when, at most 32, the oldest first. */
  recent(): Point[];
  /** What the values were over the last minute, five and fifteen: averages in which older ones weigh less. */
  averages(): RecentAverage[];
  /** Everything, as plain JSON. */
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
  const { unit = "ms", clock = systemClock, traceId } = options;
  return new LogLinearDistribution(checkUnit(unit), clock, traceId);
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
export function distributionFromSnapshot(
  snapshot: DistributionSnapshot,
  options: Omit<DistributionOptions, "unit"> = {},
): Distribution {
  const distribution = createDistribution({ ...options, unit: checkSnapshot(snapshot).unit });
  distribution.merge(snapshot);
  return distribution;
}
