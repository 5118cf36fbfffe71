/**
 * What keeps a pool from starting workers that crash, again and again.
 *
 * @module
 */

/** Losses within this time count together. */
const WITHIN_MS = 30_000;
/** So many are nothing unusual. */
const FREE = 3;
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** Counts losses, and says how long to wait. */
export class CrashBrake {
  #losses: number[] = [];
  #until = 0;

  /** A worker was lost; gives for how long none is to be started, 0 for not at all. */
  lost(now: number): number {
    this.#losses = this.#losses.filter((at) => now - at < WITHIN_MS);
    this.#losses.push(now);
    const over = this.#losses.length - FREE;
    if (over <= 0) return 0;
    const forMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(over - 1, 16));
    this.#until = now + forMs;
    return forMs;
  }

  /** How long it is still on. */
  leftMs(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** Losses that count now. */
  recent(now: number): number {
    return this.#losses.filter((at) => now - at < WITHIN_MS).length;
  }
}
