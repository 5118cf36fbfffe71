/**
 * The report of one metric: what it says, how its values are spread, and what they were lately.
 *
 * @module
 */

import type { Cell, Fact, Histogram, Report, ReportTable, Series, StateMachine } from "../report.ts";
import { bucketEdge } from "./buckets.ts";
import type { DistributionSnapshot } from "./distribution_snapshot.ts";
import type {
  DistributionMetric,
  MetricSnapshot,
  ScalarMetric,
  SeriesSnapshot,
  SketchMetric,
  StatesMetric,
  StatsSnapshot,
} from "./metric.ts";
import { cut, inUnit, labelsText, statsReport } from "./stats_report.ts";
import type { Unit } from "./unit.ts";

/** Series that are drawn: those with the most values. All are in the table. */
const MAX_DRAWN = 8;
/** The quantiles that are marked. */
const QUANTILES = [["p50", 0.5], ["p90", 0.9], ["p99", 0.99], ["p999", 0.999]] as const;

type Body = Pick<Report, "summary" | "facts" | "tables" | "histograms" | "series" | "machines">;

/** The report of the metric of this name; undefined when there is none, or none with a series. */
export function metricReport(snapshot: StatsSnapshot, name: string): Report | undefined {
  const metric = snapshot.metrics.find((metric) => metric.name === name);
  if (metric === undefined) return undefined;
  const field = { name: "name", label: "Metric", value: name };
  return {
    id: "stats",
    title: name,
    ...bodyOf(metric),
    actions: [{ id: "reset", label: "Reset this metric", fields: [field] }],
    findings: statsReport(snapshot).findings?.filter(({ id }) => id.endsWith(`-${name}`)),
  };
}

function bodyOf(metric: MetricSnapshot): Body {
  switch (metric.kind) {
    case "counter":
    case "gauge":
      return scalarBody(metric);
    case "distribution":
      return distributionBody(metric);
    case "states":
      return statesBody(metric);
    case "sketch":
      return sketchBody(metric);
  }
}

function facts({ kind, unit, help, series }: MetricSnapshot, more: readonly Fact[] = []): Fact[] {
  return [
    ...(help === "" ? [] : [{ label: "Meaning", value: help }]),
    { label: "Kind", value: kind },
    { label: "Unit", value: unit === "1" ? "things" : unit },
    ...(series.length === 1 ? [] : [{ label: "Series", value: series.length }]),
    ...more,
  ];
}

function scalarBody(metric: ScalarMetric): Body {
  const { unit } = metric;
  const rows = metric.series.map(({ labels, value, min, max }): Cell[] => [
    labelsText(labels),
    ...[value, min, max].map((each) => inUnit(each ?? null, unit)),
  ]);
  const columns = ["Labels", "Value", "Lowest", "Highest"];
  return { facts: facts(metric), tables: [table("series", "Series", columns, rows)] };
}

function distributionBody(metric: DistributionMetric): Body {
  const { unit } = metric;
  const drawn = [...metric.series].sort((a, b) => b.value.count - a.value.count).slice(0, MAX_DRAWN);
  const total = metric.series.reduce((sum, { value }) => sum + value.count, 0);
  return {
    summary: `${total} values`,
    facts: facts(metric, metric.series.length === 1 ? figures(metric.series[0]!.value) : []),
    histograms: drawn.map(({ labels, value }, index) =>
      histogram(`h${index}`, titleOf(metric, labels), value)
    ),
    series: drawn.map(({ labels, value }, index): Series => ({
      id: `s${index}`,
      title: titleOf(metric, labels),
      unit,
      points: value.recent,
    })),
    tables: [
      table(
        "series",
        "Series",
        ["Labels", "Count", "Lowest", "Mean", "Deviation", "p50", "p90", "p99", "p99.9", "Highest"],
        metric.series.map((series) => distributionRow(series, unit)),
      ),
      table(
        "lately",
        "Lately",
        ["Labels", ...[1, 5, 15].flatMap((minutes) => [`Mean of ${minutes} min`, "A second"])],
        metric.series.map(({ labels, value }) => [
          labelsText(labels),
          ...value.averages.flatMap((
            { mean, perSecond },
          ): Cell[] => [inUnit(mean, unit), rounded(perSecond)]),
        ]),
      ),
      ...exemplarTable(metric),
    ],
  };
}

