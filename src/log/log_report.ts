/**
 * The log's report: its recent records, levels and counts as tables, and what is wrong with the logging itself.
 *
 * @module
 */

import type { Action, Cell, Fact, Report, ReportTable, Tone } from "../report.ts";
import type { Category } from "./categories.ts";
import type { Core } from "./core.ts";
import { oneLine } from "./format.ts";
import type { LevelRule } from "./levels.ts";
import { logFindings } from "./log_findings.ts";
import { type LogSnapshot, logSnapshot } from "./log_snapshot.ts";
import { type Level, LEVELS, type LogRecord, RANK } from "./record.ts";

const MAX_ROWS = 100;
const MAX_CATEGORY_ROWS = 100;

/** The action that changes a level. */
export const SET_LEVEL = "set-level";

const TONES: Readonly<Record<Level, Tone>> = {
  debug: "neutral",
  info: "good",
  warn: "warning",
  error: "bad",
};

/** What a log says of itself. */
export function logReport(core: Core): Report {
  const snapshot = logSnapshot(core);
  const { journal } = core.parts;
  return {
    id: "log",
    title: "Log",
    summary: summaryText(snapshot),
    facts: facts(snapshot),
    tables: [
      records("warnings", "Recent warnings and errors", journal.recent({ level: "warn", limit: MAX_ROWS })),
      records("records", "Recent records", journal.recent({ limit: MAX_ROWS })),
      categories(core),
    ],
    actions: [setLevel],
    findings: logFindings(snapshot, core.parts.outlet),
  };
}

const setLevel: Action = {
  id: SET_LEVEL,
  label: "Set the level of a category and all below it",
  fields: [
    { name: "category", label: "Category (empty: all)" },
    { name: "level", label: `${Object.keys(RANK).join(", ")}; empty: as the category above` },
  ],
};

function summaryText({ totals, suppressed }: LogSnapshot): string {
  const counts = LEVELS.map((level) => `${totals[level]} ${level}`).join(", ");
  return suppressed === 0 ? counts : `${counts}; ${suppressed} of them repeated others and were only counted`;
}

function facts({ totals, suppressed, redacted, dropped, inFlight, memory }: LogSnapshot): Fact[] {
  return [
    ...LEVELS.map((level) => ({ label: `At ${level}`, value: totals[level] })),
    {
      label: "Suppressed",
      value: suppressed,
      hint: "Records that repeated others: counted, summed up in one record, and not kept",
    },
    {
      label: "Secrets redacted",
      value: redacted,
      hint: "Values by their name, and texts with a secret in them",
    },
    { label: "Being written", value: inFlight, hint: "Writes of the logger that have not settled" },
    { label: "Dropped", value: dropped, hint: "Records not handed on: too many writes were under way" },
    { label: "In memory", value: { kind: "bytes", bytes: memory.bytes }, hint: `${memory.records} records` },
  ];
}

function records(id: string, title: string, found: readonly LogRecord[]): ReportTable {
  return {
    id,
    title,
    columns: ["When", "Level", "Category", "Message", "Took", "Fields", "Trace"],
    rows: found.map(recordRow),
    empty: "Nothing has been logged yet.",
  };
}

function recordRow({ at, level, category, message, durationMs, fields, error }: LogRecord): Cell[] {
  const { traceId = null, spanId: _spanId, ...others } = fields;
  const items = Object.entries(others).map(([name, value]) => `${name}: ${value}`);
  for (let cause = error?.cause; cause !== undefined; cause = cause.cause) {
    items.push(`caused by ${cause.code ?? cause.name}: ${cause.message}`);
  }
  return [
    { kind: "time", at },
    { kind: "state", state: level, tone: TONES[level] },
    category.join("."),
    oneLine(message),
    durationMs === undefined ? null : { kind: "duration", ms: durationMs },
    { kind: "list", items },
    traceId,
  ];
}

function categories(core: Core): ReportTable {
  const { levels } = core.parts;
  const known = [...core.categories.all];
  const names = new Set(known.map(({ name }) => name));
  // A level may be set for a category that nobody has used yet.
  const further = [...levels.rules.keys()].filter((name) => !names.has(name));
  const rows = [
    ...further.map((name) => categoryRow(name, levels.of(name))),
    ...known.map((category) => categoryRow(category.name, category.level, category)),
  ].sort(([one], [other]) => String(one) < String(other) ? -1 : 1);
  return {
    id: "categories",
    title: "Levels by category",
    columns: ["Category", "Level", "Set for", "Debug", "Info", "Warn", "Error", "Suppressed"],
    rows: rows.slice(0, MAX_CATEGORY_ROWS),
    omitted: Math.max(0, rows.length - MAX_CATEGORY_ROWS),
    empty: "No category has been used yet.",
  };
}

function categoryRow(name: string, { level, setFor }: LevelRule, category?: Category): Cell[] {
  return [
    name === "" ? "(all)" : name,
    { kind: "state", state: level, tone: level === "off" ? "warning" : "neutral" },
    setFor === undefined ? "default" : setFor === "" ? "(all)" : setFor,
    ...LEVELS.map((level) => category?.totals[level] ?? 0),
    category?.suppressed ?? 0,
  ];
}
