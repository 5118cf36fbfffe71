/**
 * Where records go, beside the log's own memory: LogTape, a sink, or any logger that writes lines.
 *
 * @module
 */

import { show } from "../errors.ts";
import { formatRecord, messageText } from "./format.ts";
import { type Level, LEVELS, type LogRecord } from "./record.ts";
import type { Sink } from "./sink.ts";

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

/** A record as LogTape's loggers want it. */
export interface LogTapeRecord {
  /** How much it matters. */
  readonly level: LogTapeLevel;
  /** The text, in one part, with the duration. */
  readonly message: readonly unknown[];
  /** The text without the duration. */
  readonly rawMessage: string;
  /** When, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** The fields as they were logged, without secrets. */
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

/** What takes a log's records: LogTape, a sink, or what writes lines. */
export type Logger = LineLogger | LogTapeLogger | Sink;

/** Whether a logger is LogTape's rather than one that writes lines. */
export function isLogTape(logger: Logger): logger is LogTapeLogger {
  const { emit, isEnabledFor, getChild } = logger as Partial<LogTapeLogger>;
  return [emit, isEnabledFor, getChild].every((method) => typeof method === "function");
}

/**
 * Where records go with a logger of the program's own.
 *
 * @throws {TypeError} when it is none
 */
export function targetOf(logger: LineLogger | Sink, category: readonly string[]): Target {
  return isSink(logger) ? sinkTarget(logger, category) : lineTarget(checkLines(logger));
}

/** A function is a sink, unless it has the methods of a logger: some are both. */
function isSink(logger: LineLogger | Sink): logger is Sink {
  return typeof logger === "function" && missingMethod(logger as unknown as LineLogger) !== undefined;
}

function checkLines(logger: LineLogger): LineLogger {
  const missing = missingMethod(logger);
  if (missing === undefined) return logger;
  const wanted = `a function, or have the methods ${LEVELS.join(", ")}`;
  throw new TypeError(`logger must be ${wanted}, got ${show(logger)} without ${missing}`);
}

function missingMethod(logger: LineLogger): Level | undefined {
  return LEVELS.find((level) => typeof logger?.[level] !== "function");
}

const LOGTAPE_LEVELS: Readonly<Record<Level, LogTapeLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
};

function logTapeRecord(record: LogRecord, properties: () => Record<string, unknown>): LogTapeRecord {
  return {
    level: LOGTAPE_LEVELS[record.level],
    message: [messageText(record)],
    rawMessage: record.message,
    timestamp: record.at,
    properties: properties(),
  };
}

/** Structured records for LogTape. */
export function logTapeTarget(logger: LogTapeLogger): Target {
  return {
    isEnabledFor: (level) => logger.isEnabledFor(LOGTAPE_LEVELS[level]),
    // Emitted, not logged: a brace in a text is no placeholder.
    write: (record, properties) => logger.emit(logTapeRecord(record, properties)),
    child: (component) => logTapeTarget(logger.getChild(component)),
  };
}

/** The same records for a sink alone. */
function sinkTarget(sink: Sink, category: readonly string[]): Target {
  return {
    isEnabledFor: () => true,
    write: (record, properties) => sink({ ...logTapeRecord(record, properties), category }),
    child: (component) => sinkTarget(sink, [...category, component]),
  };
}

/** Readable lines for everything else. */
function lineTarget(logger: LineLogger): Target {
  const target: Target = {
    isEnabledFor: () => true,
    write: (record) => logger[record.level](formatRecord(record)),
    child: () => target,
  };
  return target;
}
