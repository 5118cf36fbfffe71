/**
 * Hands records on to a logger, which may throw, reject, never settle, block, or log in turn. Whatever it does,
 * the service is none the worse.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { LogRecord } from "./record.ts";
import type { Target } from "./target.ts";

/** Writes under way, at most: a logger that never says it is done is given no more. */
const MAX_IN_FLIGHT = 1_000;
/** One write of so many is timed. */
const TIMED = 16;
/** A write that takes so long holds everything up. */
export const SLOW_MS = 50;

/** What became of the records handed on. */
export interface OutletState {
  /** Writes that threw or were rejected. */
  readonly errors: number;
  /** Records not handed on, since too many writes were under way. */
  readonly dropped: number;
  /** Writes under way. */
  readonly inFlight: number;
  /** Of the writes that were timed, one in 16, those that held the thread for 50 ms or more. */
  readonly slow: number;
  /** The longest of those timed. */
  readonly longestMs: number;
}

/** The way out. */
export class Outlet implements OutletState {
  errors = 0;
  dropped = 0;
  inFlight = 0;
  slow = 0;
  longestMs = 0;
  #busy = false;
  #writes = 0;
  readonly #clock: Clock;
  readonly #idle: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has a record written, if anybody listens. Whatever becomes of that, the caller is none the worse. */
  handOn(target: Target, record: LogRecord, properties: () => Record<string, unknown>): void {
    // What a logger logs here in turn is kept, and not handed on: it would never end.
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!target.isEnabledFor(record.level)) return;
      if (this.inFlight >= MAX_IN_FLIGHT) this.dropped++;
      else this.#write(target, record, properties);
    } catch {
      this.errors++;
    } finally {
      this.#busy = false;
    }
  }

  /** Waits until no write is under way. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #write(target: Target, record: LogRecord, properties: () => Record<string, unknown>): void {
    const startedAt = this.#writes++ % TIMED === 0 ? this.#clock.monotonic() : undefined;
    try {
      const written = target.write(record, properties);
      if (typeof written === "object" && written !== null) this.#follow(written);
    } finally {
      if (startedAt !== undefined) this.#time(this.#clock.monotonic() - startedAt);
    }
  }

  #follow(written: object): void {
    if (typeof (written as PromiseLike<unknown>).then !== "function") return;
    this.inFlight++;
    // A rejection that nobody handles would end the process.
    Promise.resolve(written).then(() => {}, () => void this.errors++).then(() => {
      if (--this.inFlight === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
    });
  }

  #time(tookMs: number): void {
    if (tookMs > this.longestMs) this.longestMs = tookMs;
    if (tookMs >= SLOW_MS) this.slow++;
  }
}
