/**
 * What a person on call looks at first, as numbers: taken from the reports by what these call their facts, and from what has changed
 * since the sample before. What a service does not say is not shown.
 *
 * @module
 */

import type { Cell, Report, Tone } from "../../../report.ts";
import type { Sample } from "./poll.ts";
import type { Point } from "./spark.ts";

/** The numbers of one sample; undefined for what is not known. */
export interface Figures {
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** Requests a second, refused ones included. */
  readonly requestsPerS: number | undefined;
  /** Requests a second that ended in an error of the app. */
  readonly errorsPerS: number | undefined;
  /** Refused requests a second. */
  readonly shedPerS: number | undefined;
  /** Refused so far. */
  readonly shed: number | undefined;
  /** Requests under way. */
  readonly inFlight: number | undefined;
  /** Waiting to be let in. */
  readonly waiting: number | undefined;
  /** How many may be under way. */
  readonly limit: number | undefined;
  /** Whether more comes than is served. */
  readonly isOverloaded: boolean;
  /** Latency of requests since the sample before, in milliseconds. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** How late the event loop was of late, in milliseconds. */
  readonly lagMs: number | undefined;
  /** Pauses of the event loop so far. */
  readonly pauses: number | undefined;
  /** Cores in use. */
  readonly cpu: number | undefined;
  /** Resident memory in bytes. */
  readonly rssBytes: number | undefined;
}

/** What is counted, to be compared with the next sample. */
interface Totals {
  readonly requests: number | undefined;
  readonly errors: number | undefined;
  readonly shed: number | undefined;
}

/** The numbers of a sample; rates need the one before it. */
export function figuresOf(sample: Sample, before: Sample | undefined): Figures {
  const { reports, outline, latency } = sample;
  const [group, monitor, overload, stats] = ["group", "monitor", "overload", "stats"].map((id) =>
    reports.get(id)
  );
  const now = totalsOf(sample);
  const then = before && totalsOf(before);
  const seconds = before === undefined ? 0 : (sample.at - before.at) / 1000;
  const rate = (total: number | undefined, old: number | undefined) =>
    total === undefined || old === undefined || seconds <= 0 || total < old
      ? undefined
      : (total - old) / seconds;
  return {
    at: sample.at,
    requestsPerS: rate(now.requests, then?.requests),
    errorsPerS: rate(now.errors, then?.errors),
    shedPerS: rate(now.shed, then?.shed),
    shed: now.shed,
    inFlight: metricSum(stats, "overload.in_flight"),
    waiting: metricSum(stats, "overload.waiting"),
    limit: metricSum(stats, "overload.limit"),
    isOverloaded: statesOf(overload).some((tone) => tone === "bad" || tone === "warning"),
    p50Ms: latency?.p50,
    p99Ms: latency?.p99,
    lagMs: lastOf(points(monitor, "lag")) ?? largest(childColumn(group, "Loop late")),
    pauses: metricSum(stats, "event_loop.pauses"),
    cpu: lastOf(points(monitor, "cpu")),
    rssBytes: sum(childColumn(group, "Memory")) ?? factNumber(monitor, "Resident memory") ??
      outline.process?.rssBytes,
  };
}

/** Requests are counted by the servers of a group, whatever became of them; where there are none, by the overload control. */
function totalsOf({ reports }: Sample): Totals {
  const stats = reports.get("stats");
  const served = metricSum(stats, "servers.requests");
  const shed = metricSum(stats, "overload.refused") ??
    (metricSum(stats, "overload.admitted") === undefined ? undefined : 0);
  const admitted = metricSum(stats, "overload.admitted");
  const asked = admitted === undefined ? undefined : admitted + (shed ?? 0);
  return { requests: served ?? asked, errors: metricSum(stats, "servers.errors"), shed };
}

/** What a metric counts, all its labels together; undefined where there is none. Those of a group are merged already. */
function metricSum(stats: Report | undefined, name: string): number | undefined {
  const rows = stats?.tables?.find(({ id }) => id === "values")?.rows ?? [];
  return sum(rows.flatMap(([metric, , , value]) => {
    const key = typeof metric === "object" && metric?.kind === "details" ? metric.key : metric;
    const number = numberOf(value ?? null);
    return key === name && number !== undefined ? [number] : [];
  }));
}

/** What the children of a group say of one thing. */
function childColumn(group: Report | undefined, column: string): readonly number[] {
  const table = group?.tables?.find(({ id }) => id === "children");
  const index = table?.columns.indexOf(column) ?? -1;
  return (table?.rows ?? []).map((row) => numberOf(row[index] ?? null)).filter((value) =>
    value !== undefined
  );
}

/** How the overload control feels: that of one process, or those of all children. */
function statesOf(overload: Report | undefined): (Tone | undefined)[] {
  const table = overload?.tables?.find(({ id }) => id === "children");
  const index = table?.columns.indexOf("State") ?? -1;
  return [toneOf(fact(overload, "State")), ...(table?.rows ?? []).map((row) => toneOf(row[index]))];
}

function sum(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

function largest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

/** One of a report's facts. */
export function fact(report: Report | undefined, label: string): Cell | undefined {
  return report?.facts?.find((fact) => fact.label === label)?.value;
}

/** One of a report's facts, as a number. */
export function factNumber(report: Report | undefined, label: string): number | undefined {
  return numberOf(fact(report, label) ?? null);
}

/** What a value measures; undefined for a word. */
export function numberOf(cell: Cell): number | undefined {
  if (typeof cell === "number") return cell;
  if (typeof cell !== "object" || cell === null) return undefined;
  switch (cell.kind) {
    case "duration":
      return cell.ms;
    case "bytes":
      return cell.bytes;
    case "ratio":
      return cell.ratio;
    case "time":
      return cell.at;
    default:
      return undefined;
  }
}

/** How a state feels; undefined for what is none. */
export function toneOf(cell: Cell | undefined): Tone | undefined {
  return typeof cell === "object" && cell?.kind === "state" ? cell.tone : undefined;
}

/** The points of one of a report's series. */
export function points(report: Report | undefined, id: string): readonly Point[] {
  return report?.series?.find((series) => series.id === id)?.points ?? [];
}

function lastOf(points: readonly Point[]): number | undefined {
  return points.at(-1)?.[1];
}
