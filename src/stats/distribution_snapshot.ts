/**
 * Distributions as plain JSON: what crosses a wire and is merged on the other side.
 *
 * @module
 */

import { checkInteger, checkNumber, show } from "../errors.ts";
import { BUCKETS, LAYOUT } from "./buckets.ts";

/** What a metric's values count: milliseconds, bytes, or things (`"1"`, as in UCUM). */
export type Unit = "ms" | "bytes" | "1";

/** How many values one bucket holds. */
export type BucketCount = readonly [bucket: number, count: number];

/**
 * A distribution at one moment. The statistics are for readers, the buckets for merging: percentiles of a
 * fleet come from merged buckets, never from averaged percentiles. Those of an empty distribution are `null`.
 */
export interface DistributionSnapshot {
  /** What the values count. */
  readonly unit: Unit;
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
  /** The smallest value, exactly. */
  readonly min: number | null;
  /** The largest value, exactly. */
  readonly max: number | null;
  /** The median, within 1 %. */
  readonly p50: number | null;
  /** Nine in ten values are at most this, within 1 %. */
  readonly p90: number | null;
  /** All but one in a hundred values are at most this, within 1 %. */
  readonly p99: number | null;
  /** All but one in a thousand values are at most this, within 1 %. */
  readonly p999: number | null;
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
  if (!Array.isArray(snapshot.buckets)) {
    throw new TypeError(`buckets must be a list, got ${show(snapshot.buckets)}`);
  }
  checkInteger("count", snapshot.count);
  checkInteger("rejected", snapshot.rejected);
  checkFinite("sum", snapshot.sum);
  if (snapshot.count > 0) {
    checkFinite("mean", snapshot.mean);
    checkFinite("stddev", snapshot.stddev);
    checkFinite("max", snapshot.max, checkFinite("min", snapshot.min));
  }
  checkBuckets(snapshot.buckets, snapshot.count);
  return snapshot;
}

/** Returns `unit` when it is one. */
export function checkUnit(unit: unknown): Unit {
  if (unit === "ms" || unit === "bytes" || unit === "1") return unit;
  throw new TypeError(`unit must be "ms", "bytes" or "1", got ${show(unit)}`);
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
