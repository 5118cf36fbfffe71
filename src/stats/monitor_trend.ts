/**
 * Whether values grow, and how fast, told so that no single outlier can say it.
 *
 * @module
 */

import type { Point } from "./monitor_series.ts";

/** A trend over time. */
export interface Trend {
  /** The median of the slopes between all pairs of points: Theil (1950), Sen (1968). */
  readonly perMs: number;
  /** How one-sided the pairs are, from -1 (always falling) to 1 (always growing): Kendall (1938). */
  readonly tau: number;
  /** The time from the first point to the last. */
  readonly spanMs: number;
}

/** The trend of some points; undefined for fewer than three. Quadratic in their number: for some dozens. */
export function trendOf(points: readonly Point[]): Trend | undefined {
  const slopes: number[] = [];
  let sign = 0;
  for (let later = 1; later < points.length; later++) {
    for (let earlier = 0; earlier < later; earlier++) {
      const ms = points[later]![0] - points[earlier]![0];
      if (ms <= 0) continue;
      const slope = (points[later]![1] - points[earlier]![1]) / ms;
      slopes.push(slope);
      sign += Math.sign(slope);
    }
  }
  if (points.length < 3 || slopes.length === 0) return undefined;
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  const perMs = slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
  return { perMs, tau: sign / slopes.length, spanMs: points.at(-1)![0] - points[0]![0] };
}
