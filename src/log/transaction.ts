/**
 * Transactions: things that take time and end well or badly. Each gives one record and one timing, from one
 * call.
 *
 * @module
 */

import type { Stats } from "../stats/mod.ts";
import type { Category, Event } from "./categories.ts";
import type { Core } from "./core.ts";
import type { Fields, Level, Outcome } from "./record.ts";

/** How a transaction is recorded. */
export interface TransactionOptions {
  /**
   * Fields that become labels of the statistic: few, and of few values. The label `outcome` is always there:
   * "success" or "failure", unless a field of that name says more.
   *
   * @default none
   */
  readonly labels?: readonly string[];
  /** The level of a success. @default "debug" */
  readonly success?: Level;
  /** The level of a failure. @default "warn" */
  readonly failure?: Level;
  /** Where the duration is counted. @default the log's */
  readonly stats?: Stats;
}

/** Something under way. Only its first end counts. Its methods need their object: `() => transaction.success()`. */
export interface Transaction {
  /** How long it has been going on, or took. */
  readonly elapsedMs: number;
  /** It went well. */
  success(fields?: Fields): void;
  /** It failed, with `error`: anything that may be thrown. */
  failure(error: unknown, fields?: Fields): void;
}

/**
 * A transaction that was begun. A class, and one object each: it is made for every phase of every connection, and
 * closures would cost several times that.
 */
export class OpenTransaction implements Transaction {
  readonly #core: Core;
  readonly #category: Category;
  readonly #event: Event;
  readonly #fields: Fields | undefined;
  readonly #options: TransactionOptions;
  readonly #startedAt: number;
  #durationMs = -1;

  constructor(
    core: Core,
    category: Category,
    event: Event,
    fields: Fields | undefined,
    options: TransactionOptions,
  ) {
    this.#core = core;
    this.#category = category;
    this.#event = event;
    this.#fields = fields;
    this.#options = options;
    this.#startedAt = core.clock.monotonic();
  }

  get elapsedMs(): number {
    return this.#durationMs >= 0 ? this.#durationMs : this.#core.clock.monotonic() - this.#startedAt;
  }

  success(more?: Fields): void {
    if (this.#end("success", more)) this.#keep(this.#options.success ?? "debug", "success", undefined, more);
  }

  failure(error: unknown, more?: Fields): void {
    if (this.#end("failure", more)) this.#keep(this.#options.failure ?? "warn", "failure", { error }, more);
  }

  /** Times the first end; the statistic depends on no level. */
  #end(outcome: Outcome, more: Fields | undefined): boolean {
    if (this.#durationMs >= 0) return false;
    const durationMs = this.#durationMs = this.#core.clock.monotonic() - this.#startedAt;
    const { labels, stats } = this.#options;
    try {
      const timings = stats === undefined ? this.#event.timings : this.#event.timingsIn(stats);
      timings?.add(durationMs, labels, outcome, this.#fields, more);
    } catch {
      this.#core.statsErrors++;
    }
    return true;
  }

  #keep(
    level: Level,
    outcome: Outcome,
    failure: { readonly error: unknown } | undefined,
    more?: Fields,
  ): void {
    const category = this.#category;
    if (!category.lets(level)) return;
    const kind = this.#event.kind(level, failure === undefined ? "" : codeOf(failure.error));
    if (!this.#core.admits(category, level, kind)) return;
    this.#core.keepTransaction({
      category,
      level,
      event: this.#event.name,
      durationMs: this.#durationMs,
      outcome,
      failure,
      fields: this.#fields,
      more,
    });
  }
}

/** What tells errors apart: the code, or else the class. */
export function codeOf(error: unknown): string {
  try {
    const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
    const told = code ?? name;
    return typeof told === "string" || typeof told === "number" ? String(told).slice(0, 80) : typeof error;
  } catch {
    return "error";
  }
}
