/**
 * Metrics as plain JSON: what a registry holds at one moment.
 *
 * @module
 */

import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import type { Unit } from "./unit.ts";
import type { Labels } from "./names.ts";

/** What a metric is: a sum that only grows, a value that goes up and down, or many values. */
export type MetricKind = "counter" | "gauge" | "distribution";

/** One series of a metric: its labels, and what it says. */
export interface SeriesSnapshot<V> {
  /** What tells it from the other series. */
  readonly labels: Labels;
  /** What it says. */
  readonly value: V;
}

/** What all metrics have. */
export interface MetricBase {
  /** Dotted: `dns.query`. */
  readonly name: string;
  /** What it means, "" where nobody said. */
  readonly help: string;
  /** What its values count. */
  readonly unit: Unit;
}

/** A counter or a gauge, with all its series. */
export interface ScalarMetric extends MetricBase {
  /** Whether its values only grow. */
  readonly kind: "counter" | "gauge";
  /** One for each set of labels. */
  readonly series: readonly SeriesSnapshot<number>[];
}

/** A distribution, with all its series. */
export interface DistributionMetric extends MetricBase {
  /** It has many values. */
  readonly kind: "distribution";
  /** One for each set of labels. */
  readonly series: readonly SeriesSnapshot<DistributionSnapshot>[];
}

/** One metric, with all its series. */
export type MetricSnapshot = ScalarMetric | DistributionMetric;

/** Every metric of a registry, by name. */
export interface StatsSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** In the order of their names. */
  readonly metrics: readonly MetricSnapshot[];
}
