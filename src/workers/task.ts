/**
 * One call on its way through a pool. Its promise settles exactly once, whatever happens to the worker, the queue or the
 * caller's signal.
 *
 * @module
 */

import type { Priority } from "../overload/mod.ts";
import type { Transfer } from "../platform/port.ts";
import type { Luggage } from "./carry.ts";
import type { PoolFunction } from "./pool_function.ts";
import type { Thread } from "./thread.ts";

/** Where a call is. */
export type TaskState =
  /** It waits in the pool's queue. */
  | "queued"
  /** It was handed to a worker, and may have begun. */
  | "handed"
  /** Its promise has settled. */
  | "settled";

/** How a call ended, for the statistics. */
export type TaskOutcome = "succeeded" | "failed" | "timedOut" | "aborted" | "lost" | "cancelled" | "rejected";

/** A call. */
export class Task {
  readonly fn: PoolFunction;
  readonly args: readonly unknown[];
  readonly priority: Priority;
  readonly timeoutMs: number | undefined;
  readonly transfer: readonly Transfer[] | undefined;
  readonly luggage: Luggage | undefined;
  /** Whether it can be ended while it runs. */
  readonly guarded: boolean;
  /** When it was called, as the clock's `monotonic()` counts. */
  readonly calledAt: number;
  state: TaskState = "queued";
  /** The worker it was handed to last, its number there, and how long it was expected to take. */
  thread: Thread | undefined = undefined;
  call = 0;
  estimateMs = 0;
  /** What it counted for in the queue. */
  expectedMs = 0;
  /** Times it was lost while it ran. */
  losses = 0;
  /** Times its worker was lost before it began. */
  returns = 0;
  /** Detaches it from its signals. */
  release: (() => void) | undefined = undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    options: {
      readonly fn: PoolFunction;
      readonly args: readonly unknown[];
      readonly priority: Priority;
      readonly timeoutMs: number | undefined;
      readonly transfer: readonly Transfer[] | undefined;
      readonly luggage: Luggage | undefined;
      readonly guarded: boolean;
      readonly calledAt: number;
    },
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.fn = options.fn;
    this.args = options.args;
    this.priority = options.priority;
    this.timeoutMs = options.timeoutMs;
    this.transfer = options.transfer;
    this.luggage = options.luggage;
    this.guarded = options.guarded;
    this.calledAt = options.calledAt;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** It gave a value. */
  succeed(value: unknown): void {
    if (!this.#settle("succeeded")) return;
    this.#resolve(value);
  }

  /** It ended otherwise. */
  fail(outcome: Exclude<TaskOutcome, "succeeded">, error: unknown): void {
    if (!this.#settle(outcome)) return;
    this.#reject(error);
  }

  #settle(outcome: TaskOutcome): boolean {
    if (this.state === "settled") return false;
    this.state = "settled";
    this.fn.counts[outcome]++;
    this.release?.();
    return true;
  }
}
