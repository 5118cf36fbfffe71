/**
 * Statistics in constant memory: distributions with quantiles, counters, and values that are read when
 * somebody looks.
 *
 * @example Percentiles, for a program and for Prometheus
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats } from "@ballast/runtime/stats";
 *
 * const stats = createStats();
 * const delivery = stats.distribution("mail.delivery", { help: "From queue to server", unit: "ms" });
 * for (const ms of [12, 15, 11, 240]) delivery.add(ms);
 * assert.equal(delivery.max, 240);
 * assert.match(stats.openMetrics(), /^ballast_mail_delivery_duration_seconds_bucket{le="0.025"} 3$/m);
 * ```
 *
 * @module
 */

// One stream of values.
export { createDistribution, distributionFromSnapshot } from "./distribution.ts";
export type { Distribution, DistributionOptions } from "./distribution.ts";
export type { DistributionSnapshot } from "./distribution_snapshot.ts";
export type { BucketCount } from "./bucket_counts.ts";
export type { RecentAverage } from "./averages.ts";
export type { Exemplar } from "./exemplars.ts";
export type { Point } from "./recent_points.ts";
export type { Unit } from "./unit.ts";

// All of them, by name.
export { createStats } from "./registry.ts";
export type { MetricOptions, ObserveOptions, Stats, StatsOptions } from "./registry.ts";
export type { Labels } from "./names.ts";
export type { Counter } from "./scalar.ts";
export type {
  DistributionMetric,
  MetricBase,
  MetricKind,
  MetricSnapshot,
  ScalarMetric,
  SeriesSnapshot,
  StatsSnapshot,
} from "./metric.ts";

// For Prometheus.
export { OPEN_METRICS_CONTENT_TYPE, openMetricsText } from "./openmetrics.ts";
export type { OpenMetricsOptions } from "./openmetrics.ts";

// The event loop and the process.
export { createMonitor } from "./monitor.ts";
export type { Monitor, MonitorEvent, MonitorOptions, MonitorOverhead, MonitorSnapshot } from "./monitor.ts";
export type { Pause, StackMode, StackState } from "./monitor_pauses.ts";
export type { WatchSnapshot } from "./monitor_watches.ts";
export type { BlockedStack, ProcessUsage } from "../platform/port.ts";
