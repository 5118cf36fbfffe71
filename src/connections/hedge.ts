/**
 * Hedging: a second call where the first one takes long, and the first answer wins (Dean, Barroso, "The Tail at Scale", 2013).
 *
 * @module
 */

import { type Clock, MAX_DELAY_MS, systemClock } from "../clock.ts";
import { BallastError, checkNumber, show } from "../errors.ts";
import { delay, linkSignals } from "../signal.ts";

/** How calls are staggered. */
export interface StaggerOptions<T = unknown> {
  /** When each further call begins, in milliseconds after the first: ascending. `[50, 200]` makes three calls at most. */
  readonly delaysMs: readonly number[];
  /** Ends all of them. */
  readonly signal?: AbortSignal;
  /** Time. @default the machine's clock */
  readonly clock?: Clock;
  /** Whether a further call may be made: a retry budget's `withdraw`. @default always */
  readonly allow?: () => boolean;
  /** Is given what a call succeeded with after another had won, so that it can be closed. */
  readonly discard?: (late: Awaited<T>) => void;
}

/**
 * Calls `fn`, and again after each delay while no call has succeeded; a call that fails brings the next one forward. The first
 * success wins and all others are aborted. Rejects with the last error once every call has failed. For calls that may be made
 * twice.
 *
 * @example The second replica answers while the first one hangs
 * ```ts
 * import assert from "node:assert/strict";
 * import { staggeredRetries } from "@ballast/runtime/connections";
 *
 * const hanging = (signal: AbortSignal) =>
 *   new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
 * const answer = await staggeredRetries(
 *   (signal, call) => call === 0 ? hanging(signal) : Promise.resolve("from the second"),
 *   { delaysMs: [10] },
 * );
 * assert.equal(answer, "from the second");
 * ```
 * @throws {TypeError | RangeError} when the delays are none
 */
export async function staggeredRetries<T>(
  fn: (signal: AbortSignal, call: number) => Promise<T> | T,
  options: StaggerOptions<T>,
): Promise<T> {
  const { clock = systemClock, allow = () => true } = options;
  const delays = checkDelays(options.delaysMs);
  const linked = linkSignals(options.signal);
  const { signal } = linked;
  signal.throwIfAborted();
  const startedAt = clock.monotonic();
  const running = new Set<Promise<void>>();
  let won: { readonly value: Awaited<T> } | undefined;
  let lastError: unknown;

  async function run(call: number): Promise<void> {
    try {
      const value = await fn(signal, call);
      if (won === undefined && !signal.aborted) won = { value };
      else options.discard?.(value);
    } catch (error) {
      lastError = error;
    }
  }

  function begin(call: number): void {
    const one: Promise<void> = run(call).finally(() => running.delete(one));
    running.add(one);
  }

  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
  try {
    begin(0);
    let next = 1;
    while (won === undefined) {
      const dueMs = next <= delays.length ? delays[next - 1]! - (clock.monotonic() - startedAt) : undefined;
      if (dueMs === undefined && running.size === 0) throw lastError;
      await oneOf([...running, aborted], running.size === 0 ? 0 : dueMs, clock);
      if (won !== undefined) break;
      signal.throwIfAborted();
      const isDue = next <= delays.length &&
        (running.size === 0 || clock.monotonic() - startedAt >= delays[next - 1]!);
      if (!isDue) continue;
      if (allow()) begin(next++);
      else next = delays.length + 1;
    }
    return won.value;
  } finally {
    // The losers are told, and nothing listens on the caller's signal any more.
    linked.abort(new BallastError("CLOSED", "another call was faster"));
  }
}

/** Waits for the first of several, or so long; leaves no timer. */
async function oneOf(
  promises: readonly Promise<void>[],
  ms: number | undefined,
  clock: Clock,
): Promise<void> {
  if (ms === undefined) return void await Promise.race(promises);
  const waiting = new AbortController();
  const elapsed = delay(Math.max(0, ms), { clock, signal: waiting.signal }).catch(() => {});
  await Promise.race([...promises, elapsed]);
  waiting.abort();
}

function checkDelays(delays: readonly number[]): readonly number[] {
  if (!Array.isArray(delays)) {
    throw new TypeError(`delaysMs must be a list of milliseconds, got ${show(delays)}`);
  }
  let min = 0;
  for (const ms of delays) min = checkNumber("delaysMs", ms, { min, max: MAX_DELAY_MS });
  return delays;
}
