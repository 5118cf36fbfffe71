/**
 * The recent records of a log and all its children, and how many there were.
 *
 * @module
 */

import { type Level, LEVELS, type LogRecord } from "./record.ts";
import { Ring } from "./ring.ts";

/** Which records to give. */
export interface RecentOptions {
  /** At most so many. @default 100 */
  readonly limit?: number;
  /** Those of this level and above. @default "debug" */
  readonly level?: Level;
  /** Those of transactions of this kind. @default all */
  readonly event?: string;
}

/**
 * Records in memory. Warnings and errors have a ring of their own, so that no flood of successes washes them
 * away.
 */
export class Journal {
  /** Records so far, by level. */
  readonly totals: Record<Level, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  /** Times a logger threw. */
  loggerErrors = 0;
  /** Times a transaction's statistic could not be kept. */
  statsErrors = 0;
  #handingOn = false;
  readonly #all: Ring<LogRecord>;
  readonly #notable: Ring<LogRecord>;

  constructor(capacity: number) {
    this.#all = new Ring(capacity);
    this.#notable = new Ring(capacity);
  }

  /** Keeps a record. */
  keep(record: LogRecord): void {
    this.totals[record.level]++;
    this.#all.push(record);
    if (isNotable(record.level)) this.#notable.push(record);
  }

  /** Has a record written by a logger. Whatever becomes of that, the caller is none the worse. */
  handOn(write: () => unknown): void {
    // What a logger logs here in turn is kept, and not handed on: it would never end.
    if (this.#handingOn) return;
    this.#handingOn = true;
    try {
      const written = write();
      // A rejection that nobody handles would end the process.
      if (written instanceof Promise) written.catch(() => this.loggerErrors++);
    } catch {
      this.loggerErrors++;
    } finally {
      this.#handingOn = false;
    }
  }

  /** The records asked for, the newest first. */
  recent({ limit = 100, level = "debug", event }: RecentOptions = {}): LogRecord[] {
    const found: LogRecord[] = [];
    for (const record of (isNotable(level) ? this.#notable : this.#all).newestFirst()) {
      if (found.length >= limit) break;
      if (event !== undefined && record.event !== event) continue;
      if (LEVELS.indexOf(record.level) >= LEVELS.indexOf(level)) found.push(record);
    }
    return found;
  }
}

function isNotable(level: Level): boolean {
  return level === "warn" || level === "error";
}
