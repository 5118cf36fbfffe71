/**
 * Time, as the name server needs it: any clock of Ballast fits.
 *
 * @module
 */

import { clearTimeout, setTimeout } from "node:timers";

/** The part of a clock that the server uses. */
export interface ServerClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once in `delayMs`, without keeping the process alive for it. */
  schedule(delayMs: number, callback: () => void): { cancel(): void };
}

/** The machine's clock. */
export const machineClock: ServerClock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
