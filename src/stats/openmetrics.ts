/**
 * Metrics as OpenMetrics 1.0 text, for Prometheus and all that read its format.
 *
 * A distribution becomes a histogram. Its bounds are edges of our buckets, so the cumulative counts are
 * exact. Durations are exported in seconds, as Prometheus has them.
 *
 * @module
 */

import { show } from "../errors.ts";
import { bucketEdge } from "./buckets.ts";
import type { BucketCount } from "./bucket_counts.ts";
import type { Unit } from "./unit.ts";
import { exposedName } from "./exposed_name.ts";
import type { DistributionMetric, MetricSnapshot, ScalarMetric, StatsSnapshot } from "./metric.ts";
import type { Labels } from "./names.ts";

/** The content type of {@linkcode openMetricsText}. */
export const OPEN_METRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** How metrics are written. */
export interface OpenMetricsOptions {
  /** What every name begins with; "" for none. @default "ballast" */
  readonly prefix?: string;
}

/**
 * Upper bounds of the histograms, in the metric's own unit. All are edges of buckets: that is why 1 s is
 * followed by 2 s and not by 2.5 s.
 */
export const BOUNDS: Readonly<Record<Unit, readonly number[]>> = {
  ms: [
    0.125,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1000,
    2000,
    4000,
    8000,
    16_000,
    32_000,
    64_000,
  ],
  bytes: Array.from({ length: 13 }, (_, i) => 64 * 4 ** i),
  "1": Array.from({ length: 17 }, (_, i) => 2 ** i),
};

/**
 * The metrics of a snapshot as OpenMetrics text.
 *
 * @example A counter, as Prometheus reads it
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats, openMetricsText } from "@ballast/runtime/stats";
 *
 * const stats = createStats();
 * stats.counter("mail.sent", { labels: { kind: "receipt" } }).add(3);
 * assert.match(openMetricsText(stats.snapshot()), /^ballast_mail_sent_total{kind="receipt"} 3$/m);
 * ```
 * @throws {TypeError} when the prefix cannot begin a name
 */
export function openMetricsText(snapshot: StatsSnapshot, options: OpenMetricsOptions = {}): string {
  const { prefix = "ballast" } = options;
  if (!/^([a-zA-Z_][a-zA-Z0-9_]*)?$/.test(prefix)) {
    throw new TypeError(`prefix must be of letters, digits and "_", got ${show(prefix)}`);
  }
  const start = prefix === "" ? "" : `${prefix}_`;
  const lines = snapshot.metrics.flatMap((metric) => metricLines(metric, start + exposedName(metric)));
  return [...lines, "# EOF", ""].join("\n");
}

function metricLines(metric: MetricSnapshot, name: string): string[] {
  const type = metric.kind === "distribution" ? "histogram" : metric.kind;
  const lines = [`# TYPE ${name} ${type}`];
  if (metric.unit !== "1") lines.push(`# UNIT ${name} ${metric.unit === "ms" ? "seconds" : metric.unit}`);
  if (metric.help !== "") lines.push(`# HELP ${name} ${escape(metric.help)}`);
  lines.push(...metric.kind === "distribution" ? histogramLines(metric, name) : scalarLines(metric, name));
  return lines;
}

function scalarLines({ kind, unit, series }: ScalarMetric, name: string): string[] {
  const sample = kind === "counter" ? `${name}_total` : name;
  return series.map(({ labels, value }) => `${sample}${labelText(labels)} ${inBaseUnit(value, unit)}`);
}

function histogramLines({ unit, series }: DistributionMetric, name: string): string[] {
  const bounds = BOUNDS[unit];
  return series.flatMap(({ labels, value }) => {
    const counts = cumulative(value.buckets, bounds, unit);
    return [
      ...bounds.map((bound, i) => {
        return `${name}_bucket${labelText(labels, canonical(inBaseUnit(bound, unit)))} ${counts[i]}`;
      }),
      `${name}_bucket${labelText(labels, "+Inf")} ${value.count}`,
      `${name}_count${labelText(labels)} ${value.count}`,
      `${name}_sum${labelText(labels)} ${inBaseUnit(value.sum, unit)}`,
    ];
  });
}

/** How many values are at most each bound; buckets and bounds ascend. */
function cumulative(buckets: readonly BucketCount[], bounds: readonly number[], unit: Unit): number[] {
  let next = 0;
  let total = 0;
  return bounds.map((bound) => {
    for (; next < buckets.length && bucketEdge(buckets[next]![0] + 1, unit) <= bound; next++) {
      total += buckets[next]![1];
    }
    return total;
  });
}

/** Seconds for milliseconds: the format wants base units. */
function inBaseUnit(value: number, unit: Unit): number {
  return unit === "ms" ? value / 1000 : value;
}

/** The canonical form of a number as a label value: `1.0` rather than `1`. */
function canonical(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function labelText(labels: Labels, le?: string): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  if (le !== undefined) pairs.push(`le="${le}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Backslash, quote and line feed, as the format escapes them; lone surrogates cannot be written as UTF-8. */
function escape(text: string): string {
  return text.toWellFormed().replace(
    /[\\"\n]/g,
    (character) => character === "\n" ? "\\n" : `\\${character}`,
  );
}
