/**
 * Latency of late, from the histogram of a metric: what its buckets hold more than they did the time before.
 *
 * @module
 */

import type { Histogram, Report } from "../../../report.ts";
import { bucketOf, firstKeyOf } from "../../../stats/buckets.ts";

/** Latency since the time before. */
export interface Latency {
  /** The metric it is taken from. */
  readonly metric: string;
  /** Values since then. */
  readonly count: number;
  /** Quantiles in milliseconds; undefined where there was nothing. */
  readonly p50?: number;
  readonly p99?: number;
}

/** Upper edges and counts of buckets, by their number. */
export type Buckets = ReadonlyMap<number, readonly [to: number, count: number]>;

/** Metrics that say how long requests take, the one that says it best first. */
const NAMES = [/^servers\.duration$/, /\brequests?\b/, /\blatency\b/];

/**
 * The metric that says how long requests take, by the table of distributions that the report of the statistics has: of those with
 * the best name the one that counts most.
 */
export function latencyMetric(stats: Report | undefined): string | undefined {
  const rows = stats?.tables?.find(({ id }) => id === "distributions")?.rows ?? [];
  const durations = rows.flatMap(([name, , count, mean]) => {
    const isDuration = typeof mean === "object" && mean?.kind === "duration";
    const key = typeof name === "object" && name?.kind === "details" ? name.key : name;
    return isDuration && typeof key === "string" && typeof count === "number" ? [{ key, count }] : [];
  });
  for (const pattern of NAMES) {
    const fitting = durations.filter(({ key }) => pattern.test(key)).sort((a, b) => b.count - a.count);
    if (fitting.length > 0) return fitting[0]!.key;
  }
  return undefined;
}

/** The buckets of all histograms of a metric's page: of all its labels together. */
export function bucketsOf(histograms: readonly Histogram[]): Buckets {
  const firstKey = firstKeyOf("ms");
  const buckets = new Map<number, [to: number, count: number]>();
  for (const [from, to, count] of histograms.flatMap(({ buckets }) => buckets)) {
    // The outermost edges are the extremes and move with them; the middle stays within the bucket.
    const index = bucketOf((from + to) / 2, firstKey);
    const [edge, known] = buckets.get(index) ?? [0, 0];
    buckets.set(index, [Math.max(edge, to), known + count]);
  }
  return buckets;
}

/** Latency between two moments; of all time, where there is no earlier one, or the service was started anew. */
export function latencyBetween(metric: string, before: Buckets | undefined, after: Buckets): Latency {
  const isSame = before !== undefined && total(after) >= total(before);
  const more = [...after].sort(([a], [b]) => a - b).map(([index, [to, count]]) =>
    [to, Math.max(0, count - (isSame ? before.get(index)?.[1] ?? 0 : 0))] as const
  );
  const count = more.reduce((sum, [, count]) => sum + count, 0);
  if (count === 0) return { metric, count };
  return { metric, count, p50: quantile(more, count * 0.5), p99: quantile(more, count * 0.99) };
}

function total(buckets: Buckets): number {
  return [...buckets.values()].reduce((sum, [, count]) => sum + count, 0);
}

function quantile(buckets: readonly (readonly [to: number, count: number])[], rank: number): number {
  let seen = 0;
  for (const [to, count] of buckets) {
    seen += count;
    if (seen >= rank) return to;
  }
  return buckets.at(-1)![0];
}
