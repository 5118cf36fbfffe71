/**
 * Deadlines, delays, retries and the linking of abort signals, on an injected clock and without a leaked listener.
 *
 * @module
 */

import { type Clock, MAX_DELAY_MS, systemClock, type Timer } from "./clock.ts";
import { BallastError, checkInteger, checkNumber } from "./errors.ts";

/** A signal derived from others, and what detaches it from them. */
export interface DerivedSignal {
  /** Aborts when one of its sources does, with that one's reason. */
  readonly signal: AbortSignal;
  /** Detaches it: listeners and timers are gone, the signal no longer aborts by itself. Safe to call twice. */
  release(): void;
  /** Aborts it now, whatever its sources do. */
  abort(reason: unknown): void;
}

/**
 * One signal that aborts with the first of several. Release it when the work is done: then a long-lived source keeps
 * nothing of it, which `AbortSignal.any` leaves to the garbage collector.
 */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): DerivedSignal {
  const controller = new AbortController();
  const attached: [AbortSignal, () => void][] = [];
  const release = () => {
    for (const [source, listener] of attached.splice(0)) source.removeEventListener("abort", listener);
  };
  for (const source of sources) {
    if (source === undefined) continue;
    const listener = () => {
      release();
      controller.abort(source.reason);
    };
    if (source.aborted) {
      listener();
      break;
    }
    source.addEventListener("abort", listener);
    attached.push([source, listener]);
  }
  const abort = (reason: unknown) => {
    release();
    controller.abort(reason);
  };
  return { signal: controller.signal, release, abort };
}

/** How a deadline is set. */
export interface DeadlineOptions {
  /** Aborts the result as well, whichever comes first. */
  readonly signal?: AbortSignal;
  /** What did not finish in time, for the error's text. @default "the operation" */
  readonly what?: string;
  /** What times it. @default the machine's clock */
  readonly clock?: Clock;
  /** Whether the process stays alive for it: yes where a caller awaits. @default true */
  readonly keepAlive?: boolean;
}

/**
 * A signal that aborts in `timeoutMs` with a {@linkcode BallastError} of code `TIMEOUT`, or with `options.signal`.
 *
 * @example Give a call 200 ms
 * ```ts
 * import assert from "node:assert/strict";
 * import { abortable, deadlineSignal } from "@ballast/runtime";
 *
 * const deadline = deadlineSignal(20, { what: "the answer" });
 * await assert.rejects(abortable(new Promise(() => {}), deadline.signal), /the answer took longer than 20 ms/);
 * deadline.release();
 * ```
 */
export function deadlineSignal(timeoutMs: number, options: DeadlineOptions = {}): DerivedSignal {
  const { clock = systemClock, what = "the operation", keepAlive = true } = options;
  checkNumber("timeoutMs", timeoutMs, { max: MAX_DELAY_MS });
  const linked = linkSignals(options.signal);
  const timer = linked.signal.aborted ? undefined : clock.schedule(timeoutMs, () => {
    const message = `${what} took longer than ${timeoutMs} ms`;
    linked.abort(new BallastError("TIMEOUT", message, { retryable: true, data: { timeoutMs } }));
  }, { keepAlive });
  const release = () => {
    timer?.cancel();
    linked.release();
  };
  linked.signal.addEventListener("abort", release, { once: true });
  return { signal: linked.signal, release, abort: linked.abort };
}

/**
 * What `promise` gives, or a rejection with the signal's reason as soon as it aborts. The promise goes on for others;
 * if it fails after that, its error is not unhandled.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settled = () => signal.removeEventListener("abort", onAbort);
    promise.then((value) => {
      settled();
      resolve(value);
    }, (error) => {
      settled();
      reject(error);
    });
    if (signal.aborted) {
      settled();
      onAbort();
    } else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** How a delay is awaited. */
export interface DelayOptions {
  /** Ends the wait early: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /** What times it. @default the machine's clock */
  readonly clock?: Clock;
  /** Whether the process stays alive for it. @default true */
  readonly keepAlive?: boolean;
}

/** Waits `delayMs`. */
export function delay(delayMs: number, options: DelayOptions = {}): Promise<void> {
  const { clock = systemClock, signal, keepAlive = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  let timer: Timer | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = clock.schedule(delayMs, resolve, { keepAlive });
  });
  if (signal === undefined) return elapsed;
  return abortable(elapsed, signal).finally(() => timer?.cancel());
}

/** How often and how soon a call is tried again. */
export interface RetryOptions {
  /** Calls in all, the first included. @default 3 */
  readonly attempts?: number;
  /** Longest wait before the second call; it doubles with every further one. @default 50 */
  readonly baseMs?: number;
  /** The wait is never longer than this. @default 5000 */
  readonly maxMs?: number;
  /** Whether an error is worth another call. @default unless it says `retryable: false` */
  readonly retryable?: (error: unknown) => boolean;
  /** Ends the waiting and is handed to the call. */
  readonly signal?: AbortSignal;
  /** What times the waits. @default the machine's clock */
  readonly clock?: Clock;
}

/**
 * Calls `fn` until it succeeds, waiting a random time below a doubling bound in between ("full jitter": Brooker,
 * "Exponential Backoff And Jitter", 2015). Rejects with the last error.
 *
 * @example Try a flaky call again
 * ```ts
 * import assert from "node:assert/strict";
 * import { retry } from "@ballast/runtime";
 *
 * const answer = await retry((attempt) => attempt < 3 ? Promise.reject(new Error("not yet")) : "done", { baseMs: 1 });
 * assert.equal(answer, "done");
 * ```
 */
export async function retry<T>(
  fn: (attempt: number, signal: AbortSignal | undefined) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { retryable = isRetryable, signal, clock = systemClock } = options;
  const baseMs = checkNumber("baseMs", options.baseMs ?? 50, { max: MAX_DELAY_MS });
  const maxMs = checkNumber("maxMs", options.maxMs ?? 5_000, { max: MAX_DELAY_MS });
  const attempts = checkInteger("attempts", options.attempts ?? 3, { min: 1 });
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await fn(attempt, signal);
    } catch (error) {
      if (attempt >= attempts || signal?.aborted || !retryable(error)) throw error;
    }
    await delay(clock.random() * backoff(attempt, baseMs, maxMs), { clock, signal });
  }
}

/** `baseMs` doubled for every attempt after the first, at most `maxMs`. */
export function backoff(attempt: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 52));
}

function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown } | undefined)?.retryable !== false;
}
