/**
 * Metrics as plain JSON: what a registry holds at one moment.
 *
 * @module
 */

import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import type { Labels } from "./names.ts";
import type { SketchSnapshot } from "./sketch.ts";
import type { StatesSnapshot } from "./state_snapshot.ts";
import type { Unit } from "./unit.ts";

/**
 * What a metric is: a sum that only grows, a value that goes up and down, many values, the states of machines, or
 * texts of which there are too many to keep.
 */
export type MetricKind = "counter" | "gauge" | "distribution" | "states" | "sketch";

/** Changes whenever a snapshot of before cannot be read any more. */
export const SNAPSHOT_VERSION = 1;

/** One series of a metric: its labels, and what it says. */
export interface SeriesSnapshot<V> {
  /** What tells it from the other series. */
  readonly labels: Labels;
  /** What it says. */
  readonly value: V;
}

/** One series of a counter or a gauge. */
export interface ScalarSeries extends SeriesSnapshot<number> {
  /** The lowest value of a gauge that is set. */
  readonly min?: number;
  /** The highest value of a gauge that is set. */
  readonly max?: number;
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
  readonly series: readonly ScalarSeries[];
}

/** A distribution, with all its series. */
export interface DistributionMetric extends MetricBase {
  /** It has many values. */
  readonly kind: "distribution";
  /** One for each set of labels. */
  readonly series: readonly SeriesSnapshot<DistributionSnapshot>[];
}

/** The states of machines, with all its series. */
export interface StatesMetric extends MetricBase {
  /** It has states. */
  readonly kind: "states";
  /** One for each set of labels. */
  readonly series: readonly SeriesSnapshot<StatesSnapshot>[];
}

/** A sketch, with all its series. */
export interface SketchMetric extends MetricBase {
  /** It has texts. */
  readonly kind: "sketch";
  /** One for each set of labels. */
  readonly series: readonly SeriesSnapshot<SketchSnapshot>[];
}

/** One metric, with all its series. */
export type MetricSnapshot = ScalarMetric | DistributionMetric | StatesMetric | SketchMetric;

/** Every metric of a registry, by name. */
export interface StatsSnapshot {
  /** Of what form it is. */
  readonly version: 1;
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** In the order of their names. */
  readonly metrics: readonly MetricSnapshot[];
}
