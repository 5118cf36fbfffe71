/**
 * Leases that are lost: collected as garbage without having been given back. Watching one costs more than handing it out, so
 * only some are watched until the first one is lost; from then on, all are.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Lease } from "./lease.ts";

/** A lease that was lost. */
export interface LostLease {
  readonly endpoint: string;
  readonly address: string;
  /** Where it was taken, where that is known. */
  readonly taker: string | undefined;
}

/** One lease in so many is watched. */
const SAMPLE = 64;

/** Watches leases. */
export class LeakWatch {
  /** Leases lost so far, of those that were watched. */
  lost = 0;
  /** The last one. */
  last: LostLease | undefined;
  #count = 0;
  readonly #registry: FinalizationRegistry<Connection> | undefined;

  /** `onLost` is told of the connection, which is still open. */
  constructor(onLost: (connection: Connection) => void) {
    if (typeof FinalizationRegistry === "undefined") return;
    this.#registry = new FinalizationRegistry((connection) => {
      this.lost++;
      const { backend, taker } = connection;
      this.last = { endpoint: backend.endpoint, address: backend.label, taker };
      onLost(connection);
    });
  }

  /** Looks at a lease that is handed out. */
  watch(lease: Lease, connection: Connection): void {
    connection.taker = undefined;
    if (this.lost === 0 && this.#count++ % SAMPLE !== 0) return;
    connection.taker = takerOf(new Error().stack);
    this.#registry?.register(lease, connection, connection);
  }

  /** It was given back. */
  unwatch(connection: Connection): void {
    if (connection.taker === undefined) return;
    connection.taker = undefined;
    this.#registry?.unregister(connection);
  }
}

/** The stack above the connection manager. */
function takerOf(stack = ""): string {
  const lines = stack.split("\n").slice(1).filter((line) => !/\/connections\/\w+\.[jt]s/.test(line));
  return lines.slice(0, 4).map((line) => line.trim()).join(" < ");
}
