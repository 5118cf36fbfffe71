/**
 * Records for a person at a terminal: a line each, in columns.
 *
 * @module
 */

import { checkInteger, show } from "../errors.ts";
import { durationText } from "./duration.ts";
import { keepFields } from "./fields.ts";
import { fieldText, oneLine } from "./format.ts";
import type { LoggedError } from "./record.ts";
import { noRedactor } from "./redact.ts";
import { type Formatter, partsOf, type SinkLevel, type SinkRecord } from "./sink.ts";

/** How records read. */
export interface TextFormatterOptions {
  /** Whether there are colours, as escape sequences of a terminal. @default false */
  readonly colors?: boolean;
  /** How the moment reads: of the day, with the date, or not at all. @default "time" */
  readonly time?: "time" | "datetime" | "none";
  /** Whether moments are in UTC rather than in the zone of the machine. @default false */
  readonly utc?: boolean;
  /** Characters of the column of categories; longer ones lose their beginning. @default 20 */
  readonly categoryWidth?: number;
  /** Characters a message is filled up to, so that the fields are below each other. @default 36 */
  readonly messageWidth?: number;
  /** Whether the stack of an error is shown, of ten lines at most. @default false */
  readonly stack?: boolean;
}

type Style = (text: string) => string;

const plain: Style = (text) => text;
const style = (codes: string): Style => (text) => text === "" ? "" : `\x1b[${codes}m${text}\x1b[0m`;
const dim = style("2");
const red = style("31");
const yellow = style("33");
const cyan = style("36");

const LEVEL_STYLES: Readonly<Record<SinkLevel, Style>> = {
  trace: dim,
  debug: dim,
  info: style("32"),
  warning: style("1;33"),
  error: style("1;31"),
  fatal: style("1;97;41"),
};

const LEVEL_NAMES: Readonly<Record<SinkLevel, string>> = {
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARN",
  error: "ERROR",
  fatal: "FATAL",
};

const LEVEL_WIDTH = 5;
const DURATION_WIDTH = 8;
const GAP = "  ";
/** From here on a duration is worth a look. */
const LONG_MS = 1000;
const MAX_STACK_LINES = 10;

/**
 * Makes the formatter of a terminal: moment, level, category, duration, message and fields, in columns; an
 * error's causes, each on a line below. Control characters are escaped: what was logged can neither pass for a
 * line of its own nor move the cursor.
 *
 * @example A line
 * ```ts
 * import assert from "node:assert/strict";
 * import { textFormatter } from "@ballast/runtime/log";
 *
 * const format = textFormatter({ utc: true });
 * const line = format({
 *   category: ["ballast", "dns"],
 *   level: "warning",
 *   message: ["dns.query failed: no answer"],
 *   rawMessage: "dns.query failed: no answer",
 *   timestamp: 0,
 *   properties: { name: "db.internal", durationMs: 200 },
 * });
 * const wanted = "00:00:00.000  WARN   ballast.dns             200 ms  dns.query failed: no answer           name=db.internal\n";
 * assert.equal(line, wanted);
 * ```
 * @throws {TypeError | RangeError} when an option is not of its kind
 */
export function textFormatter(options: TextFormatterOptions = {}): Formatter {
  const { colors = false, time = "time", utc = false, stack = false } = options;
  const categoryWidth = checkInteger("categoryWidth", options.categoryWidth ?? 20, { min: 1, max: 500 });
  const messageWidth = checkInteger("messageWidth", options.messageWidth ?? 36, { max: 500 });
  if (!["time", "datetime", "none"].includes(time)) {
    throw new TypeError(`time must be "time", "datetime" or "none", got ${show(time)}`);
  }
  const paint = (style: Style): Style => colors ? style : plain;

  function head({ level, category, timestamp }: SinkRecord, durationMs: number | undefined): string[] {
    const took = durationMs === undefined ? "" : durationText(durationMs);
    const tookStyle = durationMs !== undefined && durationMs >= LONG_MS ? yellow : dim;
    return [
      ...time === "none" ? [] : [paint(dim)(momentText(timestamp, time === "datetime", utc))],
      paint(LEVEL_STYLES[level] ?? plain)((LEVEL_NAMES[level] ?? String(level)).padEnd(LEVEL_WIDTH)),
      paint(cyan)(cutLeft(oneLine(category.join(".")), categoryWidth).padEnd(categoryWidth)),
      paint(tookStyle)(took.padStart(DURATION_WIDTH)),
    ];
  }

  function fieldsText(fields: Readonly<Record<string, unknown>>): string {
    const { event: _event, spanId: _spanId, ...shown } = keepFields(noRedactor, fields);
    return Object.entries(shown).map(([name, value]) =>
      `${paint(dim)(`${oneLine(name)}=`)}${paint(name === "traceId" ? dim : plain)(fieldText(value))}`
    ).join(" ");
  }

  const indent = " ".repeat(
    (time === "none" ? 0 : momentText(0, time === "datetime", utc).length + GAP.length) +
      LEVEL_WIDTH + categoryWidth + DURATION_WIDTH + 3 * GAP.length,
  );

  return (record) => {
    const { message, durationMs, error, fields } = partsOf(record);
    const notable = record.level === "error" || record.level === "fatal";
    const { outcome, ...others } = fields;
    // The outcome is in the message, unless it says more.
    const rest = outcome === "success" || outcome === "failure" || outcome === undefined ? others : fields;
    const told = fieldsText(rest);
    const text = oneLine(message);
    const line = [
      ...head(record, durationMs),
      paint(notable ? style("1") : plain)(told === "" ? text : text.padEnd(messageWidth)),
      ...told === "" ? [] : [told],
    ].join(GAP);
    const causes = causeLines(error, message).map((cause) => `\n${indent}${paint(red)(cause)}`);
    const trail = stack
      ? stackLines(record.properties.error).map((call) => `\n${indent}${paint(dim)(call)}`)
      : [];
    return `${line}${causes.join("")}${trail.join("")}\n`;
  };
}

/** An error and what it came from. The first is left out when the message has told all of it. */
function causeLines(error: LoggedError | undefined, message: string): string[] {
  const lines: string[] = [];
  let depth = 0;
  for (let link = error; link !== undefined; link = link.cause) {
    const { name, code } = link;
    const told = depth === 0 && message.includes(link.message);
    if (told && code === undefined && (name === "Error" || link.cause === undefined)) {
      depth++;
      continue;
    }
    const label = code === undefined || code === name ? name : `${name} ${code}`;
    const text = told ? label : `${label}: ${link.message}`;
    lines.push(oneLine(`${GAP.repeat(lines.length)}╰ ${depth++ === 0 ? "" : "caused by "}${text}`));
  }
  return lines;
}

function stackLines(error: unknown): string[] {
  const stack = error instanceof Error && typeof error.stack === "string" ? error.stack : "";
  return stack.split("\n").filter((line) => /^\s+at /.test(line)).slice(0, MAX_STACK_LINES).map((line) =>
    oneLine(`  ${line.trim()}`)
  );
}

/** The last characters of a text. */
function cutLeft(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

function momentText(at: number, withDate: boolean, utc: boolean): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "--:--:--.---";
  // Shifted by the zone, so that one text has both.
  const shown = utc ? date : new Date(at - date.getTimezoneOffset() * 60_000);
  const iso = shown.toISOString();
  return withDate ? iso.slice(0, 23).replace("T", " ") : iso.slice(11, 23);
}