function figures({ skewness, kurtosis, rejected }: DistributionSnapshot): Fact[] {
  return [
    {
      label: "Skewness",
      value: rounded(skewness),
      hint: "0 when symmetric, above it with a tail to the right",
    },
    {
      label: "Kurtosis",
      value: rounded(kurtosis),
      hint: "3 for a normal distribution, more with heavy tails",
    },
    ...(rejected === 0 ? [] : [{ label: "Rejected", value: rejected, hint: "negative, NaN or infinite" }]),
  ];
}

function distributionRow({ labels, value }: SeriesSnapshot<DistributionSnapshot>, unit: Unit): Cell[] {
  const { count, min, mean, stddev, p50, p90, p99, p999, max } = value;
  const cells = [min, mean, stddev, p50, p90, p99, p999, max].map((each) => inUnit(each, unit));
  return [labelsText(labels), count, ...cells];
}

function histogram(id: string, title: string, value: DistributionSnapshot): Histogram {
  const { unit, count, min, max } = value;
  return {
    id,
    title,
    unit,
    count,
    // The extremes are known better than the edges around them; the lowest bucket reaches down to zero.
    buckets: value.buckets.map(([bucket, held]) => [
      Math.max(bucket === 0 ? 0 : bucketEdge(bucket, unit), Math.min(min!, bucketEdge(bucket + 1, unit))),
      Math.max(min!, Math.min(bucketEdge(bucket + 1, unit), max!)),
      held,
    ]),
    quantiles: count === 0 ? [] : QUANTILES.map(([name, q]) => ({ q, value: value[name]! })),
  };
}

function exemplarTable(metric: DistributionMetric): ReportTable[] {
  const rows = metric.series.flatMap(({ labels, value }) =>
    (value.exemplars ?? []).map(({ value, at, traceId }): Cell[] => [
      labelsText(labels),
      inUnit(value, metric.unit),
      { kind: "time", at },
      traceId,
    ])
  );
  const columns = ["Labels", "Value", "When", "Trace"];
  return rows.length === 0 ? [] : [table("exemplars", "Exemplars", columns, rows)];
}

function statesBody(metric: StatesMetric): Body {
  const machines = metric.series.map(({ labels, value }, index): StateMachine => ({
    id: `m${index}`,
    title: titleOf(metric, labels),
    states: value.states.map(({ state, current }) => ({ state, count: current, tone: "neutral" })),
  }));
  const rows = statsReport({ version: 1, at: 0, metrics: [metric] }).tables!.find(({ id }) =>
    id === "states"
  )!;
  const transitions = metric.series.flatMap(({ labels, value }) =>
    value.transitions.map(({ from, to, count }): Cell[] => [labelsText(labels), from, to, count])
  );
  const stays = metric.series.slice(0, MAX_DRAWN).flatMap(({ labels, value }) =>
    value.states.slice(0, MAX_DRAWN).map(({ state, stays }) => ({
      title: `${titleOf(metric, labels)}: ${state}`,
      stays,
    }))
  );
  return {
    facts: facts(metric),
    machines: machines.slice(0, MAX_DRAWN),
    histograms: stays.map(({ title, stays }, index) => histogram(`h${index}`, title, stays)),
    tables: [rows, table("transitions", "Transitions", ["Labels", "From", "To", "Count"], transitions)],
  };
}

function sketchBody(metric: SketchMetric): Body {
  const rows = metric.series.flatMap(({ labels, value }) =>
    value.top.map(({ key, count, error }): Cell[] => [
      labelsText(labels),
      key,
      count,
      error,
      { kind: "ratio", ratio: value.count > 0 ? count / value.count : 0 },
    ])
  );
  const counts = metric.series.map((
    { labels, value },
  ): Cell[] => [labelsText(labels), value.count, value.cardinality]);
  return {
    facts: facts(metric),
    tables: [
      table("series", "Series", ["Labels", "Count", "Different"], counts),
      table("top", "Most frequent", ["Labels", "Text", "Count", "Too many by at most", "Share"], rows),
    ],
  };
}

/** A table whose first column has the labels; without it where nothing has any, and something else tells the rows apart. */
function table(id: string, title: string, columns: readonly string[], rows: readonly Cell[][]): ReportTable {
  const empty = "There is nothing yet.";
  if (rows.some(([labels]) => labels !== "")) return { id, title, columns, empty, ...cut(rows) };
  return { id, title, columns: columns.slice(1), empty, ...cut(rows.map((row) => row.slice(1))) };
}

function titleOf({ name }: MetricSnapshot, labels: SeriesSnapshot<unknown>["labels"]): string {
  const text = labelsText(labels);
  return text === "" ? name : text;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(3));
}
