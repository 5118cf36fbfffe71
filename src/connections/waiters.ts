/**
 * Callers that wait for a connection of one endpoint: first come, first served, and bounded.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Backend } from "./backend.ts";
import type { Connection } from "./connection.ts";
import type { Tier } from "./tier.ts";

/**
 * What a wait ends with: a connection that was handed over; room for a new one, which is kept for the waiter until it redeems
 * it; or the word that there is no point in waiting on, and that it should look again.
 */
export type Turn =
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "room" }
  | { readonly kind: "look" };

/** What somebody waits for. */
export interface Wish {
  readonly key: string;
  readonly tier: Tier;
  /** Which addresses will do. */
  readonly usable: (backend: Backend) => boolean;
  readonly signal: AbortSignal;
  /** How long to wait. */
  readonly timeoutMs: number;
  /** The error of a wait that took too long. */
  readonly tooLate: () => Error;
  /** Of one who waited before and was sent away with nothing: the number it had then, which is its place in the line. */
  readonly number?: number;
}

/** Somebody who waits. */
export interface Waiter {
  readonly wish: Wish;
  /** Its place in the line, of all endpoints: lower is sooner. */
  readonly number: number;
  /** How often somebody who came later was served before it. */
  passed: number;
  /** Ends the wait. */
  settle(turn: Turn): void;
}

let numbers = 0;

/** The next place in the line. */
export function nextNumber(): number {
  return ++numbers;
}

/** Callers that wait for a connection of one endpoint. */
export class Waiters {
  /** Slots that are kept for those who were told that there is room. */
  promised = 0;
  readonly #clock: Clock;
  /** In the order of their numbers; those who left are skipped from `#start` on, and in between. */
  #line: (Waiter | undefined)[] = [];
  #start = 0;
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Those whom a newcomer must not overtake. */
  get ahead(): number {
    return this.#size + this.promised;
  }

  /** Who has waited longest. */
  get first(): Waiter | undefined {
    while (this.#start < this.#line.length && this.#line[this.#start] === undefined) this.#start++;
    if (this.#start > 64 && this.#start * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#start);
      this.#start = 0;
    }
    return this.#line[this.#start];
  }

  /** Who has waited longest of those that this connection will do for. */
  firstFor(connection: Connection): Waiter | undefined {
    const { key, backend } = connection;
    void this.first;
    for (let index = this.#start; index < this.#line.length; index++) {
      const waiter = this.#line[index];
      if (waiter !== undefined && waiter.wish.key === key && waiter.wish.usable(backend)) {
        if (waiter.wish.tier.backends.includes(backend)) return waiter;
      }
    }
    return undefined;
  }

  /** Waits for a turn. Rejects with the wish's `tooLate`, or with the signal's reason. */
  wait(wish: Wish): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const { signal } = wish;
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#remove(waiter);
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const waiter: Waiter = {
        wish,
        number: wish.number ?? nextNumber(),
        passed: 0,
        settle(turn) {
          leave();
          resolve(turn);
        },
      };
      this.#insert(waiter);
      const timer = this.#clock.schedule(Math.max(0, wish.timeoutMs), () => {
        leave();
        reject(wish.tooLate());
      }, { keepAlive: true });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #insert(waiter: Waiter): void {
    this.#size++;
    // Nearly always at the end. One who was sent away with nothing goes back to where it was.
    let at = this.#line.length;
    while (at > this.#start && (this.#line[at - 1]?.number ?? Infinity) > waiter.number) at--;
    if (at === this.#line.length) this.#line.push(waiter);
    else this.#line.splice(at, 0, waiter);
  }

  #remove(waiter: Waiter): void {
    const at = this.#line.indexOf(waiter, this.#start);
    if (at === -1) return;
    this.#line[at] = undefined;
    if (--this.#size > 0) return;
    this.#line = [];
    this.#start = 0;
  }
}
