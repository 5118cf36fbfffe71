/**
 * The log's report: its recent records as tables, and what is wrong with the logging itself.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable, Tone } from "../report.ts";
import { messageText } from "./format.ts";
import type { Journal } from "./journal.ts";
import { type Level, LEVELS, type LogRecord } from "./record.ts";

const MAX_ROWS = 100;

const TONES: Readonly<Record<Level, Tone>> = {
  debug: "neutral",
  info: "neutral",
  warn: "warning",
  error: "bad",
};

/** What a log says of itself. */
export function logReport(journal: Journal): Report {
  const { totals, loggerErrors, statsErrors } = journal;
  return {
    id: "log",
    title: "Log",
    summary: LEVELS.map((level) => `${totals[level]} ${level}`).join(", "),
    tables: [
      table("warnings", "Recent warnings and errors", journal.recent({ level: "warn", limit: MAX_ROWS })),
      table("records", "Recent records", journal.recent({ limit: MAX_ROWS })),
    ],
    findings: [
      ...loggerErrors > 0 ? [throwingLogger(loggerErrors)] : [],
      ...statsErrors > 0 ? [untimedTransactions(statsErrors)] : [],
    ],
  };
}

function table(id: string, title: string, records: readonly LogRecord[]): ReportTable {
  return {
    id,
    title,
    columns: ["When", "Level", "Category", "Message", "Took", "Fields"],
    rows: records.map(row),
    empty: "Nothing has been logged yet.",
  };
}

function row(record: LogRecord): Cell[] {
  const { at, level, category, durationMs, fields } = record;
  return [
    { kind: "time", at },
    { kind: "state", state: level, tone: TONES[level] },
    category.join("."),
    messageText({ ...record, durationMs: undefined }),
    durationMs === undefined ? null : { kind: "duration", ms: durationMs },
    { kind: "list", items: Object.entries(fields).map(([name, value]) => `${name}: ${value}`) },
  ];
}

function throwingLogger(times: number): Finding {
  return {
    id: "logger-throws",
    severity: "warning",
    title: "The logger throws",
    evidence: `${times} records could not be handed on; they are in memory alone.`,
    likelyCause: "The logger that was given to the log, or one of its handlers, fails.",
    remedy: "Write to that logger directly to see its error.",
  };
}

function untimedTransactions(times: number): Finding {
  return {
    id: "transactions-not-timed",
    severity: "warning",
    title: "Some transactions are not timed",
    evidence: `${times} durations could not be counted.`,
    likelyCause:
      "An event has the name of a metric of another kind, or a field that cannot be a label is named as one.",
    remedy: "Give the event a name of its own, and labels names of letters, digits and underscores.",
  };
}
