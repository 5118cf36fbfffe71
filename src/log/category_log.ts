/**
 * The log of one category, on what it shares with all its kin.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { show } from "../errors.ts";
import type { Stats } from "../stats/mod.ts";
import { checkName } from "../stats/names.ts";
import { keepError, keepFields, keepText } from "./fields.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import { logReport } from "./log_report.ts";
import type { Fields, Level, LogRecord, Outcome } from "./record.ts";
import type { Target } from "./target.ts";
import { timingLabels, type Transaction, type TransactionOptions } from "./transaction.ts";

/** What a log and its children share. */
export interface Shared {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly stats: Stats | undefined;
}

/** Makes the log of a category. */
export function categoryLog(shared: Shared, category: readonly string[], target: Target): Log {
  const { journal, clock, stats } = shared;

  function deliver(record: LogRecord, properties: () => Record<string, unknown>): void {
    journal.keep(record);
    journal.handOn(() => target.isEnabledFor(record.level) ? target.write(record, properties) : undefined);
  }

  function write(level: Level, message: string, fields: Fields | undefined): void {
    const record = {
      at: clock.now(),
      level,
      category,
      message: keepText(message),
      fields: keepFields(fields),
    };
    deliver(record, () => ({ ...fields }));
  }

  function begin(event: string, fields?: Fields, options: TransactionOptions = {}): Transaction {
    checkName(event, "an event");
    const startedAt = clock.monotonic();
    let durationMs: number | undefined;

    function end(outcome: Outcome, more: Fields | undefined, failure?: { readonly error: unknown }): void {
      if (durationMs !== undefined) return;
      durationMs = clock.monotonic() - startedAt;
      const error = failure && keepError(failure.error);
      const record: LogRecord = {
        at: clock.now(),
        level: failure ? options.failure ?? "warn" : options.success ?? "debug",
        category,
        message: error ? `${event} failed: ${error.message}` : `${event} succeeded`,
        fields: keepFields(fields, more),
        event,
        durationMs,
        outcome,
        ...(error && { error }),
      };
      count(record, durationMs, options);
      deliver(record, () => ({ event, durationMs, outcome, ...failure, ...fields, ...more }));
    }

    return {
      get elapsedMs() {
        return durationMs ?? clock.monotonic() - startedAt;
      },
      success: (more) => end("success", more),
      failure: (error, more) => end("failure", more, { error }),
    };
  }

  function count(record: LogRecord, durationMs: number, options: TransactionOptions): void {
    const registry = options.stats ?? stats;
    try {
      const labels = timingLabels(options.labels, record);
      registry?.distribution(record.event!, { unit: "ms", labels }).add(durationMs);
    } catch {
      journal.statsErrors++;
    }
  }

  return {
    category,
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    child(component) {
      const extended = Object.freeze([...category, checkComponent(component)]);
      return categoryLog(shared, extended, target.child(component));
    },
    begin,
    recent: (options) => journal.recent(options),
    report: () => logReport(journal),
    snapshot() {
      const { totals, loggerErrors, statsErrors } = journal;
      return { at: clock.now(), totals: { ...totals }, loggerErrors, statsErrors, recent: journal.recent() };
    },
  };
}

/**
 * Returns `component` when it can be a part of a category.
 *
 * @throws {TypeError} when it is no text, or an empty one
 */
export function checkComponent(component: unknown): string {
  if (typeof component === "string" && component !== "") return component;
  throw new TypeError(
    `a part of a category must be a text of at least one character, got ${show(component)}`,
  );
}
