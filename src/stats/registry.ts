/**
 * The registry of metrics: got or created by name and labels, read all at once.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, show } from "../errors.ts";
import { type Report, unknownAction } from "../report.ts";
import { createDistribution, type Distribution } from "./distribution.ts";
import { createDuration, createInterval, type Duration, type Interval } from "./duration.ts";
import { Families } from "./families.ts";
import type { Family } from "./family.ts";
import { metricReport } from "./metric_report.ts";
import { SNAPSHOT_VERSION, type StatsSnapshot } from "./metric.ts";
import type { Labels } from "./names.ts";
import { type OpenMetricsOptions, openMetricsText, prometheusText } from "./openmetrics.ts";
import { type Counter, type Gauge, Scalar } from "./scalar.ts";
import { createSketch, type Sketch } from "./sketch.ts";
import { createStateStats, type StateStats } from "./state_stats.ts";
import { statsReport } from "./stats_report.ts";
import type { Unit } from "./unit.ts";
import { type AnyFunction, wrap } from "./wrap.ts";

/** How a registry is made. */
export interface StatsOptions {
  /** Where snapshots take their moment from. @default the machine's clock */
  readonly clock?: Clock;
  /**
   * Series a name may have; values of all further label sets are counted under the label value "other", and
   * how often that happened under `stats.folded`.
   *
   * @default 256
   */
  readonly maxSeries?: number;
  /**
   * Names there may be; of further ones the metrics work, but nobody sees them, and how often that happened is counted under
   * `stats.refused`.
   *
   * @default 1000
   */
  readonly maxMetrics?: number;
  /**
   * Gives the trace id of the calls under way, for exemplars. It is asked rarely: for the first value of a second and for
   * those that stand out above it; what it throws is ignored.
   *
   * @default there are no exemplars
   */
  readonly traceId?: () => string | undefined;
  /** How `openMetrics()` writes, unless it is told otherwise. */
  readonly openMetrics?: OpenMetricsOptions;
}

/** How a metric is described, and which of its series is meant. */
export interface MetricOptions {
  /** What it means, in one line; the first text given stays. */
  readonly help?: string;
  /** What its values count. @default "ms" for a distribution, "1" for everything else */
  readonly unit?: Unit;
  /** Names of letters, digits and "_"; values of any text, cut at 200 characters. @default none */
  readonly labels?: Labels;
}

/** How a metric whose unit is settled is described. */
export type TimeOptions = Omit<MetricOptions, "unit">;

/** How a sketch in a registry is described. */
export interface SketchMetricOptions extends TimeOptions {
  /** Texts whose counts are held; the first number given stays. @default 128 */
  readonly capacity?: number;
}

/** How an observed metric is described. */
export interface ObserveOptions extends MetricOptions {
  /** Whether the value only grows. */
  readonly kind: "counter" | "gauge";
}

/** A registry of metrics. */
export interface Stats {
  /**
   * The counter of this name and these labels, made when it is new.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  counter(name: string, options?: MetricOptions): Counter;
  /**
   * The distribution of this name and these labels, made when it is new.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  distribution(name: string, options?: MetricOptions): Distribution;
  /**
   * The gauge of this name and these labels, made when it is new: for a value that is set. {@linkcode Stats.observe} is for
   * one that can be read.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  gauge(name: string, options?: MetricOptions): Gauge;
  /**
   * A stop watch on the distribution of this name and these labels.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  duration(name: string, options?: TimeOptions): Duration;
  /**
   * The time between events, on the distribution of this name and these labels.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  interval(name: string, options?: TimeOptions): Interval;
  /**
   * The states of machines of one kind, of this name and these labels, made when they are new.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  stateStats(name: string, options?: TimeOptions): StateStats;
  /**
   * The sketch of this name and these labels, made when it is new.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  sketch(name: string, options?: SketchMetricOptions): Sketch;
  /**
   * A function that does what `fn` does, and times each call, until its promise is settled if it returns one. The label `outcome`
   * is "success" or "failure". A promise that is returned is another one than that of `fn`, and settled alike.
   *
   * @example Time a query
   * ```ts
   * import assert from "node:assert/strict";
   * import { createStats } from "@ballast/runtime/stats";
   *
   * const stats = createStats();
   * const query = stats.timed("db.query", async (table: string) => await Promise.resolve(`rows of ${table}`));
   * assert.equal(await query("orders"), "rows of orders");
   * assert.equal(stats.distribution("db.query", { labels: { outcome: "success" } }).count, 1);
   * ```
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  timed<F extends AnyFunction>(name: string, fn: F, options?: TimeOptions): F;
  /**
   * A function that does what `fn` does, and counts each call when it is over; the label `outcome` is "success" or "failure".
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  counted<F extends AnyFunction>(name: string, fn: F, options?: TimeOptions): F;
  /**
   * Has `read` called whenever somebody looks, and never otherwise. Returns what removes it. Reads under one
   * name and labels add up, as parts that share a counter do. One that throws or gives no finite number is
   * left out, and counted under `stats.failed_reads`.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  observe(name: string, options: ObserveOptions, read: () => number): () => void;
  /** Every metric by name, as plain JSON. */
  snapshot(): StatsSnapshot;
  /**
   * Starts one metric again, or all of them; returns how many series that were. Machines under way, gauges and observed values go on from
   * what they are.
   *
   * @throws {TypeError} when there is no metric of that name
   */
  reset(name?: string): number;
  /** The metrics as tables, and findings about the counting itself. */
  report(): Report;
  /** More on one metric: how its values are spread, and what they were lately. */
  details(name: string): Report | undefined;
  /**
   * Carries out `reset`: of the metric `name`, or of all.
   *
   * @throws {BallastError} `UNKNOWN_ACTION` for any other
   */
  act(id: string, args?: Readonly<Record<string, string>>): { readonly series: number };
  /** The metrics as OpenMetrics 1.0 text; its content type is `OPEN_METRICS_CONTENT_TYPE`. */
  openMetrics(options?: OpenMetricsOptions): string;
  /** The metrics in Prometheus's own text format, 0.0.4, which has no exemplars; its content type is `PROMETHEUS_CONTENT_TYPE`. */
  prometheus(options?: OpenMetricsOptions): string;
}

