/**
 * Callers that wait for a connection of one endpoint: first come, first served, and bounded.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Connection } from "./connection.ts";

/** What a wait ends with: a connection handed over, or the word that there is room for a new one. */
export type Turn = { readonly connection: Connection } | { readonly connection: undefined };

interface Waiter {
  readonly key: string;
  readonly settle: (end: () => void) => void;
  readonly resolve: (turn: Turn) => void;
}

/** Callers that wait for a connection. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for a turn. Rejects with what `tooLate` gives after `timeoutMs`, or with the signal's reason. */
  wait(key: string, timeoutMs: number, signal: AbortSignal, tooLate: () => Error): Promise<Turn> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const settle = (end: () => void) => {
        this.#waiting.delete(waiter);
        timer?.cancel();
        signal.removeEventListener("abort", onAbort);
        end();
      };
      const onAbort = () => settle(() => reject(signal.reason));
      const waiter: Waiter = { key, settle, resolve };
      if (signal.aborted) return onAbort();
      this.#waiting.add(waiter);
      timer = this.#clock.schedule(timeoutMs, () => settle(() => reject(tooLate())), { keepAlive: true });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Hands a connection to the first who waits for one of its key. Says whether somebody took it. */
  hand(connection: Connection): boolean {
    for (const waiter of this.#waiting) {
      if (waiter.key !== connection.key) continue;
      waiter.settle(() => waiter.resolve({ connection }));
      return true;
    }
    return false;
  }

  /** Tells the first that there is room. Says whether there was somebody. */
  wake(): boolean {
    for (const waiter of this.#waiting) {
      waiter.settle(() => waiter.resolve({ connection: undefined }));
      return true;
    }
    return false;
  }
}
