/**
 * Calls that the caller runs itself: within a worker, below a predicate, and where there are no workers.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { abortable, deadlineSignal } from "../signal.ts";
import type { PoolFunction } from "./pool_function.ts";

/** What ends an inline call. Computing cannot be ended: only what awaits can, and then it is no longer awaited. */
export interface InlineOptions {
  readonly signal: AbortSignal | undefined;
  readonly contextSignal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly clock: Clock;
}

/** Runs a call here, and counts it. */
export async function runInline(
  fn: PoolFunction,
  args: readonly unknown[],
  { signal, contextSignal, timeoutMs = fn.definition.options.timeoutMs, clock }: InlineOptions,
): Promise<unknown> {
  fn.counts.inline++;
  const startedAt = clock.monotonic();
  const limit = timeoutMs === undefined
    ? undefined
    : deadlineSignal(timeoutMs, { signal, clock, what: `${fn.definition.name}()` });
  try {
    const result = fn.definition.fn(...args);
    const promise = abortable(abortable(Promise.resolve(result), limit?.signal ?? signal), contextSignal);
    return await promise;
  } finally {
    limit?.release();
    fn.duration.add(clock.monotonic() - startedAt);
  }
}
