/**
 * What a sink is given: LogTape's record, by shape. What is made for one works with the other.
 *
 * @module
 */

import { durationText } from "./duration.ts";
import { keepError, keepValue } from "./fields.ts";
import type { LoggedError } from "./record.ts";
import { noRedactor } from "./redact.ts";

/** The levels of LogTape. */
export type SinkLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal";

/** A record as a sink gets it: LogTape's `LogRecord`. */
export interface SinkRecord {
  /** Who says so. */
  readonly category: readonly string[];
  /** How much it matters. */
  readonly level: SinkLevel;
  /** The text: at odd places, values. */
  readonly message: readonly unknown[];
  /** The text before values were put in; of Ballast's records, without the duration. */
  readonly rawMessage: string | TemplateStringsArray;
  /** When, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** The fields; of Ballast's transactions also `event`, `durationMs`, `outcome` and `error`. */
  readonly properties: Record<string, unknown>;
}

/** Takes records: LogTape's `Sink`. */
export type Sink = (record: SinkRecord) => unknown;

/** Makes a text of a record: LogTape's `TextFormatter`. It ends with a line break. */
export type Formatter = (record: SinkRecord) => string;

/** A record taken apart for a formatter. */
export interface SinkParts {
  /** The text, without the duration. */
  readonly message: string;
  /** How long it took. */
  readonly durationMs: number | undefined;
  /** Why it failed. */
  readonly error: LoggedError | undefined;
  /** What else there is. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Takes a record apart: one of Ballast's, or of anybody's who writes to LogTape. Never throws. */
export function partsOf(record: SinkRecord): SinkParts {
  const { durationMs, error, ...fields } = record.properties;
  const message = wholeMessage(record);
  const took = typeof durationMs === "number" ? durationMs : undefined;
  const suffix = took === undefined ? "" : ` (${durationText(took)})`;
  return {
    message: suffix !== "" && message.endsWith(suffix) ? message.slice(0, -suffix.length) : message,
    durationMs: took,
    error: error === undefined ? undefined : keepError(error, noRedactor),
    fields: took === undefined && durationMs !== undefined ? { durationMs, ...fields } : fields,
  };
}

function wholeMessage({ message }: SinkRecord): string {
  return message.map((part, i) => i % 2 === 0 ? String(part) : valueText(part)).join("");
}

function valueText(value: unknown): string {
  try {
    return String(keepValue(value, noRedactor));
  } catch {
    return "?";
  }
}
