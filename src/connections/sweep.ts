/**
 * What becomes of connections with time: idle ones are closed, old ones are not used again, addresses that are gone are drained,
 * leases held for long are reported. One look a second does it all, while there is anything to look at.
 *
 * @module
 */

import { type Clock, detached, type Timer } from "../clock.ts";
import type { EventSource } from "../events.ts";
import type { Backend } from "./backend.ts";
import type { CountingBudget } from "./budget.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionEvent } from "./events.ts";
import type { Pool } from "./pool.ts";

/** What is swept. */
export interface SweepContext {
  readonly clock: Clock;
  readonly events: EventSource<ConnectionEvent>;
  readonly endpoints: () => Iterable<Endpoint>;
  readonly pool: () => Pool;
  readonly budget: CountingBudget;
  /** Opens idle connections where an endpoint wants more of them. */
  readonly fill: (endpoint: Endpoint) => void;
}

/** The sweep of a manager. */
export interface Sweep {
  /** Has it come by, in a second and then on, until there is nothing to sweep. */
  begin(): void;
  /** Ends it for good. */
  close(): void;
}

const SWEEP_MS = 1_000;

/** Makes a sweep; it begins when it is told to. */
export function createSweep({ clock, events, endpoints, pool, budget, fill }: SweepContext): Sweep {
  let timer: Timer | undefined;
  let closed = false;

  function begin(): void {
    if (timer !== undefined || closed) return;
    timer = detached(() =>
      clock.schedule(SWEEP_MS, () => {
        timer = undefined;
        if (sweep()) begin();
      })
    );
  }

  /** One look. Says whether there is to be another. */
  function sweep(): boolean {
    const now = clock.monotonic();
    let isWanted = false;
    budget.settle();
    pool().leaks.renew();
    for (const endpoint of [...endpoints()]) {
      const { minIdle } = endpoint.settings.pool;
      isWanted ||= minIdle > 0;
      if (endpoint.backends.size === 0 && minIdle === 0) continue;
      // Looked at, so that addresses that are gone are drained: not where nothing is open, or every name would be in use for ever.
      const isOpen = [...endpoint.backends.values()].some(({ connections }) => connections.size > 0);
      if (isOpen || minIdle > 0) { for (const tier of endpoint.tiers) void tier.backends; }
      for (const backend of [...endpoint.backends.values()]) sweepBackend(endpoint, backend, now);
      if (minIdle > 0 && !endpoint.retired) fill(endpoint);
    }
    pool().pump();
    return isWanted || pool().open > 0 || pool().hasWaiting;
  }

  function sweepBackend(endpoint: Endpoint, backend: Backend, now: number): void {
    const { idleMs, minIdle, heldMs } = endpoint.settings.pool;
    backend.connectMs = backend.pace.at(now);
    for (const connection of backend.connections) {
      if (connection.lastUses !== connection.uses) {
        // It was used since the last look.
        connection.lastUses = connection.uses;
        connection.since = now;
        connection.reported = false;
      }
      if (connection.life.state !== connection.state) connection.life.to(connection.state, now);
      if (now >= connection.expiresAt) connection.expired = true;
      if (connection.state === "in use" && now - connection.since >= heldMs) reportHeld(connection, now);
    }
    let kept = 0;
    for (const connection of [...backend.idleConnections()].reverse()) {
      if (connection.expired || (++kept > minIdle && now - connection.since >= idleMs)) {
        pool().discard(connection);
      } else if (!connection.loose) {
        connection.loose = true;
        connection.socket.hold(false);
      }
    }
  }

  function reportHeld(connection: Connection, now: number): void {
    if (connection.reported) return;
    connection.reported = true;
    const { backend: { endpoint, label: address, counts }, taker } = connection;
    counts.held++;
    events.emit({ type: "held", endpoint, address, heldMs: now - connection.since, taker });
  }

  return {
    begin,
    close() {
      closed = true;
      timer?.cancel();
      timer = undefined;
    },
  };
}
