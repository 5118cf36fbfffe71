/**
 * The connections of a manager: how many may be open, which are idle, when they are closed. Of what it does on the way of a
 * call, nothing reads the clock: what depends on time is done by one sweep a second, while there is anything to sweep.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { detached } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { EventSource } from "../events.ts";
import type { Backend } from "./backend.ts";
import { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionEvent } from "./events.ts";
import { LeakWatch } from "./leaks.ts";
import { ConnectionLease, type Lease, type LeaseHome } from "./lease.ts";

/** What a pool stands on. */
export interface PoolContext {
  readonly clock: Clock;
  readonly events: EventSource<ConnectionEvent>;
  /** Connections that may be open, of all endpoints. */
  readonly limit: { readonly max: number };
  /** The endpoints there are, those that were replaced and still have connections included. */
  readonly endpoints: () => Iterable<Endpoint>;
  /** Opens idle connections where an endpoint wants more of them. */
  readonly fill: (endpoint: Endpoint) => void;
}

const SWEEP_MS = 1_000;
/** Lifetimes vary by this share, so that connections opened together are not closed together. */
const JITTER = 0.1;

/** The connections of a manager. */
export class Pool implements LeaseHome {
  /** Connections open or being opened. */
  open = 0;
  /** The most there ever were. */
  peak = 0;
  readonly leaks: LeakWatch;
  readonly #context: PoolContext;
  #sweeping: Timer | undefined;
  #closed = false;

  constructor(context: PoolContext) {
    this.#context = context;
    this.leaks = new LeakWatch((connection) => {
      const { backend: { endpoint, label: address }, taker } = connection;
      context.events.emit({ type: "leaked", endpoint, address, taker });
      this.close(connection, undefined);
    });
  }

  /** Takes an idle connection of an address out of the pool; undefined where there is none fit to use. */
  take(backend: Backend, key: string): Connection | undefined {
    for (;;) {
      const connection = backend.takeIdle(key);
      if (connection === undefined) return undefined;
      connection.unpark();
      // Its watch tells of news in a later turn than the one in which they come.
      if (connection.socket.destroyed) {
        this.#closeNow(connection);
        continue;
      }
      backend.inUse++;
      backend.counts.reused++;
      return connection;
    }
  }

  /** A lease of a connection that was taken, or is new. */
  lend(connection: Connection): Lease {
    connection.state = "in use";
    connection.uses++;
    if (connection.loose) {
      connection.loose = false;
      connection.socket.hold(true);
    }
    const lease = new ConnectionLease(this, connection);
    this.leaks.watch(lease, connection);
    return lease;
  }

  /** Makes room for one more connection to an address, closing an idle one of another where need be; undefined where there is none. */
  reserve(endpoint: Endpoint, backend: Backend, key: string): Connection | undefined {
    if (backend.connections.size >= endpoint.settings.pool.maxPerAddress && !this.#closeIdleOf(backend)) {
      return undefined;
    }
    if (this.open >= this.#context.limit.max && !this.#closeIdleOfAll()) return undefined;
    const { clock } = this.#context;
    const now = clock.monotonic();
    const span = endpoint.settings.pool.maxLifetimeMs * (1 - JITTER + 2 * JITTER * clock.random());
    const connection = new Connection(backend, key, now, now + span);
    backend.connections.add(connection);
    backend.inUse++;
    this.peak = Math.max(this.peak, ++this.open);
    return connection;
  }

  /** Whether there is room for one more connection to an address, or an idle one to use. */
  hasRoom(endpoint: Endpoint, backend: Backend, key: string): boolean {
    if ((backend.idle.get(key)?.length ?? 0) > 0) return true;
    if (backend.connections.size >= endpoint.settings.pool.maxPerAddress && backend.idleCount === 0) {
      return false;
    }
    return this.open < this.#context.limit.max || this.#hasIdle();
  }

  /** A connection that could not be opened, or is not wanted any more. */
  abandon(connection: Connection): void {
    connection.backend.inUse--;
    this.#closeNow(connection);
  }

  release(connection: Connection, fit: boolean): void {
    const { backend, socket } = connection;
    this.leaks.unwatch(connection);
    const endpoint = backend.owner;
    if (!fit || this.#closed || backend.draining || socket.destroyed) return this.abandon(connection);
    // Whoever waits for it gets it at once: it does not even touch the pool.
    if (endpoint.waiters.size > 0 && endpoint.waiters.hand(connection)) return;
    backend.inUse--;
    if (backend.idleCount >= endpoint.settings.pool.maxIdle) return this.#closeNow(connection);
    connection.state = "pooled";
    backend.putIdle(connection);
    connection.park(() => this.#evict(connection));
    this.#sweep();
  }

  close(connection: Connection, error: unknown): void {
    this.leaks.unwatch(connection);
    const { backend } = connection;
    if (error !== undefined) this.#blame(backend, error);
    if (connection.state !== "closed") this.abandon(connection);
  }

  leave(connection: Connection): void {
    this.leaks.unwatch(connection);
    connection.socket.onClose(() => {
      if (connection.state !== "closed") this.abandon(connection);
    });
  }

  /** An address was at fault, or proved well. */
  #blame(backend: Backend, error: unknown): void {
    const change = backend.health.failed(errorMessage(error));
    const { endpoint, label: address } = backend;
    if (change === "marked-down") {
      const { clock, events } = this.#context;
      const forMs = backend.health.downUntil - clock.monotonic();
      events.emit({ type: "marked-down", endpoint, address, reason: errorMessage(error), forMs });
    }
  }

  /** Closes the idle connections of an address; of all keys. */
  drain(backend: Backend): void {
    for (const connection of [...backend.idleConnections()]) this.#discard(connection);
  }

  /** Closes what is idle, now; what is in use when it comes back, or at once. */
  end(force: boolean): void {
    this.#closed = true;
    this.#sweeping?.cancel();
    this.#sweeping = undefined;
    for (const endpoint of [...this.#context.endpoints()]) {
      for (const backend of [...endpoint.backends.values()]) {
        this.drain(backend);
        if (!force) continue;
        for (const connection of [...backend.connections]) {
          if (connection.socket) this.close(connection, undefined);
        }
      }
    }
  }

  /** An idle connection of which there is news: nothing good. */
  #evict(connection: Connection): void {
    if (connection.state !== "pooled") return;
    connection.backend.counts.evicted++;
    this.#discard(connection);
  }

  #discard(connection: Connection): void {
    connection.unpark();
    connection.backend.removeIdle(connection);
    this.#closeNow(connection);
  }

  #closeNow(connection: Connection): void {
    const { backend } = connection;
    connection.state = "closed";
    connection.socket?.destroy();
    if (!backend.connections.delete(connection)) return;
    this.open--;
    const endpoint = backend.owner;
    endpoint.forget(backend);
    this.#wakeOne(endpoint);
  }

