/**
 * Leases that are lost: collected as garbage without having been given back. To watch one costs many times what handing it out
 * does, so a few of each second are watched: all of them where there are few, enough of them where there are many.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Lease } from "./lease.ts";

/** A lease that was lost. */
export interface LostLease {
  /** What was asked for. */
  readonly endpoint: string;
  /** `10.0.0.4:5432`. */
  readonly address: string;
  /** Where it was taken, where that is known. */
  readonly taker: string | undefined;
}

/** Leases of a second that are watched: about a third of a millisecond. */
const CALM = 50;
/** And once one was lost. */
const ALERT = 1_000;

/** The folder of the connection manager, whose own frames say nothing. In a bundle there is none, and no URL either. */
const HERE = import.meta.url?.replace(/[^/]*$/, "") || "no folder";

/** Watches leases. */
export class LeakWatch {
  /** Leases lost so far, of those that were watched. */
  lost = 0;
  /** The last one. */
  last: LostLease | undefined;
  #left = 0;
  readonly #enabled: boolean;
  readonly #registry: FinalizationRegistry<Connection> | undefined;

  /** `onLost` is told of the connection, which is still open. */
  constructor(onLost: (connection: Connection) => void, enabled: boolean) {
    this.#enabled = enabled;
    if (!enabled) return;
    this.#left = CALM;
    if (typeof FinalizationRegistry === "undefined") return;
    this.#registry = new FinalizationRegistry((connection) => {
      this.lost++;
      const { backend, taker } = connection;
      this.last = { endpoint: backend.endpoint, address: backend.label, taker };
      onLost(connection);
    });
  }

  /** A second has passed. */
  renew(): void {
    if (this.#enabled) this.#left = this.lost === 0 ? CALM : ALERT;
  }

  /** Whether one more is to be watched. */
  get wants(): boolean {
    return this.#left > 0;
  }

  /** Watches a lease that is handed out. */
  watch(lease: Lease, connection: Connection): void {
    this.#left--;
    connection.taker = takerOf(new Error().stack);
    this.#registry?.register(lease, connection, connection);
  }

  /** It was given back. */
  unwatch(connection: Connection): void {
    connection.taker = undefined;
    this.#registry?.unregister(connection);
  }
}

/** The stack above the connection manager. */
function takerOf(stack = ""): string {
  const lines = stack.split("\n").slice(1).filter((line) => !line.includes(HERE));
  return lines.slice(0, 4).map((line) => line.trim()).join(" < ");
}
