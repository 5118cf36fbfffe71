/**
 * One connection of a pool, and the states it goes through.
 *
 * ```text
 * connecting -> handshaking -> in use <-> pooled -> closed
 *      |             |                                ^
 *      +-------------+--------------------------------+
 * ```
 *
 * @module
 */

import type { PlatformSocket } from "../platform/port.ts";
import type { TimedMachine } from "../stats/mod.ts";
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
  key: string;
  /** Whether it was opened for nobody, and nobody has had it yet. */
  warm = false;
  readonly openedAt: number;
  /** Monotonic time from which it is not used again. */
  readonly expiresAt: number;
  state: ConnectionState = "connecting";
  /** The time spent in each state. Between "in use" and "pooled" it goes by what the sweep sees. */
  readonly life: TimedMachine;
  /** Monotonic time of the last change of state; of states that are passed through often, as the sweep has seen it. */
  since: number;
  socket!: PlatformSocket;
  /** Whether it is not to be used again: it is too old, or its endpoint has changed. */
  expired = false;
  /** Whether it speaks TLS. */
  secure = false;
  /** How often it was handed out. */
  uses = 0;
  /** `uses` when the sweep last came by. */
  lastUses = 0;
  /** Whether it was told not to keep the process alive. */
  loose = false;
  /** Whether it was reported as held for long, in this use. */
  reported = false;
  /** Where it was taken, in those that are sampled. */
  taker: string | undefined;
  /** Monotonic time at which it was taken, in those that are sampled. */
  takenAt = 0;
  /** What a protocol keeps with its connection. */
  wrapped: unknown = undefined;

  constructor(backend: Backend, key: string, now: number, expiresAt: number, life: TimedMachine) {
    this.backend = backend;
    this.key = key;
    this.openedAt = now;
    this.since = now;
    this.expiresAt = expiresAt;
    this.life = life;
  }
}