  /** There is room for one more: for the endpoint it was of, or for another one. */
  #wakeOne(endpoint: Endpoint): void {
    if (this.#closed || endpoint.waiters.wake()) return;
    for (const other of this.#context.endpoints()) if (other.waiters.wake()) return;
  }

  #closeIdleOf(backend: Backend): boolean {
    const [oldest] = backend.idleConnections();
    if (oldest !== undefined) this.#discard(oldest);
    return oldest !== undefined;
  }

  /** Closes the connection that has been idle longest, as far as the sweep has looked. */
  #closeIdleOfAll(): boolean {
    let oldest: Connection | undefined;
    for (const connection of this.#allIdle()) {
      if (oldest === undefined || connection.since < oldest.since) oldest = connection;
    }
    if (oldest !== undefined) this.#discard(oldest);
    return oldest !== undefined;
  }

  #hasIdle(): boolean {
    return !this.#allIdle().next().done;
  }

  *#allIdle(): Generator<Connection> {
    for (const endpoint of this.#context.endpoints()) {
      for (const backend of endpoint.backends.values()) yield* backend.idleConnections();
    }
  }

  /** Has the sweep come by, as long as there is anything to sweep. */
  #sweep(): void {
    if (this.#sweeping !== undefined || this.#closed) return;
    this.#sweeping = detached(() =>
      this.#context.clock.schedule(SWEEP_MS, () => {
        this.#sweeping = undefined;
        this.#sweepNow();
        if (this.open > 0) this.#sweep();
      })
    );
  }

  /** Begins to sweep, where connections are kept open for nobody yet. */
  watch(): void {
    this.#sweep();
  }

  #sweepNow(): void {
    const now = this.#context.clock.monotonic();
    for (const endpoint of [...this.#context.endpoints()]) {
      const { idleMs, minIdle } = endpoint.settings.pool;
      // Looked at, so that addresses that are gone are drained.
      for (const tier of endpoint.tiers) void tier.backends;
      for (const backend of [...endpoint.backends.values()]) {
        backend.connectMs = backend.pace.at(now);
        let kept = 0;
        for (const connection of [...backend.idleConnections()].reverse()) {
          if (connection.lastUses !== connection.uses) {
            // It was used since the last look.
            connection.lastUses = connection.uses;
            connection.since = now;
          }
          if (now >= connection.expiresAt) this.#discard(connection);
          else if (++kept > minIdle && now - connection.since >= idleMs) this.#discard(connection);
          else if (!connection.loose) {
            connection.loose = true;
            connection.socket.hold(false);
          }
        }
      }
      if (minIdle > 0) this.#context.fill(endpoint);
    }
  }
}
