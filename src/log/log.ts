/**
 * The log: structured records for LogTape or another logger, the recent ones in memory, and timed
 * transactions.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, show } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Report } from "../report.ts";
import type { Stats } from "../stats/mod.ts";
import { categoryLog, checkComponent } from "./category_log.ts";
import { Core, type LogEvent } from "./core.ts";
import { Journal, type RecentOptions } from "./journal.ts";
import { type CategoryName, Levels } from "./levels.ts";
import type { LogSnapshot } from "./log_snapshot.ts";
import { Outlet } from "./outlet.ts";
import type { Fields, Level, LogRecord, Threshold } from "./record.ts";
import { createRedactor, noRedactor, type RedactOptions } from "./redact.ts";
import { Sampler, type SamplingOptions } from "./sampler.ts";
import type { Sink } from "./sink.ts";
import { isLogTape, type LineLogger, type Logger, logTapeTarget, targetOf } from "./target.ts";
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
  /** Memory they may take, about, and those of level "warn" and above as much again. @default 1_048_576 */
  readonly maxBytes?: number;
  /**
   * Levels by category, for all below it too: `{ "ballast.dns": "info" }`; "" is all. What is below its level is
   * neither kept, counted nor handed on; transactions are timed all the same.
   *
   * @default everything is let through
   */
  readonly levels?: Readonly<Record<string, Threshold>>;
  /** What is taken for a secret, and never kept, handed on or made a label; false takes nothing for one. @default {} */
  readonly redact?: RedactOptions | false;
  /**
   * Records that repeat: of those of one category, level and event (or text but for its numbers), the first few
   * in each window are kept, and one record says how many more there were. False keeps all.
   *
   * @default { windowMs: 10_000, first: 100 }
   */
  readonly sampling?: SamplingOptions | false;
  /** Asked for each record that is kept: fields of the flow that it is made in, such as its `traceId`. @default none */
  readonly ambient?: () => Fields | undefined;
  /**
   * Takes the records: a LogTape logger; a sink such as `consoleSink()`, or one made for LogTape; or anything with
   * `debug`, `info`, `warn` and `error` (that of `@std/log`, the console), which gets readable lines.
   *
   * @default LogTape's logger of the category, which is silent until the program configures LogTape
   */
  readonly logger?: Logger;
}

/** A log of one category. Logging never throws, whatever is logged and whatever becomes of it. */
export interface Log extends AsyncDisposable {
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
  /**
   * Sets the level of a category and all below it, of this log or another of its kin; undefined takes it back, and
   * the level of the category above holds again.
   *
   * @example Look closer for a while
   * ```ts
   * import assert from "node:assert/strict";
   * import { createLog } from "@ballast/runtime/log";
   *
   * const log = createLog({ levels: { ballast: "warn" } });
   * const dns = log.child("dns");
   * log.setLevel("ballast.dns", "debug");
   * dns.debug("kept");
   * log.setLevel("ballast.dns", undefined);
   * dns.debug("not kept");
   * assert.deepEqual(log.recent().map(({ message }) => message), ["kept"]);
   * ```
   * @throws {TypeError} when the category or the level is none
   * @throws {RangeError} when 256 categories have a level already
   */
  setLevel(category: CategoryName, level: Threshold | undefined): void;
  /** Whether records of a level are let through: where making the fields is dear. */
  isEnabled(level: Level): boolean;
  /**
   * Takes in a record that was made in another thread or process, from the events of the log there, and says whether it was
   * one. It is held to its shape, bounded and cleared of secrets; levels, sampling and totals count here. Timings are not
   * taken from it: statistics are merged by themselves. A category outside of this log's is put below it. Never throws.
   *
   * @example From a worker's log to the main one
   * ```ts
   * import assert from "node:assert/strict";
   * import { createLog } from "@ballast/runtime/log";
   *
   * const main = createLog();
   * const worker = createLog().child("worker");
   * worker.events.subscribe(({ record }) => main.ingest(structuredClone(record), { worker: 3 }));
   * worker.info("task done", { task: "parse" });
   * assert.deepEqual(main.recent()[0]?.fields, { task: "parse", worker: 3 });
   * ```
   */
  ingest(record: unknown, fields?: Fields): boolean;
  /** Every record that is kept, of this log and all its kin, as plain JSON. */
  readonly events: Events<LogEvent>;
  /** Recent records of this log and all that share its memory, the newest first. */
  recent(options?: RecentOptions): readonly LogRecord[];
  /** The recent records as tables, levels and counts by category, and findings about the logging itself. */
  report(): Report;
  /**
   * Carries out the report's action: "set-level" with a `category` and a `level`, "" to take it back.
   *
   * @throws {BallastError} `UNKNOWN_ACTION` for any other
   */
  act(id: string, args: Readonly<Record<string, string>>): unknown;
  /** Counts and recent records, as plain JSON. */
  snapshot(): LogSnapshot;
  /**
   * Tells what sampling has held back, and waits for records under way, for five seconds at most. No timer is left.
   * What is logged later is kept and handed on as before.
   */
  close(): Promise<void>;
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
 * @throws {TypeError} when the category is no list of texts, the logger is none, or an option is not of its kind
 * @throws {RangeError} when a number is out of bounds
 */
export function createLog(options: LogOptions = {}): Log {
  const { clock = systemClock, stats, logger, redact = {}, ambient } = options;
  const levels = new Levels();
  for (const [category, level] of Object.entries(options.levels ?? {})) levels.set(category, level);
  const capacity = checkInteger("capacity", options.capacity ?? 1024, { min: 1 });
  const maxBytes = checkInteger("maxBytes", options.maxBytes ?? 2 ** 20, { min: 1 });
  if (ambient !== undefined && typeof ambient !== "function") {
    throw new TypeError(`ambient must be a function, got ${show(ambient)}`);
  }
  const core = new Core({
    clock,
    stats,
    levels,
    ambient,
    journal: new Journal(capacity, maxBytes),
    redactor: redact === false ? noRedactor : createRedactor(redact),
    sampler: new Sampler(clock, options.sampling ?? {}),
    outlet: new Outlet(clock),
  });
  const logTape = logger !== undefined && isLogTape(logger) ? logger : undefined;
  const category = checkCategory(options.category ?? logTape?.category ?? ["ballast"]);
  const target = logger === undefined || logTape !== undefined
    ? logTapeTarget(logTape ?? getLogger(category))
    : targetOf(logger as LineLogger | Sink, category);
  const root = core.categories.get(category, () => target);
  return categoryLog(core, root, root);
}

function checkCategory(category: readonly string[]): readonly string[] {
  if (!Array.isArray(category) || category.length === 0) {
    throw new TypeError(`category must be a list of at least one text, got ${show(category)}`);
  }
  return Object.freeze(category.map(checkComponent));
}
