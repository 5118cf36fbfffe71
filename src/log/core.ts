/**
 * What a log and all its children are: one way for every record, from the level to the logger.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { createEvents, type Events, type EventSource } from "../events.ts";
import { Categories, type Category } from "./categories.ts";
import { durationText } from "./duration.ts";
import { cleanError, handOnFields, keepError, keepFields, keepText } from "./fields.ts";
import type { Stats } from "../stats/mod.ts";
import type { Journal } from "./journal.ts";
import type { Levels } from "./levels.ts";
import type { Outlet } from "./outlet.ts";
import type { Fields, Level, LogRecord, Outcome } from "./record.ts";
import type { Redactor } from "./redact.ts";
import type { Kind, Sampler } from "./sampler.ts";

/** What a log tells its listeners. */
export type LogEvent = {
  /** A record was kept: it is plain JSON, without secrets, and may be sent anywhere. */
  readonly type: "record";
  /** That record. */
  readonly record: LogRecord;
};

/** The parts a log is made of. */
export interface CoreParts {
  readonly clock: Clock;
  readonly stats: Stats | undefined;
  readonly journal: Journal;
  readonly levels: Levels;
  readonly redactor: Redactor;
  readonly sampler: Sampler;
  readonly outlet: Outlet;
  readonly ambient: (() => Fields | undefined) | undefined;
}

/** A transaction at its end. */
export interface Ended {
  readonly category: Category;
  readonly level: Level;
  readonly event: string;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly failure: { readonly error: unknown } | undefined;
  readonly fields: Fields | undefined;
  readonly more: Fields | undefined;
}

/** What is shared by all categories of a log. */
export class Core {
  /** Records let through so far, by level: those that were suppressed, too. */
  readonly totals: Record<Level, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  /** Times a transaction's statistic could not be kept. */
  statsErrors = 0;
  /** Times the ambient fields could not be had. */
  ambientErrors = 0;
  /** Records from elsewhere that were refused. */
  refused = 0;
  readonly clock: Clock;
  readonly parts: CoreParts;
  readonly categories: Categories;
  #events: EventSource<LogEvent> | undefined;

  constructor(parts: CoreParts) {
    this.parts = parts;
    this.clock = parts.clock;
    const { levels, stats, redactor } = parts;
    this.categories = new Categories({
      levels,
      stats,
      redactor,
      summarise: (...of) => this.#summarise(...of),
    });
  }

  /** What is told to listeners: nothing is spent on it until there may be one. */
  get events(): Events<LogEvent> {
    return this.#events ??= createEvents<LogEvent>();
  }

  /** Counts a record of a level that is let through, and says whether it is kept. */
  admits(category: Category, level: Level, kind: Kind | undefined): boolean {
    this.totals[level]++;
    category.totals[level]++;
    if (kind === undefined || this.parts.sampler.passes(kind)) return true;
    category.suppressed++;
    return false;
  }

  /** Records something. */
  write(category: Category, level: Level, message: string, fields: Fields | undefined): void {
    if (!category.lets(level)) return;
    const text = typeof message === "string" ? message : keepText(message, this.parts.redactor);
    if (!this.admits(category, level, category.kind(level, text))) return;
    const { redactor } = this.parts;
    const ambient = this.#ambient();
    const record: LogRecord = {
      at: this.clock.now(),
      level,
      category: category.path,
      message: keepText(text, redactor),
      fields: keepFields(redactor, ambient, fields),
    };
    this.deliver(category, record, () => handOnFields(redactor, ambient, fields));
  }

  /** Records the end of a transaction. */
  keepTransaction({ category, level, event, durationMs, outcome, failure, fields, more }: Ended): void {
    const { redactor } = this.parts;
    const error = failure && keepError(failure.error, redactor);
    const ambient = this.#ambient();
    const record: LogRecord = {
      at: this.clock.now(),
      level,
      category: category.path,
      message: error ? `${event} failed: ${error.message}` : `${event} succeeded`,
      fields: keepFields(redactor, ambient, fields, more),
      event,
      durationMs,
      outcome,
      ...(error && { error }),
    };
    this.deliver(category, record, () => ({
      event,
      durationMs,
      outcome,
      ...(failure && { error: cleanError(failure.error, redactor) }),
      ...handOnFields(redactor, ambient, fields, more),
    }));
  }

  /** Keeps a record, tells the listeners, and hands it on. */
  deliver(category: Category, record: LogRecord, properties: () => Record<string, unknown>): void {
    const { journal, outlet } = this.parts;
    journal.keep(record);
    this.#events?.emit({ type: "record", record });
    outlet.handOn(category.target, record, properties);
  }

  /** Tells what was suppressed, and waits for the logger; the listeners hear no more. */
  async close(withinMs: number): Promise<void> {
    this.parts.sampler.flush();
    await new Promise<void>((resolve) => {
      const timer = this.clock.schedule(withinMs, resolve, { keepAlive: true });
      void this.parts.outlet.idle().then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#events?.close();
  }

  #ambient(): Fields | undefined {
    if (this.parts.ambient === undefined) return undefined;
    try {
      return this.parts.ambient();
    } catch {
      this.ambientErrors++;
      return undefined;
    }
  }

  #summarise(category: Category, level: Level, what: string, suppressed: number, windowMs: number): void {
    const message = `${keepText(what, this.parts.redactor)}, and ${suppressed} more like it within ${
      durationText(windowMs)
    }`;
    const fields = { suppressed };
    const record: LogRecord = {
      at: this.clock.now(),
      level,
      category: category.path,
      message,
      fields,
      suppressed,
    };
    this.deliver(category, record, () => ({ ...fields }));
  }
}
