/**
 * What is known of each category: its level, its counts, and the kinds of its records.
 *
 * @module
 */

import type { Stats } from "../stats/mod.ts";
import { checkName } from "../stats/names.ts";
import type { LevelRule, Levels } from "./levels.ts";
import { MAX_CATEGORIES } from "./limits.ts";
import { type Level, RANK } from "./record.ts";
import type { Redactor } from "./redact.ts";
import { Kind } from "./sampler.ts";
import type { Target } from "./target.ts";
import { Timings } from "./timings.ts";

/** Events of a category, and kinds of its other records, that are remembered. */
const MAX_KINDS = 256;
/** Errors of an event that are told apart. */
const MAX_FAILURES = 32;
const MAX_TEMPLATE = 200;

/** Says that records were suppressed. */
export type Summarise = (
  category: Category,
  level: Level,
  what: string,
  suppressed: number,
  windowMs: number,
) => void;

/** A kind of transaction in a category. */
export class Event {
  /** Where its timings go, in the log's registry. */
  readonly timings: Timings | undefined;
  readonly name: string;
  readonly #category: Category;
  readonly #kinds = new Map<string, Kind>();
  readonly #elsewhere = new WeakMap<Stats, Timings>();

  constructor(category: Category, name: string) {
    this.#category = category;
    this.name = name;
    const { stats, redactor } = category.shared;
    this.timings = stats && new Timings(stats, name, redactor);
  }

  /** Where its timings go in another registry. */
  timingsIn(stats: Stats): Timings {
    let timings = this.#elsewhere.get(stats);
    if (timings === undefined) {
      timings = new Timings(stats, this.name, this.#category.shared.redactor);
      this.#elsewhere.set(stats, timings);
    }
    return timings;
  }

  /** The kind of those that end alike: "" for successes, the error's code for failures. */
  kind(level: Level, failure: string): Kind | undefined {
    const key = failure === "" ? level : `${level} ${failure}`;
    const found = this.#kinds.get(key);
    if (found !== undefined) return found;
    if (this.#kinds.size === MAX_FAILURES) return undefined;
    const what = failure === "" ? `${this.name} succeeded` : `${this.name} failed (${failure})`;
    const kind = this.#category.makeKind(level, what);
    this.#kinds.set(key, kind);
    return kind;
  }
}

/** What the categories of a log share. */
export interface CategoriesShared {
  readonly levels: Levels;
  readonly stats: Stats | undefined;
  readonly redactor: Redactor;
  readonly summarise: Summarise;
}

/** One category. */
export class Category {
  /** Records let through, by level: those that were suppressed, too. */
  readonly totals: Record<Level, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  /** Records that were counted and not kept. */
  suppressed = 0;
  readonly path: readonly string[];
  readonly name: string;
  readonly target: Target;
  readonly shared: CategoriesShared;
  readonly #events = new Map<string, Event>();
  readonly #kinds = new Map<string, Kind>();
  #least = 0;
  #version = -1;

  constructor(shared: CategoriesShared, path: readonly string[], target: Target) {
    this.shared = shared;
    this.path = path;
    this.name = path.join(".");
    this.target = target;
  }

  /** Its level, and where it was set. */
  get level(): LevelRule {
    return this.shared.levels.of(this.name);
  }

  /** Whether records of a level are let through: two comparisons, until somebody sets a level. */
  lets(level: Level): boolean {
    if (this.#version !== this.shared.levels.version) {
      this.#version = this.shared.levels.version;
      this.#least = RANK[this.level.level];
    }
    return RANK[level] >= this.#least;
  }

  /**
   * The event of a name.
   *
   * @throws {TypeError} when a metric could not be called so
   */
  event(name: string): Event {
    const found = this.#events.get(name);
    if (found !== undefined) return found;
    const made = new Event(this, checkName(name, "an event"));
    if (this.#events.size < MAX_KINDS) this.#events.set(name, made);
    return made;
  }

  /** The kind of a record that is no transaction's: those whose texts differ in numbers alone are one kind. */
  kind(level: Level, message: string): Kind | undefined {
    const text = message.length > MAX_TEMPLATE ? message.slice(0, MAX_TEMPLATE) : message;
    const key = `${level} ${text.replace(/\d+/g, "#")}`;
    const found = this.#kinds.get(key);
    if (found !== undefined) return found;
    if (this.#kinds.size >= MAX_KINDS) this.#forgetKinds();
    if (this.#kinds.size >= MAX_KINDS) return undefined;
    const kind = this.makeKind(level, text);
    this.#kinds.set(key, kind);
    return kind;
  }

  makeKind(level: Level, what: string): Kind {
    return new Kind((suppressed, windowMs) => this.shared.summarise(this, level, what, suppressed, windowMs));
  }

  /** Texts that never come again make way for others; what is being counted stays. */
  #forgetKinds(): void {
    for (const [key, { suppressed }] of this.#kinds) if (suppressed === 0) this.#kinds.delete(key);
  }
}

/** The categories of a log. */
export class Categories {
  readonly #shared: CategoriesShared;
  readonly #known = new Map<string, Category>();

  constructor(shared: CategoriesShared) {
    this.#shared = shared;
  }

  /** Those known, in the order of their first use. */
  get all(): Iterable<Category> {
    return this.#known.values();
  }

  /** The category of a path; `target` is asked where its records go when it is new. Beyond 256 they are not remembered. */
  get(path: readonly string[], target: () => Target): Category {
    const name = path.join(".");
    const found = this.#known.get(name);
    if (found !== undefined) return found;
    const made = new Category(this.#shared, Object.freeze([...path]), target());
    if (this.#known.size < MAX_CATEGORIES) this.#known.set(name, made);
    return made;
  }
}
