/**
 * The registry's report: its metrics as tables, and what is wrong with the counting itself.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable } from "../report.ts";
import type {
  DistributionMetric,
  MetricSnapshot,
  ScalarMetric,
  SketchMetric,
  StatesMetric,
  StatsSnapshot,
} from "./metric.ts";
import type { Labels } from "./names.ts";
import type { Unit } from "./unit.ts";

/** Counts, by metric, how often labels were folded into "other". */
export const FOLDED = "stats.folded";
/** Counts, by metric, the observed values that could not be read. */
export const FAILED_READS = "stats.failed_reads";
/** Counts, by kind, the metrics that were not registered. */
export const REFUSED = "stats.refused";

/** Rows a table shows; all of them are in the snapshot. */
const MAX_ROWS = 200;

/** What a registry says of itself. */
export function statsReport({ metrics }: StatsSnapshot): Report {
  const series = metrics.reduce((total, metric) => total + metric.series.length, 0);
  const of = <K extends MetricSnapshot["kind"]>(...kinds: K[]) =>
    metrics.filter((metric): metric is MetricSnapshot & { kind: K } => kinds.includes(metric.kind as K));
  const [distributions, states, sketches] = [of("distribution"), of("states"), of("sketch")];
  return {
    id: "stats",
    title: "Statistics",
    summary: `${metrics.length} metrics, ${series} series`,
    tables: [
      distributionTable(distributions),
      scalarTable(of("counter", "gauge")),
      ...(states.length > 0 ? [statesTable(states)] : []),
      ...(sketches.length > 0 ? [sketchTable(sketches)] : []),
    ],
    actions: [{ id: "reset", label: "Reset all statistics", fields: [] }],
    findings: [
      ...counted(metrics, FOLDED).map(([metric, times]) => tooManyLabels(metric, times)),
      ...counted(metrics, FAILED_READS).map(([metric, times]) => failedRead(metric, times)),
      ...counted(metrics, REFUSED, "kind").map(([kind, times]) => tooManyMetrics(kind, times)),
      ...distributions.flatMap((metric) => rejectedValues(metric)),
    ],
  };
}

function distributionTable(metrics: readonly DistributionMetric[]): ReportTable {
  const rows = metrics.flatMap(({ name, unit, series }) =>
    series.map(({ labels, value }): Cell[] => [
      details(name),
      labelsText(labels),
      value.count,
      ...[value.mean, value.p50, value.p90, value.p99, value.p999, value.max].map((each) =>
        inUnit(each, unit)
      ),
    ])
  );
  return {
    id: "distributions",
    title: "Distributions",
    columns: ["Name", "Labels", "Count", "Mean", "p50", "p90", "p99", "p99.9", "Max"],
    empty: "Nothing has been timed or measured yet.",
    ...cut(rows),
  };
}

function scalarTable(metrics: readonly ScalarMetric[]): ReportTable {
  const rows = metrics.flatMap(({ name, kind, unit, series }) =>
    series.map(({ labels, value }): Cell[] => [details(name), labelsText(labels), kind, inUnit(value, unit)])
  );
  return {
    id: "values",
    title: "Counters and gauges",
    columns: ["Name", "Labels", "Kind", "Value"],
    empty: "Nothing has been counted yet.",
    ...cut(rows),
  };
}

function statesTable(metrics: readonly StatesMetric[]): ReportTable {
  const rows = metrics.flatMap(({ name, series }) =>
    series.flatMap(({ labels, value }) =>
      value.states.map(({ state, current, entered, totalMs, stays }): Cell[] => [
        details(name),
        labelsText(labels),
        state,
        current,
        entered,
        { kind: "duration", ms: totalMs },
        { kind: "ratio", ratio: value.lifetimeMs > 0 ? totalMs / value.lifetimeMs : 0 },
        inUnit(stays.p50, "ms"),
        inUnit(stays.p99, "ms"),
      ])
    )
  );
  return {
    id: "states",
    title: "States",
    columns: ["Name", "Labels", "State", "Now", "Entered", "Time", "Share", "p50 of a stay", "p99"],
    empty: "No machine has a state yet.",
    ...cut(rows),
  };
}

function sketchTable(metrics: readonly SketchMetric[]): ReportTable {
  const rows = metrics.flatMap(({ name, series }) =>
    series.map(({ labels, value }): Cell[] => [
      details(name),
      labelsText(labels),
      value.count,
      value.cardinality,
      { kind: "list", items: value.top.slice(0, 3).map(({ key, count }) => `${key} (${count})`) },
    ])
  );
  return {
    id: "sketches",
    title: "Sketches",
    columns: ["Name", "Labels", "Count", "Different", "Most frequent"],
    empty: "No text has been counted yet.",
    ...cut(rows),
  };
}

/** A metric's name, and the way to its page. */
function details(key: string): Cell {
  return { kind: "details", key };
}

/** The rows that are shown. */
export function cut(rows: readonly Cell[][]): Pick<ReportTable, "rows" | "omitted"> {
  return { rows: rows.slice(0, MAX_ROWS), omitted: Math.max(0, rows.length - MAX_ROWS) };
}

/** A value of a unit as a cell. */
export function inUnit(value: number | null, unit: Unit): Cell {
  if (value === null || unit === "1") return value;
  return unit === "ms" ? { kind: "duration", ms: value } : { kind: "bytes", bytes: value };
}

/** Labels as one reads them. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ");
}

/** How often a counter of the registry's own says that something befell each metric. */
function counted(
  metrics: readonly MetricSnapshot[],
  name: string,
  label = "metric",
): [of: string, times: number][] {
  const own = metrics.find((metric) => metric.name === name) as ScalarMetric | undefined;
  return (own?.series ?? []).filter(({ value }) => value > 0).map((
    { labels, value },
  ) => [labels[label]!, value]);
}

function tooManyLabels(metric: string, times: number): Finding {
  return {
    id: `too-many-labels-${metric}`,
    severity: "warning",
    title: `"${metric}" has too many sets of labels`,
    evidence: `${times} times a further set was counted under the label value "other".`,
    likelyCause: "A label holds something without bound: an id, a path, an address of a client.",
    remedy: "Leave that label out, or raise maxSeries if the sets are bounded.",
  };
}

function tooManyMetrics(kind: string, times: number): Finding {
  return {
    id: `too-many-metrics-${kind}`,
    severity: "warning",
    title: `There are too many metrics: a ${kind} was not registered`,
    evidence: `${times} times one of a further name was asked for; nobody sees what it counts.`,
    likelyCause: "A metric's name holds something without bound: an id, a path, an address of a client.",
    remedy: "Make that part of the name a label, or raise maxMetrics if the names are bounded.",
  };
}

function failedRead(metric: string, times: number): Finding {
  return {
    id: `failed-reads-${metric}`,
    severity: "warning",
    title: `"${metric}" cannot be read`,
    evidence: `${times} times its function threw or gave no finite number.`,
    likelyCause: "What it reads is gone, or not there yet.",
    remedy: "Call what observe() returned when the part that is observed ends.",
  };
}

function rejectedValues({ name, series }: DistributionMetric): Finding[] {
  const rejected = series.reduce((total, { value }) => total + value.rejected, 0);
  if (rejected === 0) return [];
  return [{
    id: `rejected-${name}`,
    severity: "info",
    title: `"${name}" was given values that it cannot hold`,
    evidence: `${rejected} values were negative, NaN or infinite.`,
    likelyCause:
      "A difference was taken the wrong way round, or of moments of the wall clock, which was set.",
    remedy: "Add finite values >= 0; take durations from the monotonic clock.",
  }];
}