/**
 * Makes an empty registry.
 *
 * @example Count, time and observe
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats } from "@ballast/runtime/stats";
 *
 * const stats = createStats();
 * const waiting: string[] = ["a letter"];
 * stats.counter("mail.sent").add();
 * stats.distribution("mail.delivery", { labels: { to: "example.com" } }).add(12.5);
 * stats.observe("mail.waiting", { kind: "gauge" }, () => waiting.length);
 * const names = stats.snapshot().metrics.map((metric) => metric.name);
 * assert.deepEqual(names, ["mail.delivery", "mail.sent", "mail.waiting"]);
 * ```
 */
export function createStats(options: StatsOptions = {}): Stats {
  const { clock = systemClock, traceId } = options;
  const families = new Families({
    maxSeries: checkInteger("maxSeries", options.maxSeries ?? 256, { min: 1 }),
    maxMetrics: checkInteger("maxMetrics", options.maxMetrics ?? 1_000, { min: 1 }),
  });
  /** What is kept beside a distribution: an interval remembers its last event. */
  const intervals = new WeakMap<Distribution, Interval>();

  function scalars(kind: "counter" | "gauge", name: string, options: MetricOptions): Family<Scalar> {
    return families.get(families.scalars, { ...options, name, kind }, () => new Scalar());
  }

  function counter(name: string, options: MetricOptions = {}): Counter {
    return scalars("counter", name, options).get(options.labels).asCounter();
  }

  function distribution(name: string, options: MetricOptions = {}): Distribution {
    const wanted = { ...options, name, kind: "distribution" } as const;
    const create = (unit: Unit) => createDistribution({ unit, clock, traceId });
    return families.get(families.distributions, wanted, create).get(options.labels);
  }

  const timing = (name: string, options: TimeOptions) => distribution(name, { ...options, unit: "ms" });

  function interval(name: string, options: TimeOptions = {}): Interval {
    const times = timing(name, options);
    let found = intervals.get(times);
    if (found === undefined) intervals.set(times, found = createInterval({ clock, distribution: times }));
    return found;
  }

  function snapshot(): StatsSnapshot {
    return { version: SNAPSHOT_VERSION, at: clock.now(), metrics: families.read() };
  }

  function reset(name?: string): number {
    if (name === undefined || families.has(name)) return families.reset(name);
    throw new TypeError(`there is no metric ${show(name)}`);
  }

  return {
    counter,
    gauge: (name, options = {}) => scalars("gauge", name, options).get(options.labels).asGauge(),
    distribution,
    duration: (name, options = {}) => createDuration({ clock, distribution: timing(name, options) }),
    interval,
    stateStats(name, options = {}) {
      const wanted = { ...options, unit: "ms", name, kind: "states" } as const;
      return families.get(families.states, wanted, () => createStateStats({ clock })).get(options.labels);
    },
    sketch(name, options = {}) {
      const wanted = { ...options, unit: "1", name, kind: "sketch" } as const;
      const create = () => createSketch({ capacity: options.capacity });
      return families.get(families.sketches, wanted, create).get(options.labels);
    },
    timed(name, fn, options = {}) {
      const [success, failure] = byOutcome(options.labels, (labels) => timing(name, { ...options, labels }));
      return wrap(fn, () => {
        const startedAt = clock.monotonic();
        return (failed) => (failed ? failure : success).add(clock.monotonic() - startedAt);
      });
    },
    counted(name, fn, options = {}) {
      const [success, failure] = byOutcome(options.labels, (labels) => counter(name, { ...options, labels }));
      return wrap(fn, () => (failed) => (failed ? failure : success).add());
    },
    observe(name, options, read) {
      const series = scalars(options.kind, name, options);
      const remove = series.get(options.labels).observe(read);
      return () => {
        remove();
        series.prune((scalar) => !scalar.inUse);
      };
    },
    snapshot,
    reset,
    report: () => statsReport(snapshot()),
    details: (name) => metricReport(snapshot(), name),
    act(id, { name } = {}) {
      if (id !== "reset") throw unknownAction("stats", id);
      return { series: reset(name) };
    },
    openMetrics: (given) => openMetricsText(snapshot(), { ...options.openMetrics, ...given }),
    prometheus: (given) => prometheusText(snapshot(), { ...options.openMetrics, ...given }),
  };
}

/** What counts the calls that went well, and what counts the others. */
function byOutcome<T>(labels: Labels | undefined, make: (labels: Labels) => T): [success: T, failure: T] {
  return [make({ ...labels, outcome: "success" }), make({ ...labels, outcome: "failure" })];
}
