/**
 * Time where nothing runs between requests: workerd drops the timers of a request with it, and none can be set outside of one.
 *
 * A timer that a caller awaits is real, and belongs to the caller's request. A background timer cannot be: it is noted on a
 * wheel, and runs when `catchUp` is next called, in whatever request that happens.
 *
 * @module
 */

import { type Clock, createWheelClock, type TimerSource } from "./clock.ts";

/** Makes a clock whose background timers run when it is told to catch up. `pending` counts those alone. */
export function createRequestClock(timers: TimerSource): Clock {
  // Each request has its own idea of the time: that of its last input or output.
  let latest = 0;
  const source = {
    now: () => timers.now(),
    monotonic: () => latest = Math.max(latest, timers.monotonic()),
    random: () => timers.random(),
  };
  const { clock: noted, wheel, checkJump } = createWheelClock({
    ...source,
    arm() {},
    disarm() {},
    hold() {},
  });
  let catchingUp = false;

  function catchUp(): void {
    // What is due may look, and so be told to catch up, itself.
    if (catchingUp) return;
    catchingUp = true;
    try {
      checkJump();
      wheel.advance(source.monotonic());
    } finally {
      catchingUp = false;
    }
  }

  return {
    ...source,
    schedule: (delayMs, callback, options) =>
      (options?.keepAlive ? timers : noted).schedule(delayMs, callback, options),
    onJump: (listener) => noted.onJump(listener),
    get pending() {
      return noted.pending;
    },
    catchUp,
  };
}
