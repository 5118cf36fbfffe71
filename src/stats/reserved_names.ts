/**
 * Which names are taken: dots and underscores look alike in OpenMetrics text, and a unit becomes part of the
 * name there, so two metrics of different names may come to share one.
 *
 * @module
 */

import { type NamedMetric, sampleNames } from "./exposed_name.ts";

/** The names of a registry's metrics. */
export class ReservedNames {
  readonly #metrics = new Map<string, NamedMetric>();
  /** The metric that a sample belongs to. */
  readonly #samples = new Map<string, string>();

  /**
   * Takes a metric's name, and those of its samples.
   *
   * @throws {TypeError} when one of them is taken
   */
  reserve(metric: NamedMetric): void {
    const { name, kind, unit } = metric;
    const taken = this.#metrics.get(name);
    if (taken !== undefined) {
      throw new TypeError(
        `"${name}" is a ${taken.kind} of unit "${taken.unit}", it cannot be a ${kind} of "${unit}"`,
      );
    }
    const samples = sampleNames(metric);
    const shared = samples.find((sample) => this.#samples.has(sample));
    if (shared !== undefined) {
      throw new TypeError(
        `"${name}" would be exported as "${shared}", as "${this.#samples.get(shared)}" is: rename it`,
      );
    }
    this.#metrics.set(name, { name, kind, unit });
    for (const sample of samples) this.#samples.set(sample, name);
  }
}
