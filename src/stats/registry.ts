/**
 * The registry of metrics: got or created by name and labels, read all at once.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger } from "../errors.ts";
import type { Report } from "../report.ts";
import { createDistribution, type Distribution } from "./distribution.ts";
import { checkUnit, type Unit } from "./unit.ts";
import { Family, type FamilyOptions } from "./family.ts";
import type { MetricKind, MetricSnapshot, SeriesSnapshot, StatsSnapshot } from "./metric.ts";
import { checkName, type Labels } from "./names.ts";
import { type OpenMetricsOptions, openMetricsText } from "./openmetrics.ts";
import { ReservedNames } from "./reserved_names.ts";
import { type Counter, Scalar } from "./scalar.ts";
import { FAILED_READS, FOLDED, statsReport } from "./stats_report.ts";

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
   * Has `read` called whenever somebody looks, and never otherwise. Returns what removes it. Reads under one
   * name and labels add up, as parts that share a counter do. One that throws or gives no finite number is
   * left out, and counted under `stats.failed_reads`.
   *
   * @throws {TypeError} when the name or a label is not a valid one, or the name is in use for something else
   */
  observe(name: string, options: ObserveOptions, read: () => number): () => void;
  /** Every metric by name, as plain JSON. */
  snapshot(): StatsSnapshot;
  /** The metrics as tables, and findings about the counting itself. */
  report(): Report;
  /** The metrics as OpenMetrics 1.0 text; its content type is `OPEN_METRICS_CONTENT_TYPE`. */
  openMetrics(options?: OpenMetricsOptions): string;
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
  const { clock = systemClock } = options;
  const maxSeries = checkInteger("maxSeries", options.maxSeries ?? 256, { min: 1 });
  const names = new ReservedNames();
  const distributions = new Map<string, Family<Distribution>>();
  const scalars = new Map<string, Family<Scalar>>();
  const folded = ownCounter(FOLDED, 'Times that labels were counted as "other", there being too many');
  const failedReads = ownCounter(FAILED_READS, "Times that an observed value could not be read");

  /** The family of a name, made when it is new. */
  function family<T>(
    families: Map<string, Family<T>>,
    { name, kind, unit, help = "" }: MetricOptions & { readonly name: string; readonly kind: MetricKind },
    create: (unit: Unit) => T,
  ): Family<T> {
    const found = families.get(name);
    if (found !== undefined && found.kind === kind && (unit === undefined || unit === found.unit)) {
      if (found.help === "") found.help = help;
      return found;
    }
    const checked = checkUnit(unit ?? (kind === "distribution" ? "ms" : "1"));
    return insert(families, {
      name: checkName(name),
      kind,
      unit: checked,
      help,
      maxSeries,
      create: () => create(checked),
      onFold: () => folded.get({ metric: name }).asCounter().add(),
    });
  }

  function insert<T>(families: Map<string, Family<T>>, options: FamilyOptions<T>): Family<T> {
    names.reserve(options);
    const made = new Family(options);
    families.set(made.name, made);
    return made;
  }

  /** A counter of the registry's own: made first, so that its name cannot be anybody else's. */
  function ownCounter(name: string, help: string): Family<Scalar> {
    const create = () => new Scalar();
    return insert(scalars, { name, kind: "counter", unit: "1", help, maxSeries, create, onFold: () => {} });
  }

  function scalarFamily(kind: "counter" | "gauge", name: string, options: MetricOptions): Family<Scalar> {
    return family(scalars, { ...options, name, kind }, () => new Scalar());
  }

  function readScalars({ name, all }: Family<Scalar>): SeriesSnapshot<number>[] {
    const onFailure = () => failedReads.get({ metric: name }).asCounter().add();
    return [...all].flatMap(({ labels, value: scalar }) => {
      const value = scalar.read(onFailure);
      return value === undefined ? [] : [{ labels, value }];
    });
  }

  function snapshot(): StatsSnapshot {
    const metrics: MetricSnapshot[] = [];
    for (const { name, unit, help, all } of distributions.values()) {
      const series = [...all].map(({ labels, value }) => ({ labels, value: value.snapshot() }));
      metrics.push({ name, kind: "distribution", unit, help, series });
    }
    // The count of failed reads comes last: the other reads add to it.
    for (const family of [...[...scalars.values()].filter((family) => family !== failedReads), failedReads]) {
      const { name, kind, unit, help } = family;
      metrics.push({ name, kind: kind as "counter" | "gauge", unit, help, series: readScalars(family) });
    }
    return { at: clock.now(), metrics: metrics.filter(({ series }) => series.length > 0).sort(byName) };
  }

  return {
    counter(name, options = {}) {
      return scalarFamily("counter", name, options).get(options.labels).asCounter();
    },
    distribution(name, options = {}) {
      const wanted = { ...options, name, kind: "distribution" } as const;
      return family(distributions, wanted, (unit) => createDistribution({ unit })).get(options.labels);
    },
    observe(name, options, read) {
      const series = scalarFamily(options.kind, name, options);
      const remove = series.get(options.labels).observe(read);
      return () => {
        remove();
        series.prune((scalar) => !scalar.inUse);
      };
    },
    snapshot,
    report: () => statsReport(snapshot()),
    openMetrics: (options) => openMetricsText(snapshot(), options),
  };
}

function byName(a: MetricSnapshot, b: MetricSnapshot): number {
  return a.name < b.name ? -1 : 1;
}
