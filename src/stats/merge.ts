/**
 * The statistics of many processes as one: the view of a whole fleet.
 *
 * @module
 */

import { checkInteger } from "../errors.ts";
import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import { createDistribution } from "./distribution.ts";
import { Family } from "./family.ts";
import {
  type MetricSnapshot,
  type ScalarSeries,
  type SeriesSnapshot,
  SNAPSHOT_VERSION,
  type StatsSnapshot,
} from "./metric.ts";
import { createSketch, type SketchSnapshot } from "./sketch.ts";
import { createStateStats } from "./state_stats.ts";
import type { StatesSnapshot } from "./state_snapshot.ts";
import { checkStats } from "./stats_snapshot.ts";

/** How snapshots are merged. */
export interface MergeOptions {
  /** Series a metric may have; all further ones are added up under the label value "other". @default 1024 */
  readonly maxSeries?: number;
}

/** The statistics of many, and what could not be added up. */
export interface MergedStats extends StatsSnapshot {
  /** Metrics that are something else in one snapshot than in one before, and were left out of the later one. */
  readonly conflicts: readonly string[];
}

/**
 * Adds up snapshots, as if all values had been recorded by one: counts, sums, buckets and extremes exactly, percentiles from
 * the merged buckets, moments and averages within rounding, the heavy hitters of sketches within one in their capacity. Gauges add
 * up, too; the lowest and highest value are those of any single one.
 *
 * @example Two processes
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats, mergeStats } from "@ballast/runtime/stats";
 *
 * const [one, two] = [createStats(), createStats()];
 * one.distribution("request").add(10);
 * two.distribution("request").add(30);
 * const [metric] = mergeStats([one.snapshot(), two.snapshot()]).metrics;
 * assert.ok(metric?.kind === "distribution");
 * assert.equal(metric.series[0]?.value.mean, 20);
 * ```
 * @throws {TypeError} when one is no snapshot
 * @throws {RangeError} when a number in one is out of bounds
 */
export function mergeStats(snapshots: Iterable<StatsSnapshot>, options: MergeOptions = {}): MergedStats {
  const maxSeries = checkInteger("maxSeries", options.maxSeries ?? 1_024, { min: 1 });
  const merged = new Map<string, Merging>();
  const conflicts = new Set<string>();
  let at = 0;
  const checked = [...snapshots].map(checkStats);
  for (const snapshot of checked) at = Math.max(at, snapshot.at);
  for (const { metrics } of checked) {
    for (const metric of metrics) {
      const into = merged.get(metric.name) ?? new Merging(metric, maxSeries, at);
      merged.set(metric.name, into);
      if (into.matches(metric)) into.add(metric);
      else conflicts.add(metric.name);
    }
  }
  const metrics = [...merged.values()].map((each) => each.read()).sort((a, b) => a.name < b.name ? -1 : 1);
  return { version: SNAPSHOT_VERSION, at, metrics, conflicts: [...conflicts].sort() };
}

type Value = MetricSnapshot["series"][number];

/** What adds up one series, whatever its kind. */
interface Sum {
  add(series: Value): void;
  read(): Omit<Value, "labels">;
}

/** One metric of all snapshots. */
class Merging {
  readonly #first: MetricSnapshot;
  readonly #sums: Family<Sum>;
  #help: string;

  constructor(first: MetricSnapshot, maxSeries: number, at: number) {
    const { name, kind, unit, help } = first;
    this.#first = first;
    this.#help = help;
    const create = () => createSum(first, at);
    this.#sums = new Family({ name, kind, unit, help, maxSeries, create, onFold() {} });
  }

  matches({ kind, unit }: MetricSnapshot): boolean {
    return kind === this.#first.kind && unit === this.#first.unit;
  }

  add({ help, series }: MetricSnapshot): void {
    if (this.#help === "") this.#help = help;
    for (const one of series) this.#sums.get(one.labels).add(one);
  }

  read(): MetricSnapshot {
    const series = [...this.#sums.all].map(({ labels, value }) => ({ labels, ...value.read() }));
    return { ...this.#first, help: this.#help, series } as MetricSnapshot;
  }
}

function createSum({ kind, unit }: MetricSnapshot, at: number): Sum {
  // All was read at some moment; the merged ones stand at the latest.
  const clock = { now: () => at, monotonic: () => 0 };
  switch (kind) {
    case "counter":
    case "gauge":
      return new ScalarSum();
    case "distribution":
      return sumOf<DistributionSnapshot>(createDistribution({ unit, clock }));
    case "states":
      return sumOf<StatesSnapshot>(createStateStats({ clock, maxStates: 1_000 }));
    case "sketch":
      return new SketchSum();
  }
}

function sumOf<S>(total: { merge(other: S): void; snapshot(): S }): Sum {
  return {
    add: ({ value }) => total.merge(value as S),
    read: () => ({ value: total.snapshot() as Value["value"] }),
  };
}

class ScalarSum implements Sum {
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  add(series: Value): void {
    const { value, min, max } = series as ScalarSeries;
    this.#sum += value;
    this.#min = Math.min(this.#min, min ?? Infinity);
    this.#max = Math.max(this.#max, max ?? -Infinity);
  }

  read(): Omit<ScalarSeries, "labels"> {
    return { value: this.#sum, ...(this.#min <= this.#max && { min: this.#min, max: this.#max }) };
  }
}

/** As large as the largest of those that it adds up. */
class SketchSum implements Sum {
  #merged: SketchSnapshot | undefined;

  add(series: Value): void {
    const { value } = series as SeriesSnapshot<SketchSnapshot>;
    const { capacity } = this.#merged ?? value;
    const sketch = createSketch({ capacity: Math.max(capacity, value.capacity) });
    if (this.#merged !== undefined) sketch.merge(this.#merged);
    sketch.merge(value);
    this.#merged = sketch.snapshot();
  }

  read(): Omit<SeriesSnapshot<SketchSnapshot>, "labels"> {
    return { value: this.#merged! };
  }
}
