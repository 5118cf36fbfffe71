/**
 * The log: structured records for LogTape or another logger, the recent ones in memory, and timed
 * transactions.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, show } from "../errors.ts";
import type { Report } from "../report.ts";
import type { Stats } from "../stats/mod.ts";
import { categoryLog, checkComponent } from "./category_log.ts";
import { Journal, type RecentOptions } from "./journal.ts";
import { type Fields, type Level, LEVELS, type LogRecord } from "./record.ts";
import { isLogTape, type LineLogger, lineTarget, type LogTapeLogger, logTapeTarget } from "./target.ts";
import type { Transaction, TransactionOptions } from "./transaction.ts";

/** How a log is made. */
export interface LogOptions {
  /** Where its records are filed. @default ["ballast"], or the category of a LogTape logger given */
  readonly category?: readonly string[];
  /** Where transactions are timed. @default nowhere */
  readonly stats?: Stats;
  /** Where records take their moment and duration from. @default the machine's clock */
  readonly clock?: Clock;
  /** Records kept in memory; and as many again of level "warn" and above. @default 1024 */
  readonly capacity?: number;
  /**
   * Takes the records: a LogTape logger, or anything with `debug`, `info`, `warn` and `error` (that of
   * `@std/log`, the console), which gets readable lines.
   *
   * @default LogTape's logger of the category, which is silent until the program configures LogTape
   */
  readonly logger?: LineLogger | LogTapeLogger;
}

/** A log at one moment: plain JSON. */
export interface LogSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** Records so far, by level. */
  readonly totals: Readonly<Record<Level, number>>;
  /** Times the logger threw: those records are in memory alone. */
  readonly loggerErrors: number;
  /** Times a transaction could not be timed, its event being the name of some other metric. */
  readonly statsErrors: number;
  /** The last 100 records, the newest first. */
  readonly recent: readonly LogRecord[];
}

/** A log of one category. Logging never throws, whatever is logged and whatever becomes of it. */
export interface Log {
  /** Where its records are filed. */
  readonly category: readonly string[];
  /** Records something for those who look for a fault. */
  debug(message: string, fields?: Fields): void;
  /** Records something on the course of things. */
  info(message: string, fields?: Fields): void;
  /** Records something that may become a fault. */
  warn(message: string, fields?: Fields): void;
  /** Records a fault. */
  error(message: string, fields?: Fields): void;
  /**
   * The log of a component: its category is one longer; memory and logger are shared.
   *
   * @throws {TypeError} when `component` is no text
   */
  child(component: string): Log;
  /**
   * Starts the clock on something that will end well or badly. `event` names its kind, and the distribution
   * of its durations; what varies goes into `fields`.
   *
   * @example Time a query
   * ```ts
   * import assert from "node:assert/strict";
   * import { createLog } from "@ballast/runtime/log";
   * import { createStats } from "@ballast/runtime/stats";
   *
   * const stats = createStats();
   * const log = createLog({ stats });
   * const query = log.begin("db.query", { table: "orders", limit: 50 }, { labels: ["table"] });
   * query.success({ rows: 12 });
   * assert.deepEqual(log.recent()[0]?.fields, { table: "orders", limit: 50, rows: 12 });
   * const labels = { table: "orders", outcome: "success" };
   * assert.equal(stats.distribution("db.query", { labels }).count, 1);
   * ```
   * @throws {TypeError} when `event` cannot be the name of a metric
   */
  begin(event: string, fields?: Fields, options?: TransactionOptions): Transaction;
  /** Recent records of this log and all that share its memory, the newest first. */
  recent(options?: RecentOptions): readonly LogRecord[];
  /** The recent records as a table, and findings about the logging itself. */
  report(): Report;
  /** Counts and recent records, as plain JSON. */
  snapshot(): LogSnapshot;
}

/**
 * Makes a log. LogTape is never configured here: that is the program's to do, once.
 *
 * @example Read back what was logged
 * ```ts
 * import assert from "node:assert/strict";
 * import { createLog } from "@ballast/runtime/log";
 *
 * const log = createLog().child("mail");
 * log.warn("the queue is long", { waiting: 2_000 });
 * const [record] = log.recent({ level: "warn" });
 * assert.deepEqual(record?.category, ["ballast", "mail"]);
 * assert.equal(record?.fields.waiting, 2_000);
 * ```
 * @throws {TypeError} when the category is no list of texts, or the logger is none
 * @throws {RangeError} when `capacity` is not a whole number >= 1
 */
export function createLog(options: LogOptions = {}): Log {
  const { clock = systemClock, stats, logger } = options;
  const journal = new Journal(checkInteger("capacity", options.capacity ?? 1024, { min: 1 }));
  const logTape = logger === undefined || isLogTape(logger) ? logger : undefined;
  const category = checkCategory(options.category ?? logTape?.category ?? ["ballast"]);
  const target = logger !== undefined && logTape === undefined
    ? lineTarget(checkLogger(logger as LineLogger))
    : logTapeTarget(logTape ?? getLogger(category));
  return categoryLog({ journal, clock, stats }, category, target);
}

function checkCategory(category: readonly string[]): readonly string[] {
  if (!Array.isArray(category) || category.length === 0) {
    throw new TypeError(`category must be a list of at least one text, got ${show(category)}`);
  }
  return Object.freeze(category.map(checkComponent));
}

function checkLogger(logger: LineLogger): LineLogger {
  const missing = LEVELS.find((level) => typeof logger?.[level] !== "function");
  if (missing === undefined) return logger;
  throw new TypeError(
    `logger must have the methods ${LEVELS.join(", ")}, got ${show(logger)} without ${missing}`,
  );
}
