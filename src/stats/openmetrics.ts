/**
 * Metrics as OpenMetrics 1.0 text, for Prometheus and all that read its format; and as the older text of Prometheus, for
 * those that read only that.
 *
 * A distribution becomes a histogram. Its bounds are edges of our buckets, so the cumulative counts are exact.
 * Durations are exported in seconds, as Prometheus has them.
 *
 * @module
 */

import { show } from "../errors.ts";
import type { Exemplar } from "./exemplars.ts";
import { familiesOf, type SampleFamily } from "./exposition.ts";
import type { StatsSnapshot } from "./metric.ts";
import type { Labels } from "./names.ts";

/** The content type of {@linkcode openMetricsText}. */
export const OPEN_METRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** The content type of {@linkcode prometheusText}. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** How metrics are written. */
export interface OpenMetricsOptions {
  /** What every name begins with; "" for none. @default "ballast" */
  readonly prefix?: string;
  /**
   * Bounds of a histogram to an octave: a power of two up to 64. `histogram_quantile` of Prometheus errs by 1/n at the most,
   * for values between the first bound and the last: 1/8 ms to 65 s, 64 B to 1 GB, 1 to 65,536. There are 19 n + 1 bounds of a duration.
   *
   * @default bounds that are round in decimals, 19 for a duration; `histogram_quantile` errs by a factor of 2.5 at the most (bytes: 4)
   */
  readonly bucketsPerOctave?: number;
}

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
 * @throws {RangeError} when `bucketsPerOctave` is no power of two up to 64
 */
export function openMetricsText(snapshot: StatsSnapshot, options: OpenMetricsOptions = {}): string {
  const lines = allFamilies(snapshot, options).flatMap(({ name, type, unit, help, samples }) => [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escape(help)}`,
    ...samples.map(({ suffix, labels, value, exemplar }) =>
      `${name}${suffix}${labelText(labels)} ${value}${exemplar ? exemplarText(exemplar) : ""}`
    ),
  ]);
  return [...lines, "# EOF", ""].join("\n");
}

/**
 * The metrics of a snapshot in Prometheus' own text format, 0.0.4: without units and exemplars.
 *
 * @throws {TypeError} when the prefix cannot begin a name
 * @throws {RangeError} when `bucketsPerOctave` is no power of two up to 64
 */
export function prometheusText(snapshot: StatsSnapshot, options: OpenMetricsOptions = {}): string {
  const lines = allFamilies(snapshot, options).flatMap(({ name, type, help, samples }) => {
    const typed = type === "counter" ? `${name}_total` : name;
    return [
      `# HELP ${typed} ${help.toWellFormed().replace(/[\\\n]/g, escaped)}`,
      `# TYPE ${typed} ${type}`,
      ...samples.map(({ suffix, labels, value }) => `${name}${suffix}${labelText(labels)} ${value}`),
    ];
  });
  return [...lines, ""].join("\n");
}

function allFamilies(snapshot: StatsSnapshot, options: OpenMetricsOptions): SampleFamily[] {
  const { prefix = "ballast", bucketsPerOctave } = options;
  if (!/^([a-zA-Z_][a-zA-Z0-9_]*)?$/.test(prefix)) {
    throw new TypeError(`prefix must be of letters, digits and "_", got ${show(prefix)}`);
  }
  const start = prefix === "" ? "" : `${prefix}_`;
  return snapshot.metrics
    .flatMap((metric) => familiesOf(metric, bucketsPerOctave))
    .map((family) => ({ ...family, name: start + family.name }));
}

function exemplarText({ value, at, traceId }: Exemplar): string {
  return ` # {trace_id="${escape(traceId)}"} ${value} ${at / 1000}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Backslash, quote and line feed, as the format escapes them; lone surrogates cannot be written as UTF-8. */
function escape(text: string): string {
  return text.toWellFormed().replace(/[\\"\n]/g, escaped);
}

function escaped(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}
