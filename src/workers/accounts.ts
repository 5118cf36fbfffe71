/**
 * What calls took, on its way into the statistics.
 *
 * It is entered behind the callers: whoever awaits a call goes on first, and what he calls next is on its way to the worker before
 * the last one is counted. Nothing waits longer than the turn.
 *
 * @module
 */

import type { PoolFunction } from "./pool_function.ts";

/** What has been noted, and not yet entered. */
export class Accounts {
  readonly #fns: PoolFunction[] = [];
  /** Of each, what it took, and how long it waited. */
  readonly #times: number[] = [];

  /** A call was answered. Times are in milliseconds. */
  note(fn: PoolFunction, tookMs: number, queuedMs: number): void {
    if (this.#fns.push(fn) === 1) queueMicrotask(this.enter);
    this.#times.push(tookMs, queuedMs);
  }

  /** Enters what was noted: for whoever looks before the turn is over. */
  readonly enter = (): void => {
    const fns = this.#fns;
    const times = this.#times;
    for (let at = 0; at < fns.length; at++) {
      fns[at]!.duration.add(times[2 * at]!);
      fns[at]!.queued.add(times[2 * at + 1]!);
    }
    fns.length = times.length = 0;
  };
}
