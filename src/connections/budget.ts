/**
 * The retry budget: tries beyond the first are a share of the calls, so that a fault is never multiplied by its retries
 * (Finagle's `RetryBudget`; Google, "Site Reliability Engineering", chapter 21).
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkNumber } from "../errors.ts";

/** How many tries beyond the first there may be. */
export interface RetryBudgetOptions {
  /** Share of the calls of the last `windowMs`. @default 0.2 */
  readonly ratio?: number;
  /** And so many a second whatever the calls are. @default 10 */
  readonly perSecond?: number;
  /** How long a call counts. @default 10000 */
  readonly windowMs?: number;
  /** Time. @default the machine's clock */
  readonly clock?: Clock;
}

/** A retry budget at one moment: plain JSON. */
export interface RetryBudgetSnapshot {
  /** Retries that could be made now. */
  readonly available: number;
  /** Calls counted so far. */
  readonly calls: number;
  /** Retries granted so far. */
  readonly granted: number;
  /** Retries refused so far. */
  readonly refused: number;
}

/** A retry budget. */
export interface RetryBudget {
  /** Counts a call: what retries are a share of. */
  deposit(): void;
  /** Whether one more try may be made; counts it if so. */
  withdraw(): boolean;
  /** How it stands. */
  snapshot(): RetryBudgetSnapshot;
}

/** A retry budget, as the connection manager sees it. */
export interface CountingBudget extends RetryBudget {
  /** As `deposit`, without a look at the clock: it counts for the time of the next {@linkcode settle}. */
  count(): void;
  /** Books what was counted: to be called about once a second while anything is. */
  settle(): void;
}

/** Parts of the window that expire one at a time. */
const SLICES = 10;

/**
 * Makes a retry budget.
 *
 * @example A tenth of the calls may be tried again
 * ```ts
 * import assert from "node:assert/strict";
 * import { createRetryBudget } from "@ballast/runtime/connections";
 *
 * const budget = createRetryBudget({ ratio: 0.1, perSecond: 0 });
 * for (let call = 0; call < 20; call++) budget.deposit();
 * assert.deepEqual([budget.withdraw(), budget.withdraw(), budget.withdraw()], [true, true, false]);
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  return countingBudget(options);
}

/** As {@linkcode createRetryBudget}. */
export function countingBudget(options: RetryBudgetOptions = {}): CountingBudget {
  const { clock = systemClock } = options;
  const ratio = checkNumber("retries.ratio", options.ratio ?? 0.2, { max: 1 });
  const perSecond = checkNumber("retries.perSecond", options.perSecond ?? 10);
  const windowMs = checkNumber("retries.windowMs", options.windowMs ?? 10_000, { min: 1 });
  const sliceMs = windowMs / SLICES;
  const calls = new Array<number>(SLICES).fill(0);
  const retries = new Array<number>(SLICES).fill(0);
  const totals = { calls: 0, granted: 0, refused: 0 };
  let slice = Math.floor(clock.monotonic() / sliceMs);
  let counted = 0;

  /** The place of this moment's slice; what has left the window is forgotten. */
  function turn(): number {
    const now = Math.floor(clock.monotonic() / sliceMs);
    for (let passed = Math.max(slice + 1, now - SLICES + 1); passed <= now; passed++) {
      calls[passed % SLICES] = 0;
      retries[passed % SLICES] = 0;
    }
    slice = Math.max(slice, now);
    calls[slice % SLICES]! += counted;
    totals.calls += counted;
    counted = 0;
    return slice % SLICES;
  }

  function available(): number {
    turn();
    return ratio * sum(calls) + perSecond * windowMs / 1000 - sum(retries);
  }

  return {
    deposit() {
      calls[turn()]!++;
      totals.calls++;
    },
    count: () => void counted++,
    settle: () => void turn(),
    withdraw() {
      // A sum of tenths may be a hair below the whole number that it is.
      if (available() < 1 - 1e-9) {
        totals.refused++;
        return false;
      }
      retries[slice % SLICES]!++;
      totals.granted++;
      return true;
    },
    snapshot: () => ({ available: Math.max(0, Math.floor(available() + 1e-9)), ...totals }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
