/**
 * The distributions of a transaction's durations, found again without asking the registry: no labels are built
 * and no name is checked for what has been timed before.
 *
 * @module
 */

import type { Distribution, Stats } from "../stats/mod.ts";
import { keepValue } from "./fields.ts";
import type { Fields, Outcome } from "./record.ts";
import type { Redactor } from "./redact.ts";

/** A step on the way to a distribution: by the value of one label each. */
interface Step {
  readonly next: Map<unknown, Step>;
  distribution?: Distribution;
}

/** Label sets remembered of one event: as many as a registry keeps series of a name. */
const MAX_REMEMBERED = 256;
/** Lists of labels an event is timed with: one, as a rule. */
const MAX_LISTS = 4;
/** A text longer than this is no label that comes back. */
const MAX_KEY = 100;
const NO_LABELS: readonly string[] = [];

/** The timings of one event in one registry. */
export class Timings {
  readonly #stats: Stats;
  readonly #event: string;
  readonly #redactor: Redactor;
  readonly #lists: { readonly labels: readonly string[]; readonly start: Step }[] = [];
  #remembered = 0;

  constructor(stats: Stats, event: string, redactor: Redactor) {
    this.#stats = stats;
    this.#event = event;
    this.#redactor = redactor;
  }

  /**
   * Counts a duration under the outcome and the fields that are labels.
   *
   * @throws {TypeError} when the registry does
   */
  add(
    durationMs: number,
    labels: readonly string[] = NO_LABELS,
    outcome: Outcome,
    fields: Fields | undefined,
    more: Fields | undefined,
  ): void {
    let step = this.#start(labels);
    for (let i = 0; step !== undefined && i <= labels.length; i++) {
      step = this.#step(
        step,
        i < labels.length ? value(labels[i]!, fields, more) : value("outcome", fields, more) ?? outcome,
      );
    }
    if (step?.distribution !== undefined) return step.distribution.add(durationMs);
    const found = this.#find(labels, outcome, fields, more);
    if (step !== undefined) step.distribution = found;
    found.add(durationMs);
  }

  /** Where the way begins for a list of labels, known by what is in it: it may be written anew at each call. */
  #start(labels: readonly string[]): Step | undefined {
    for (const list of this.#lists) {
      if (list.labels === labels || same(list.labels, labels)) return list.start;
    }
    if (this.#lists.length === MAX_LISTS) return undefined;
    const start: Step = { next: new Map() };
    this.#lists.push({ labels: [...labels], start });
    return start;
  }

  #step({ next }: Step, key: unknown): Step | undefined {
    const found = next.get(key);
    if (found !== undefined) return found;
    const isKey = typeof key === "string"
      ? key.length <= MAX_KEY
      : typeof key !== "object" && typeof key !== "function";
    if (!isKey || this.#remembered === MAX_REMEMBERED) return undefined;
    this.#remembered++;
    const made: Step = { next: new Map() };
    next.set(key, made);
    return made;
  }

  #find(names: readonly string[], outcome: Outcome, fields?: Fields, more?: Fields): Distribution {
    const labels: Record<string, string> = { outcome };
    for (const name of [...names, "outcome"]) {
      const given = value(name, fields, more);
      if (given === undefined) continue;
      const secret = this.#redactor.isSecret(name, given);
      labels[name] = secret ? this.#redactor.replacement : String(keepValue(given, this.#redactor));
    }
    return this.#stats.distribution(this.#event, { unit: "ms", labels });
  }
}

/** A field, of those given at the end before those given at the begin. Nothing that objects inherit. */
function value(name: string, fields: Fields | undefined, more: Fields | undefined): unknown {
  if (more !== undefined && Object.hasOwn(more, name) && more[name] !== undefined) return more[name];
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i]);
}
