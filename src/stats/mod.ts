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
export type { Point, WallClock } from "./recent_points.ts";
export type { ShownQuantiles } from "./quantiles.ts";
export type { Unit } from "./unit.ts";

// Times, states, texts, single numbers.
export { createDuration, createInterval } from "./duration.ts";
export type { Duration, DurationOptions, Interval } from "./duration.ts";
export { createStateStats } from "./state_stats.ts";
export type { StateStats, StateStatsOptions, TimedMachine } from "./state_stats.ts";
export type { StateSnapshot, StatesSnapshot, Transition } from "./state_snapshot.ts";
export { createSketch } from "./sketch.ts";
export type { Sketch, SketchOptions, SketchSnapshot } from "./sketch.ts";
export type { HeavyHitter } from "./space_saving.ts";
export type { Counter, Gauge } from "./scalar.ts";

// All of them, by name.
export { createStats } from "./registry.ts";
export type {
  MetricOptions,
  ObserveOptions,
  SketchMetricOptions,
  Stats,
  StatsOptions,
  TimeOptions,
} from "./registry.ts";
export type { AnyFunction } from "./wrap.ts";
export type { Labels } from "./names.ts";
export type {
  DistributionMetric,
  MetricBase,
  MetricKind,
  MetricSnapshot,
  ScalarMetric,
  ScalarSeries,
  SeriesSnapshot,
  SketchMetric,
  StatesMetric,
  StatsSnapshot,
} from "./metric.ts";

// Those of many processes.
export { type MergedStats, type MergeOptions, mergeStats } from "./merge.ts";
export { parseStats } from "./stats_snapshot.ts";
export { decodeStats, encodeStats } from "./binary.ts";

// For Prometheus.
export {
  OPEN_METRICS_CONTENT_TYPE,
  openMetricsText,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
} from "./openmetrics.ts";
export type { OpenMetricsOptions } from "./openmetrics.ts";

// The event loop and the process.
export { createMonitor } from "./monitor.ts";
export type { Monitor, MonitorEvent, MonitorOptions, MonitorOverhead, MonitorSnapshot } from "./monitor.ts";
export type { Pause, StackMode, StackState } from "./monitor_pauses.ts";
export type { WatchSnapshot } from "./monitor_watches.ts";
export type { BlockedStack, ProcessUsage } from "../platform/port.ts";
