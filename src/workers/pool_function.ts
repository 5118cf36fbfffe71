/**
 * A function, as one pool knows it: how long its calls take, and what became of them.
 *
 * @module
 */

import type { Distribution, Stats } from "../stats/mod.ts";
import type { Definition } from "./definition.ts";
import type { TaskOutcome } from "./task.ts";

/** A worker is handed about so much work in advance: enough to hide the way there and back, not more. */
export const BUDGET_MS = 8;
/** It is handed more when it has less than this left: a few calls with one message, instead of one with each answer. */
export const REFILL_MS = BUDGET_MS / 2;
/** No call is believed to take less: below, the messages cost more than the calls. */
const LEAST_MS = 0.002;

/** What became of calls, and how many were refused or ran inline. */
export type TaskCounts = Record<TaskOutcome | "calls" | "inline" | "slowClones", number>;

/** A function in a pool. */
export class PoolFunction {
  /** Its number in messages. */
  readonly id: number;
  readonly definition: Definition;
  readonly counts: TaskCounts = {
    calls: 0,
    succeeded: 0,
    failed: 0,
    timedOut: 0,
    aborted: 0,
    lost: 0,
    cancelled: 0,
    rejected: 0,
    inline: 0,
    slowClones: 0,
  };
  /** From the call to its start, the way back included. */
  readonly queued: Distribution;
  /** In the worker. */
  readonly duration: Distribution;
  /** Calls that waited when one was made. */
  readonly depth: Distribution;
  /** What the function's `size` said. */
  readonly size: Distribution | undefined;
  /** The longest that copying a result took, and the time for all that were slow. */
  slowestCloneMs = 0;
  slowCloneMs = 0;
  /** What the next call is expected to take: long, as long as nobody knows. */
  estimateMs = BUDGET_MS;
  #measured = false;
  readonly #dispose: (() => void)[];

  constructor(id: number, pool: string, definition: Definition, stats: Stats) {
    this.id = id;
    this.definition = definition;
    const labels = { pool, function: definition.name };
    const distribution = (name: string, unit: "ms" | "1", help: string) =>
      stats.distribution(`workers.${name}`, { unit, labels, help });
    this.queued = distribution("queued", "ms", "From a call to its start, and from its end to its caller");
    this.duration = distribution("duration", "ms", "What a call took in its worker");
    this.depth = distribution("depth", "1", "Calls that waited when one was made");
    this.size = definition.options.size &&
      distribution("size", "1", "Size of a call, as its function counts it");
    this.#dispose = Object.keys(this.counts).filter((key) => key !== "calls").map((key) =>
      stats.observe("workers.calls", {
        kind: "counter",
        labels: { ...labels, outcome: key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) },
        help: "Calls, by what became of them",
      }, () => this.counts[key as keyof TaskCounts])
    );
  }

  /** What the next call is known to take; 0 as long as nobody knows. */
  get expectedMs(): number {
    return this.#measured ? this.estimateMs : 0;
  }

  /** Learns from a call that ran, for the next one. */
  learn(tookMs: number): void {
    if (!this.#measured) {
      this.#measured = true;
      this.estimateMs = tookMs;
    } else if (tookMs > this.estimateMs) this.estimateMs += (tookMs - this.estimateMs) / 2;
    else this.estimateMs += (tookMs - this.estimateMs) / 4;
    if (this.estimateMs < LEAST_MS) this.estimateMs = LEAST_MS;
  }

  /** Records the size of a call; a callback that throws is no reason for the call not to be made. */
  measure(args: readonly unknown[]): void {
    if (this.size === undefined) return;
    try {
      this.size.add(this.definition.options.size!(...args));
    } catch {
      this.size.add(NaN);
    }
  }

  /** Takes its counters out of the registry. */
  dispose(): void {
    for (const remove of this.#dispose) remove();
  }
}
