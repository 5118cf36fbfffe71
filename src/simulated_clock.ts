/**
 * A clock that stands still until it is told to move: for tests and simulations.
 *
 * @module
 */

import { type Clock, createWheelClock, type TimeSource } from "./clock.ts";
import { checkInteger, checkNumber } from "./errors.ts";

/** How a simulated clock starts. */
export interface SimulatedClockOptions {
  /** Wall-clock time at the start, milliseconds since the epoch. @default 2026-01-01T00:00:00Z */
  readonly startMs?: number;
  /** Seed of `random()`; the same seed gives the same numbers. @default 1 */
  readonly seed?: number;
  /** Waits until what the last timers set in motion has run: one turn of the event loop. */
  readonly nextTurn: () => Promise<void>;
}

/** A clock whose time is moved by hand. */
export interface SimulatedClock extends Clock {
  /** Lets `ms` pass: every timer fires at its time, and what it sets in motion settles before the next one. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as a suspended machine or a set clock does, and tells the listeners. */
  jump(ms: number): void;
}

/** Makes a simulated clock. Most want the one of `@ballast/runtime/testing`, which knows its event loop. */
export function createSimulatedClock(options: SimulatedClockOptions): SimulatedClock {
  const { startMs = Date.UTC(2026, 0, 1), seed = 1, nextTurn } = options;
  let wall = checkNumber("startMs", startMs);
  let elapsed = 0;
  const random = mulberry32(checkInteger("seed", seed));
  const source: TimeSource = {
    now: () => wall + elapsed,
    monotonic: () => elapsed,
    random,
    arm() {},
    disarm() {},
    hold() {},
  };
  const { clock, wheel, checkJump } = createWheelClock(source);

  /** One after the other: time that passes twice at once would go backwards. */
  let moving = Promise.resolve();

  function advance(ms: number): Promise<void> {
    checkNumber("ms", ms);
    return moving = moving.then(() => pass(ms));
  }

  async function pass(ms: number): Promise<void> {
    const end = elapsed + ms;
    await nextTurn();
    for (let next = wheel.nextDeadline(); next <= end; next = wheel.nextDeadline()) {
      elapsed = Math.max(elapsed, next);
      if (wheel.advance(elapsed) > 0) await nextTurn();
    }
    elapsed = end;
    wheel.advance(elapsed);
    await nextTurn();
  }

  function jump(ms: number): void {
    wall += checkNumber("ms", ms, { min: -Number.MAX_SAFE_INTEGER });
    checkJump();
  }

  // Not a spread: `pending` is a getter and has to stay one.
  return Object.defineProperties(
    { advance, jump },
    Object.getOwnPropertyDescriptors(clock),
  ) as SimulatedClock;
}

/** A small, well-spread generator (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
