/**
 * What goes out of each metric, whatever the format: families of samples, in base units.
 *
 * @module
 */

import { boundsOf } from "./bounds.ts";
import type { BucketCount } from "./bucket_counts.ts";
import { bucketEdge } from "./buckets.ts";
import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import type { Exemplar } from "./exemplars.ts";
import { exposedName } from "./exposed_name.ts";
import type {
  DistributionMetric,
  MetricSnapshot,
  ScalarMetric,
  SketchMetric,
  StatesMetric,
} from "./metric.ts";
import type { Labels } from "./names.ts";
import type { Unit } from "./unit.ts";

/** One number. */
export interface Sample {
  /** What follows the name of its family. */
  readonly suffix: "" | "_total" | "_bucket" | "_count" | "_sum";
  readonly labels: Labels;
  readonly value: number;
  /** A value that is in this bucket and in none below, and its trace. */
  readonly exemplar?: Exemplar;
}

/** The samples of one name. */
export interface SampleFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** The base unit, which the name ends in. */
  readonly unit?: "seconds" | "bytes";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The families of a metric. */
export function familiesOf(metric: MetricSnapshot, bucketsPerOctave: number | undefined): SampleFamily[] {
  switch (metric.kind) {
    case "counter":
    case "gauge":
      return [scalarFamily(metric)];
    case "distribution":
      return [histogramFamily(metric, bucketsPerOctave)];
    case "states":
      return stateFamilies(metric);
    case "sketch":
      return sketchFamilies(metric);
  }
}

/** Seconds for milliseconds: the formats want base units. */
export function inBaseUnit(value: number, unit: Unit): number {
  return unit === "ms" ? value / 1000 : value;
}

/** What is written in place of a text that nobody gave: the name, with its dots. */
function helpOf({ help, name }: MetricSnapshot): string {
  return help === "" ? name : help;
}

function baseUnit(unit: Unit): Pick<SampleFamily, "unit"> {
  return unit === "1" ? {} : { unit: unit === "ms" ? "seconds" : unit };
}

function scalarFamily(metric: ScalarMetric): SampleFamily {
  const { kind, unit, series } = metric;
  return {
    name: exposedName(metric),
    type: kind,
    ...baseUnit(unit),
    help: helpOf(metric),
    samples: series.map(({ labels, value }) => ({
      suffix: kind === "counter" ? "_total" : "",
      labels,
      value: inBaseUnit(value, unit),
    })),
  };
}

function histogramFamily(metric: DistributionMetric, bucketsPerOctave: number | undefined): SampleFamily {
  const { unit, series } = metric;
  const bounds = boundsOf(unit, bucketsPerOctave);
  return {
    name: exposedName(metric),
    type: "histogram",
    ...baseUnit(unit),
    help: helpOf(metric),
    samples: series.flatMap(({ labels, value }): Sample[] => [
      ...bucketSamples(labels, value, bounds),
      { suffix: "_count", labels, value: value.count },
      { suffix: "_sum", labels, value: inBaseUnit(value.sum, unit) },
    ]),
  };
}

function bucketSamples(labels: Labels, value: DistributionSnapshot, bounds: readonly number[]): Sample[] {
  const { unit, exemplars = [] } = value;
  const counts = [...cumulative(value.buckets, bounds, unit), value.count];
  return [...bounds, Infinity].map((bound, i): Sample => {
    const below = bounds[i - 1] ?? -1;
    const within = exemplars.filter(({ value }) => value > below && value <= bound);
    const last = within.reduce<Exemplar | undefined>(
      (a, b) => a === undefined || b.at >= a.at ? b : a,
      undefined,
    );
    return {
      suffix: "_bucket",
      labels: { ...labels, le: bound === Infinity ? "+Inf" : canonical(inBaseUnit(bound, unit)) },
      value: counts[i]!,
      ...(last && { exemplar: { ...last, value: inBaseUnit(last.value, unit) } }),
    };
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

/** The canonical form of a number as a label value: `1.0` rather than `1`. */
function canonical(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function stateFamilies(metric: StatesMetric): SampleFamily[] {
  const name = exposedName(metric);
  const help = helpOf(metric);
  const states = metric.series.flatMap(({ labels, value }) =>
    value.states.map((state) => ({ ...state, labels: { ...labels, state: state.state } }))
  );
  const transitions = metric.series.flatMap(({ labels, value }) =>
    value.transitions.map(({ from, to, count }) => ({ count, labels: { ...labels, from, to } }))
  );
  return [
    {
      name: `${name}_current`,
      type: "gauge",
      help: `${help}: in each state now`,
      samples: states.map(({ labels, current }) => ({ suffix: "", labels, value: current })),
    },
    {
      name: `${name}_state_seconds`,
      type: "counter",
      unit: "seconds",
      help: `${help}: time in each state`,
      samples: states.map(({ labels, totalMs }) => ({ suffix: "_total", labels, value: totalMs / 1000 })),
    },
    {
      name: `${name}_transitions`,
      type: "counter",
      help: `${help}: from one state to another`,
      samples: transitions.map(({ labels, count }) => ({ suffix: "_total", labels, value: count })),
    },
  ];
}

function sketchFamilies(metric: SketchMetric): SampleFamily[] {
  const name = exposedName(metric);
  const help = helpOf(metric);
  return [
    {
      name,
      type: "counter",
      help,
      samples: metric.series.map(({ labels, value }) => ({ suffix: "_total", labels, value: value.count })),
    },
    {
      name: `${name}_distinct`,
      type: "gauge",
      help: `${help}: different ones, within 0.81 %`,
      samples: metric.series.map(({ labels, value }) => ({ suffix: "", labels, value: value.cardinality })),
    },
  ];
}
