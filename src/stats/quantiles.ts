/**
 * Quantiles, from buckets.
 *
 * @module
 */

import type { BucketCount } from "./bucket_counts.ts";
import { bucketMiddle } from "./buckets.ts";
import type { Unit } from "./unit.ts";

/** What quantiles are read from. */
export interface Ranked {
  readonly unit: Unit;
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly buckets: readonly BucketCount[];
}

/** The quantiles that a snapshot shows. */
export interface ShownQuantiles {
  /** The median, within 1 %; `null` where there is no value, as with all that follow. */
  readonly p50: number | null;
  /** Nine in ten values are at most this, within 1 %. */
  readonly p90: number | null;
  /** All but one in a hundred values are at most this, within 1 %. */
  readonly p99: number | null;
  /** All but one in a thousand values are at most this, within 1 %. */
  readonly p999: number | null;
}

/** The value of nearest rank: that of the bucket which holds it, or an extreme, which is known exactly. NaN where nothing is. */
export function quantileOf(ranked: Ranked, q: number): number {
  const { unit, count, buckets } = ranked;
  if (count === 0) return NaN;
  const [min, max] = [ranked.min!, ranked.max!];
  const rank = Math.ceil(q * count);
  if (rank <= 1) return min;
  if (rank >= count) return max;
  let passed = 0;
  const holding = buckets.find(([, held]) => (passed += held) >= rank)!;
  return Math.min(max, Math.max(min, bucketMiddle(holding[0], unit)));
}

/** Those that a snapshot shows. */
export function shownQuantiles(ranked: Ranked): ShownQuantiles {
  const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map((q) => {
    return ranked.count === 0 ? null : quantileOf(ranked, q);
  }) as [number | null, number | null, number | null, number | null];
  return { p50, p90, p99, p999 };
}
