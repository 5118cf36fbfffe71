/**
 * What keeps a supervisor from starting children that crash, again and again.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** How many crashes are too many. */
export interface BrakeOptions {
  /** So many crashes within `withinMs` end the group. @default 5 */
  readonly crashes?: number | undefined;
  /** The time they are counted in. @default 10_000 */
  readonly withinMs?: number | undefined;
}

/** What follows from a crash. */
export type AfterCrash =
  /** Start another one, after a while. */
  | { readonly type: "wait"; readonly ms: number }
  /** Give up. */
  | { readonly type: "give up"; readonly why: string };

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** Counts crashes: the intensity of an Erlang supervisor, with a wait that doubles before each further start. */
export class RestartBrake {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #withinMs: number;
  #crashes: number[] = [];
  /** Children that ended before they were ready, since the last that was. */
  #failedStarts = 0;

  constructor(clock: Clock, { crashes = 5, withinMs = 10_000 }: BrakeOptions = {}) {
    this.#clock = clock;
    this.#most = crashes;
    this.#withinMs = withinMs;
  }

  /** A child is ready: those that were not are forgotten. */
  ready(): void {
    this.#failedStarts = 0;
  }

  /** A child has crashed. */
  crashed(wasReady: boolean): AfterCrash {
    const now = this.#clock.monotonic();
    this.#crashes.push(now);
    this.#prune(now);
    if (!wasReady) this.#failedStarts++;
    const recent = this.#crashes.length;
    if (recent >= this.#most) {
      return { type: "give up", why: `${recent} children crashed within ${this.#withinMs / 1_000} s` };
    }
    // A start may take longer than the window: without this the attempts would never end.
    if (this.#failedStarts >= this.#most) {
      return { type: "give up", why: `${this.#failedStarts} children in a row could not start` };
    }
    return {
      type: "wait",
      ms: Math.min(LONGEST_MS, FIRST_MS * 2 ** (Math.max(recent, this.#failedStarts) - 1)),
    };
  }

  /** Crashes that count now. */
  get recent(): number {
    this.#prune(this.#clock.monotonic());
    return this.#crashes.length;
  }

  #prune(now: number): void {
    this.#crashes = this.#crashes.filter((at) => now - at < this.#withinMs);
  }
}
