/**
 * Distributions as plain JSON: what crosses a wire and is merged on the other side.
 *
 * @module
 */

import { checkInteger, checkNumber, show } from "../errors.ts";
import { AVERAGED_MS, type RecentAverage } from "./averages.ts";
import type { BucketCount } from "./bucket_counts.ts";
import { BUCKETS, LAYOUT, OCTAVES } from "./buckets.ts";
import { type Exemplar, MAX_TRACE_ID_LENGTH } from "./exemplars.ts";
import type { ShownQuantiles } from "./quantiles.ts";
import { MAX_MOMENT, MAX_POINTS, type Point } from "./recent_points.ts";
import { checkUnit, type Unit } from "./unit.ts";

/**
 * A distribution at one moment. The statistics are for readers, the buckets for merging: percentiles of a
 * fleet come from merged buckets, never from averaged percentiles. Those of an empty distribution are `null`.
 */
export interface DistributionSnapshot extends ShownQuantiles {
  /** What the values count. */
  readonly unit: Unit;
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** Values added. */
  readonly count: number;
  /** Values refused: negative, NaN or infinite. */
  readonly rejected: number;
  /** Of all values; what a double cannot hold stays at `Number.MAX_VALUE`. */
  readonly sum: number;
  /** The sum divided by the count. */
  readonly mean: number | null;
  /** Of the population: the root of the mean square deviation. */
  readonly stddev: number | null;
  /** Of the population; `null` when all values are equal. */
  readonly skewness: number | null;
  /** Of the population, 3 for a normal distribution; `null` when all values are equal. */
  readonly kurtosis: number | null;
  /** The smallest value, exactly. */
  readonly min: number | null;
  /** The largest value, exactly. */
  readonly max: number | null;
  /** What the values were lately, as of `at`. */
  readonly averages: readonly RecentAverage[];
  /** The last values and their moments, the oldest first. */
  readonly recent: readonly Point[];
  /** Values with their traces, where there are any. */
  readonly exemplars?: readonly Exemplar[];
  /** Which edges the buckets have. */
  readonly layout: number;
  /** The buckets that hold anything, in ascending order. */
  readonly buckets: readonly BucketCount[];
}

/**
 * Returns what came over a wire as the snapshot it claims to be.
 *
 * @throws {TypeError} when it is none, or of another layout
 * @throws {RangeError} when a number in it is out of bounds
 */
export function checkSnapshot(given: unknown): DistributionSnapshot {
  if (given === null || typeof given !== "object") {
    throw new TypeError(`a snapshot of a distribution must be an object, got ${show(given)}`);
  }
  const snapshot = given as DistributionSnapshot;
  if (snapshot.layout !== LAYOUT) {
    throw new TypeError(
      `layout must be ${LAYOUT}: buckets of another layout do not merge, got ${show(snapshot.layout)}`,
    );
  }
  checkUnit(snapshot.unit);
  for (const list of ["averages", "recent", "buckets"] as const) {
    if (!Array.isArray(snapshot[list])) {
      throw new TypeError(`${list} must be a list, got ${show(snapshot[list])}`);
    }
  }
  checkMoment("at", snapshot.at);
  checkInteger("count", snapshot.count);
  checkInteger("rejected", snapshot.rejected);
  checkFinite("sum", snapshot.sum);
  if (snapshot.count > 0) checkFigures(snapshot);
  checkBuckets(snapshot.buckets, snapshot.count);
  checkLately(snapshot);
  return snapshot;
}

function checkFigures({ mean, stddev, skewness, kurtosis, min, max }: DistributionSnapshot): void {
  checkFinite("mean", mean);
  checkFinite("stddev", stddev);
  if (skewness !== null) checkFinite("skewness", skewness, -Number.MAX_VALUE);
  if (kurtosis !== null) checkFinite("kurtosis", kurtosis);
  checkFinite("max", max, checkFinite("min", min));
}

function checkLately({ averages, recent, exemplars }: DistributionSnapshot): void {
  checkLength("averages", averages, AVERAGED_MS.length);
  for (const average of averages) {
    checkFinite("overMs", average?.overMs, 1);
    checkFinite("perSecond", average.perSecond);
    if (average.mean !== null) checkFinite("mean", average.mean);
  }
  checkLength("recent", recent, MAX_POINTS);
  for (const point of recent) {
    if (!Array.isArray(point)) throw new TypeError(`a recent point must be [at, value], got ${show(point)}`);
    checkMoment("a recent point's moment", point[0]);
    checkFinite("a recent value", point[1]);
  }
  if (exemplars === undefined) return;
  if (!Array.isArray(exemplars)) throw new TypeError(`exemplars must be a list, got ${show(exemplars)}`);
  checkLength("exemplars", exemplars, OCTAVES);
  for (const exemplar of exemplars as readonly Exemplar[]) {
    checkFinite("an exemplar's value", exemplar?.value);
    checkMoment("an exemplar's moment", exemplar.at);
    if (typeof exemplar.traceId !== "string" || exemplar.traceId.length > MAX_TRACE_ID_LENGTH) {
      throw new TypeError(
        `traceId must be of at most ${MAX_TRACE_ID_LENGTH} characters, got ${show(exemplar.traceId)}`,
      );
    }
  }
}

function checkMoment(name: string, value: unknown): void {
  checkNumber(name, value, { max: MAX_MOMENT });
}

function checkLength(name: string, list: readonly unknown[], max: number): void {
  if (list.length > max) throw new RangeError(`${name} must have at most ${max} entries, got ${list.length}`);
}

function checkBuckets(buckets: readonly unknown[], count: number): void {
  let total = 0;
  let above = 0;
  for (const entry of buckets) {
    if (!Array.isArray(entry)) throw new TypeError(`a bucket must be [bucket, count], got ${show(entry)}`);
    above = checkInteger("bucket", entry[0], { min: above, max: BUCKETS - 1 }) + 1;
    total += checkInteger("a bucket's count", entry[1]);
  }
  if (total !== count) throw new RangeError(`the buckets must add up to the count of ${count}, got ${total}`);
}

function checkFinite(name: string, value: unknown, min = 0): number {
  return checkNumber(name, value, { min, max: Number.MAX_VALUE });
}
