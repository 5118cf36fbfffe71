/**
 * Two kinds of time, each as a distribution: how long something takes, and how long it is from one event to the next.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { createDistribution, type Distribution } from "./distribution.ts";

/** How long something takes. */
export interface Duration {
  /** The durations, in milliseconds. */
  readonly distribution: Distribution;
  /** Something begins. Returns what ends it, and gives how long it took: only the first call counts. */
  start(): () => number;
  /**
   * Calls `fn` and counts how long it took, until it returns or throws; until its promise is settled, if it returns one.
   */
  time<T>(fn: () => T): T;
}

/** How long it is from one event to the next. */
export interface Interval {
  /** The intervals, in milliseconds: one fewer than events. */
  readonly distribution: Distribution;
  /** An event happens: at `monotonicMs` of the clock's monotonic time, if that has been read; else now. */
  tick(monotonicMs?: number): void;
}

/** How they are made. */
export interface DurationOptions {
  /** Where the time is taken from. @default the machine's clock */
  readonly clock?: Pick<Clock, "now" | "monotonic">;
  /** Where the times are counted. @default a distribution of its own */
  readonly distribution?: Distribution;
}

/**
 * Makes a duration.
 *
 * @example How long does it take?
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDuration } from "@ballast/runtime/stats";
 *
 * const parsing = createDuration();
 * assert.deepEqual(parsing.time(() => JSON.parse("[1]")), [1]);
 * assert.equal(parsing.distribution.count, 1);
 * ```
 */
export function createDuration(options: DurationOptions = {}): Duration {
  const { clock = systemClock, distribution = createDistribution({ unit: "ms", clock }) } = options;

  function start(): () => number {
    const startedAt = clock.monotonic();
    let tookMs: number | undefined;
    return () => {
      if (tookMs === undefined) distribution.add(tookMs = clock.monotonic() - startedAt);
      return tookMs;
    };
  }

  return {
    distribution,
    start,
    time(fn) {
      return whenDone(fn, start());
    },
  };
}

/**
 * Makes an interval.
 *
 * @example How evenly do requests come?
 * ```ts
 * import assert from "node:assert/strict";
 * import { createInterval } from "@ballast/runtime/stats";
 *
 * const requests = createInterval();
 * for (const at of [1000, 1010, 1040]) requests.tick(at);
 * assert.equal(requests.distribution.mean, 20);
 * ```
 */
export function createInterval(options: DurationOptions = {}): Interval {
  const { clock = systemClock, distribution = createDistribution({ unit: "ms", clock }) } = options;
  let last: number | undefined;
  return {
    distribution,
    tick(monotonicMs = clock.monotonic()) {
      // Moments that were read before, and told after, others: no time is negative.
      if (last !== undefined) distribution.add(Math.max(0, monotonicMs - last));
      last = last === undefined ? monotonicMs : Math.max(last, monotonicMs);
    },
  };
}

/**
 * Calls `fn`, and `done` once it has returned or thrown; or, if it returns a promise, once that is settled. What comes of `fn`
 * comes of this, too: a promise is one that is settled alike.
 */
export function whenDone<T>(fn: () => T, done: (failed: boolean) => unknown): T {
  let result: T;
  try {
    result = fn();
  } catch (error) {
    done(true);
    throw error;
  }
  if (!(result instanceof Promise)) {
    done(false);
    return result;
  }
  return result.then(
    (value) => {
      done(false);
      return value;
    },
    (error) => {
      done(true);
      throw error;
    },
  ) as T;
}
