/**
 * All series of one name: a bounded map from labels to whatever counts them.
 *
 * @module
 */

import type { Unit } from "./unit.ts";
import type { MetricKind } from "./metric.ts";
import { checkLabels, type Labels, labelsKey } from "./names.ts";

/** What a family is made of. */
export interface FamilyOptions<T> {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: Unit;
  readonly help: string;
  /** Series with labels of their own; all further ones share those of the label value "other". */
  readonly maxSeries: number;
  /** Makes what counts one series. */
  readonly create: () => T;
  /** Told whenever labels were folded into "other". */
  readonly onFold: () => void;
}

/** The series of one name. */
export class Family<T> {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: Unit;
  /** What the metric means: the first text given. */
  help: string;
  readonly #series = new Map<string, { readonly labels: Labels; readonly value: T }>();
  readonly #options: FamilyOptions<T>;

  constructor(options: FamilyOptions<T>) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.unit = options.unit;
    this.help = options.help;
  }

  /** The series, in the order in which they were made. */
  get all(): Iterable<{ readonly labels: Labels; readonly value: T }> {
    return this.#series.values();
  }

  /** What counts the series of these labels, made when it is new. */
  get(labels: Labels = {}): T {
    return this.#series.get(labelsKey(labels))?.value ?? this.#make(checkLabels(labels));
  }

  /** Drops the series that `unused` says nobody needs. */
  prune(unused: (value: T) => boolean): void {
    for (const [key, { value }] of this.#series) if (unused(value)) this.#series.delete(key);
  }

  #make(labels: Labels): T {
    if (this.#series.size < this.#options.maxSeries) return this.#insert(labels);
    this.#options.onFold();
    const other = Object.freeze(Object.fromEntries(Object.keys(labels).map((name) => [name, "other"])));
    return this.#series.get(labelsKey(other))?.value ?? this.#insert(other);
  }

  #insert(labels: Labels): T {
    const value = this.#options.create();
    this.#series.set(labelsKey(labels), { labels, value });
    return value;
  }
}
