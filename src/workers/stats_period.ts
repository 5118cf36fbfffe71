/**
 * What was counted in a worker since it last told, and its way into the registry of the main thread.
 *
 * @module
 */

import type {
  DistributionSnapshot,
  Labels,
  MetricSnapshot,
  SketchSnapshot,
  StateSnapshot,
  StatesSnapshot,
  StateStats,
  Stats,
  StatsSnapshot,
} from "../stats/mod.ts";

/** Metrics of this prefix are a registry's own, and every registry has them. */
const OWN = "stats.";

/** Takes out of a registry what came since the last time. */
export class StatsPeriod {
  readonly #stats: Stats;
  /** What observed counters said then: they are read, and cannot begin again. */
  #base = new Map<string, number>();
  #gauges = new Map<string, number>();

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  /** The metrics that have something new. */
  take(): MetricSnapshot[] {
    const found = this.#stats.snapshot().metrics.flatMap((metric) => this.#news(metric));
    if (found.length === 0) return found;
    this.#stats.reset();
    this.#base = counterValues(this.#stats.snapshot());
    return found;
  }

  #news(metric: MetricSnapshot): MetricSnapshot[] {
    const { name } = metric;
    if (name.startsWith(OWN)) return [];
    switch (metric.kind) {
      case "distribution": {
        const series = metric.series.filter(({ value }) => value.count + value.rejected > 0);
        return series.length === 0 ? [] : [{ ...metric, series }];
      }
      case "sketch": {
        const series = metric.series.filter(({ value }) => value.count > 0);
        return series.length === 0 ? [] : [{ ...metric, series }];
      }
      case "counter": {
        const series = metric.series
          .map(({ labels, value }) => ({
            labels,
            value: value - (this.#base.get(seriesKey(name, labels)) ?? 0),
          }))
          .filter(({ value }) => value > 0);
        return series.length === 0 ? [] : [{ ...metric, series }];
      }
      case "gauge": {
        const series = metric.series.filter(({ labels, value }) =>
          this.#hasChanged(seriesKey(name, labels), value)
        );
        return series.length === 0 ? [] : [{ ...metric, series }];
      }
      case "states": {
        const series = metric.series.filter(({ value }) => hasNews(value));
        return series.length === 0 ? [] : [{ ...metric, series }];
      }
    }
  }

  #hasChanged(key: string, value: number): boolean {
    if (this.#gauges.get(key) === value) return false;
    this.#gauges.set(key, value);
    return true;
  }
}

/** Time has passed in a state, or something began or ended; where nothing has, nothing is under way. */
function hasNews({ started, ended, states }: StatesSnapshot): boolean {
  return started + ended > 0 || states.some(({ current, totalMs }) => current > 0 || totalMs > 0);
}

function counterValues({ metrics }: StatsSnapshot): Map<string, number> {
  const values = new Map<string, number>();
  for (const metric of metrics) {
    if (metric.kind !== "counter") continue;
    for (const { labels, value } of metric.series) values.set(seriesKey(metric.name, labels), value);
  }
  return values;
}

/** Takes in what a worker counted; returns how many series could not be. `levels` holds what its gauges last said, and in which states its machines are. */
export function mergePeriod(stats: Stats, metrics: readonly MetricSnapshot[], levels: Levels): number {
  let failed = 0;
  for (const { name, help, unit, kind, series } of metrics) {
    for (const { labels, value } of series) {
      const options = { help, unit, labels };
      try {
        if (kind === "distribution") stats.distribution(name, options).merge(value as DistributionSnapshot);
        else if (kind === "sketch") stats.sketch(name, { help, labels }).merge(value as SketchSnapshot);
        else if (kind === "counter") stats.counter(name, options).add(value as number);
        else if (kind === "gauge") levels.set(name, options, value as number);
        else if (kind === "states") {
          const { states, ...counts } = value as StatesSnapshot;
          const merged = stats.stateStats(name, { help, labels });
          // Those under way there are counted as what they are now, not once more with every period.
          merged.merge({ ...counts, states: states.map((state) => ({ ...state, current: 0 })) });
          levels.setStates(name, labels, merged, states);
        }
      } catch {
        // Its name stands for something else over here.
        failed++;
      }
    }
  }
  return failed;
}

/** The gauges of one worker and its machines under way, as the registry of the main thread sees them: they add up with those of the others. */
export class Levels {
  readonly #stats: Stats;
  readonly #held = new Map<string, { value: number; readonly remove: () => void }>();
  readonly #machines = new Map<string, { states: readonly StateSnapshot[]; readonly remove: () => void }>();

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  /** Notes what a gauge says. */
  set(
    name: string,
    options: { readonly help: string; readonly unit: MetricSnapshot["unit"]; readonly labels: Labels },
    value: number,
  ): void {
    const key = seriesKey(name, options.labels);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.value = value;
      return;
    }
    const remove = this.#stats.observe(name, { ...options, kind: "gauge" }, () => made.value);
    const made = { value, remove };
    this.#held.set(key, made);
  }

  /** Notes in which states machines are. */
  setStates(name: string, labels: Labels, into: StateStats, states: readonly StateSnapshot[]): void {
    const key = seriesKey(name, labels);
    const held = this.#machines.get(key);
    if (held !== undefined) {
      held.states = states;
      return;
    }
    const remove = into.observe(() => made.states.map(({ state, current }) => [state, current] as const));
    const made = { states, remove };
    this.#machines.set(key, made);
  }

  /** The worker is gone, and all that with it. */
  clear(): void {
    for (const { remove } of [...this.#held.values(), ...this.#machines.values()]) remove();
    this.#held.clear();
    this.#machines.clear();
  }
}

function seriesKey(name: string, labels: Labels): string {
  return JSON.stringify([name, labels]);
}
