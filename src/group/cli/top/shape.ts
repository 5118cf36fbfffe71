/**
 * What came over the wire, held to its shape: another version of Ballast, or something else altogether, may have sent it. What
 * does not fit is left out.
 *
 * @module
 */

import type { Overview } from "../../../meta/overview_page.ts";
import type { Cell, Fact, Histogram, Report, ReportTable, Series, StateMachine } from "../../../report.ts";
import type { LocatedFinding } from "../../../reports.ts";

/** The part of a meta app's first page that is used. */
export type Outline = Pick<
  Overview,
  "name" | "state" | "startedAt" | "platform" | "process" | "findings" | "reports"
>;

/** The first page; undefined for what is none. */
export function readOutline(value: unknown): Outline | undefined {
  if (!isObject(value) || typeof value.name !== "string" || !Array.isArray(value.reports)) return undefined;
  return {
    name: value.name,
    state: text(value.state) as Outline["state"],
    startedAt: Number(value.startedAt),
    platform: isObject(value.platform)
      ? { name: text(value.platform.name), version: text(value.platform.version) }
      : { name: "", version: "" },
    process: isObject(value.process) ? value.process as unknown as Outline["process"] : null,
    findings: list(value.findings, isFinding),
    reports: list(
      value.reports,
      (item): item is Outline["reports"][number] =>
        isObject(item) && typeof item.id === "string" && typeof item.title === "string",
    ),
  };
}

/** The report that a page shows; undefined for a page that shows none. */
export function readReport(value: unknown): Report | undefined {
  const report = isObject(value) ? value.report : undefined;
  if (!isObject(report) || typeof report.id !== "string") return undefined;
  return {
    id: report.id,
    title: text(report.title),
    ...(typeof report.summary === "string" && { summary: report.summary }),
    facts: list(
      report.facts,
      (item): item is Fact & Record<string, unknown> =>
        isObject(item) && typeof item.label === "string" && isCell(item.value),
    ),
    tables: list(report.tables, isTable),
    series: list(report.series, isSeries),
    histograms: list(report.histograms, isHistogram),
    machines: list(report.machines, isMachine),
    findings: list(report.findings, isFinding),
  };
}

function list<T>(value: unknown, fits: (item: unknown) => item is T): T[] {
  return Array.isArray(value) ? value.filter(fits) : [];
}

function isFinding(value: unknown): value is LocatedFinding {
  return isObject(value) && ["severity", "title"].every((key) => typeof value[key] === "string");
}

function isTable(value: unknown): value is ReportTable {
  return isObject(value) && typeof value.title === "string" &&
    Array.isArray(value.columns) && value.columns.every((name) => typeof name === "string") &&
    Array.isArray(value.rows) && value.rows.every((row) => Array.isArray(row) && row.every(isCell));
}

function isSeries(value: unknown): value is Series {
  return isObject(value) && typeof value.title === "string" && Array.isArray(value.points) &&
    value.points.every((point) =>
      Array.isArray(point) && point.every((number) => typeof number === "number")
    );
}

function isHistogram(value: unknown): value is Histogram {
  return isObject(value) && typeof value.title === "string" && Array.isArray(value.buckets) &&
    value.buckets.every((bucket) => Array.isArray(bucket) && bucket.length === 3);
}

function isMachine(value: unknown): value is StateMachine {
  return isObject(value) && typeof value.title === "string" && Array.isArray(value.states) &&
    value.states.every((state) => isObject(state) && typeof state.count === "number");
}

function isCell(value: unknown): value is Cell {
  return value === null || ["string", "number", "boolean"].includes(typeof value) ||
    (isObject(value) && typeof value.kind === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
