/**
 * The recent records of a log and all its children.
 *
 * @module
 */

import { type Level, type LogRecord, RANK } from "./record.ts";
import { Ring } from "./ring.ts";

/** Which records to give. */
export interface RecentOptions {
  /** At most so many. @default 100 */
  readonly limit?: number;
  /** Those of this level and above. @default "debug" */
  readonly level?: Level;
  /** Those of transactions of this kind. @default all */
  readonly event?: string;
  /** Those of this category and all below it: `ballast.dns`. @default all */
  readonly category?: string;
}

/**
 * Records in memory. Warnings and errors have a ring of their own, so that no flood of successes washes them
 * away.
 */
export class Journal {
  readonly #all: Ring<LogRecord>;
  readonly #notable: Ring<LogRecord>;

  constructor(capacity: number, maxBytes: number) {
    this.#all = new Ring(capacity, maxBytes);
    this.#notable = new Ring(capacity, maxBytes);
  }

  /** Records held, counting those that are in both rings once more. */
  get length(): number {
    return this.#all.length + this.#notable.length;
  }

  /** About the memory they take. */
  get bytes(): number {
    return this.#all.bytes + this.#notable.bytes;
  }

  /** Keeps a record. */
  keep(record: LogRecord): void {
    const bytes = sizeOf(record);
    this.#all.push(record, bytes);
    if (isNotable(record.level)) this.#notable.push(record, bytes);
  }

  /** The records asked for, the newest first. */
  recent({ limit = 100, level = "debug", event, category }: RecentOptions = {}): LogRecord[] {
    const found: LogRecord[] = [];
    for (const record of (isNotable(level) ? this.#notable : this.#all).newestFirst()) {
      if (found.length >= limit) break;
      if (event !== undefined && record.event !== event) continue;
      if (category !== undefined && !isWithin(record.category.join("."), category)) continue;
      if (RANK[record.level] >= RANK[level]) found.push(record);
    }
    return found;
  }
}

function isNotable(level: Level): boolean {
  return level === "warn" || level === "error";
}

function isWithin(category: string, whole: string): boolean {
  return whole === "" || category === whole || category.startsWith(`${whole}.`);
}

/** About the bytes a record takes: what engines take for objects, and two for a character. */
function sizeOf({ message, fields, error }: LogRecord): number {
  let characters = message.length;
  let objects = 1;
  for (const name in fields) {
    const value = fields[name];
    characters += name.length + (typeof value === "string" ? value.length : 0);
    objects += 0.25;
  }
  for (let cause = error; cause !== undefined; cause = cause.cause) {
    characters += cause.name.length + cause.message.length;
    objects += 0.5;
  }
  return 160 * objects + 2 * characters;
}
