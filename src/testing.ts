/**
 * What makes a service on Ballast testable: time that is moved by hand.
 *
 * @example A week in a moment
 * ```ts
 * import assert from "node:assert/strict";
 * import { simulatedClock } from "@ballast/runtime/testing";
 *
 * const clock = simulatedClock();
 * let woken = false;
 * clock.schedule(7 * 86_400_000, () => woken = true);
 * await clock.advance(7 * 86_400_000);
 * assert.ok(woken);
 * ```
 *
 * @module
 */

import { detectPlatform } from "./platform/detect.ts";
import { createSimulatedClock, type SimulatedClock, type SimulatedClockOptions } from "./simulated_clock.ts";

export type { Clock, ScheduleOptions, Timer } from "./clock.ts";
export type { SimulatedClock, SimulatedClockOptions } from "./simulated_clock.ts";

/** Makes a simulated clock for the event loop of this runtime. */
export function simulatedClock(options: Omit<SimulatedClockOptions, "nextTurn"> = {}): SimulatedClock {
  return createSimulatedClock({ ...options, nextTurn: detectPlatform().nextTurn });
}
