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
  readonly shed: number | undefined;
}

/** The numbers of a sample; rates need the one before it. */
export function figuresOf(sample: Sample, before: Sample | undefined): Figures {
  const overload = sample.reports.get("overload");
  const monitor = sample.reports.get("monitor");
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
    shedPerS: rate(now.shed, then?.shed),
    shed: now.shed,
    inFlight: factNumber(overload, "Running"),
    waiting: factNumber(overload, "Waiting"),
    limit: factNumber(overload, "Limit"),
    isOverloaded: toneOf(fact(overload, "State")) === "bad" || toneOf(fact(overload, "State")) === "warning",
    p50Ms: sample.latency?.p50,
    p99Ms: sample.latency?.p99,
    lagMs: lastOf(points(monitor, "lag")) ?? factNumber(monitor, "Lag, p99"),
    pauses: factNumber(monitor, "Pauses"),
    cpu: lastOf(points(monitor, "cpu")) ?? factNumber(monitor, "Processor"),
    rssBytes: factNumber(monitor, "Resident memory") ?? sample.outline.process?.rssBytes,
  };
}

/** Requests are counted by the servers of a group; else by the overload control, unless nothing passes it. */
function totalsOf({ reports, latency }: Sample): Totals {
  const served = factNumber(reports.get("servers"), "Requests") ??
    factNumber(reports.get("group"), "Requests");
  const overload = reports.get("overload");
  const lanes = overload?.tables?.find(({ id }) => id === "priorities")?.rows;
  const sum = (column: number) => lanes?.reduce((sum, row) => sum + (numberOf(row[column] ?? null) ?? 0), 0);
  const shed = sum(2);
  const asked = lanes && (sum(1)! + shed! + (factNumber(overload, "Exempt") ?? 0));
  return { requests: served ?? (asked === 0 && latency !== undefined ? undefined : asked), shed };
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
