/**
 * One connection of a pool, and the states it goes through.
 *
 * ```text
 * connecting -> handshaking -> in use <-> pooled -> closed
 *      |             |
 *      +-------------+--> failed
 * ```
 *
 * @module
 */

import type { PlatformSocket } from "../platform/port.ts";
import type { Backend } from "./backend.ts";

/** Where a connection is in its life. */
export type ConnectionState = "connecting" | "handshaking" | "in use" | "pooled" | "closed";

/** Numbers for people: which connection it is. */
let numbers = 0;

/** One connection. */
export class Connection {
  readonly number = ++numbers;
  readonly backend: Backend;
  /** What tells it from others to the same address: TLS of its own, a user, a database. */
  readonly key: string;
  readonly openedAt: number;
  /** Monotonic time from which it is not used again. */
  readonly expiresAt: number;
  state: ConnectionState = "connecting";
  /** Monotonic time of the last change of state, or of the last look of the sweep where time is not read. */
  since: number;
  socket!: PlatformSocket;
  /** How often it was handed out. */
  uses = 0;
  /** `uses` when the sweep last came by. */
  lastUses = 0;
  /** Whether it was told not to keep the process alive. */
  loose = false;
  /** Where it was taken, in those that are sampled. */
  taker: string | undefined;
  /** What a protocol keeps with its connection. */
  wrapped: unknown;
  /** Ends the parked read. */
  #unpark: (() => void) | undefined;

  constructor(backend: Backend, key: string, now: number, expiresAt: number) {
    this.backend = backend;
    this.key = key;
    this.openedAt = now;
    this.since = now;
    this.expiresAt = expiresAt;
  }

  /** Watches for what an idle peer should not send: its end, an error, stray bytes. */
  park(onNews: () => void): void {
    this.#unpark = this.socket.onReadable(onNews);
  }

  /** Ends the watch. */
  unpark(): void {
    this.#unpark?.();
    this.#unpark = undefined;
  }
}
