/**
 * Where records go, beside the log's own memory: LogTape, or any logger that writes lines.
 *
 * @module
 */

import { formatRecord, messageText } from "./format.ts";
import type { Level, LogRecord } from "./record.ts";

/** A logger that writes lines: that of `@std/log`, the console, and most others. */
export interface LineLogger {
  /** Writes a line for those who look for a fault. */
  debug(message: string): unknown;
  /** Writes a line on the course of things. */
  info(message: string): unknown;
  /** Writes a line on something that may become a fault. */
  warn(message: string): unknown;
  /** Writes a line on a fault. */
  error(message: string): unknown;
}

/** The parts of LogTape's `Logger` that are used. */
export interface LogTapeLogger {
  /** Where its records are filed. */
  readonly category: readonly string[];
  /** The logger of a category below. */
  getChild(component: string): LogTapeLogger;
  /** Whether anybody listens. */
  isEnabledFor(level: LogTapeLevel): boolean;
  /** Takes a record whose message is not a template. */
  emit(record: LogTapeRecord): void;
}

/** LogTape's names of our levels. */
export type LogTapeLevel = "debug" | "info" | "warning" | "error";

/** A record as LogTape wants it. */
export interface LogTapeRecord {
  /** How much it matters. */
  readonly level: LogTapeLevel;
  /** The text, in one part. */
  readonly message: readonly unknown[];
  /** The text. */
  readonly rawMessage: string;
  /** When, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** The fields as they were logged. */
  readonly properties: Record<string, unknown>;
}

/** Takes records for one category. */
export interface Target {
  /** Whether anybody listens: where not, the work is saved. */
  isEnabledFor(level: Level): boolean;
  /**
   * Hands a record on; `properties` are the fields as they were logged, and what else there is to say. May
   * throw.
   */
  write(record: LogRecord, properties: () => Record<string, unknown>): unknown;
  /** Where the records of a component go. */
  child(component: string): Target;
}

/** Whether a logger is LogTape's rather than one that writes lines. */
export function isLogTape(logger: LineLogger | LogTapeLogger): logger is LogTapeLogger {
  const { emit, isEnabledFor, getChild } = logger as Partial<LogTapeLogger>;
  return [emit, isEnabledFor, getChild].every((method) => typeof method === "function");
}

const LOGTAPE_LEVELS: Readonly<Record<Level, LogTapeLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
};

/** Structured records for LogTape. */
export function logTapeTarget(logger: LogTapeLogger): Target {
  return {
    isEnabledFor: (level) => logger.isEnabledFor(LOGTAPE_LEVELS[level]),
    write(record, properties) {
      // Emitted, not logged: a brace in a text is no placeholder.
      const text = messageText(record);
      logger.emit({
        level: LOGTAPE_LEVELS[record.level],
        message: [text],
        rawMessage: text,
        timestamp: record.at,
        properties: properties(),
      });
    },
    child: (component) => logTapeTarget(logger.getChild(component)),
  };
}

/** Readable lines for everything else. */
export function lineTarget(logger: LineLogger): Target {
  const target: Target = {
    isEnabledFor: () => true,
    write: (record) => logger[record.level](formatRecord(record)),
    child: () => target,
  };
  return target;
}
