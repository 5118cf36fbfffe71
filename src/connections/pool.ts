/**
 * The connections of a manager: how many may be open, which are idle, who gets the next one. What happens on the way of a call
 * reads no clock: what depends on time is done by the sweep (`sweep.ts`), once a second, while there is anything to sweep.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { EventSource } from "../events.ts";
import { createStateStats, type StateStats } from "../stats/mod.ts";
import type { Backend } from "./backend.ts";
import { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionEvent } from "./events.ts";
import { LeakWatch } from "./leaks.ts";
import { ConnectionLease, type Lease, type LeaseHome } from "./lease.ts";
import type { Traffic } from "./traffic.ts";
import type { Turn, Waiter, Wish } from "./waiters.ts";

/** What a pool stands on. */
export interface PoolContext {
  readonly clock: Clock;
  readonly events: EventSource<ConnectionEvent>;
  /** Connections that may be open, of all endpoints. */
  readonly limit: { readonly max: number };
  /** The endpoints there are, those that were replaced and still have connections included. */
  readonly endpoints: () => Iterable<Endpoint>;
  /** Has the sweep come by. */
  readonly sweep: () => void;
  /** Told how long a connection was in use, and how long it was idle before: of those that are sampled. */
  readonly onUsed: (endpoint: string, inUseMs: number) => void;
  /** Remembers what is read and written, where that is wanted. */
  readonly traffic: Traffic | undefined;
  /** Whether leases are sampled. */
  readonly observe: boolean;
}

/** Lifetimes vary by this share, so that connections opened together are not closed together. */
const JITTER = 0.1;
/** So often somebody may be passed over for whom the connection would have had to be closed and another one opened. */
const MAX_PASSED = 8;

/** The connections of a manager. */
export class Pool implements LeaseHome {
  /** Connections open or being opened. */
  open = 0;
  /** The most there ever were. */
  peak = 0;
  /** Connections that nobody uses. */
  idle = 0;
  readonly leaks: LeakWatch;
  readonly traffic: Traffic | undefined;
  /** How long connections are in each state. */
  readonly states: StateStats;
  readonly #context: PoolContext;
  /** Slots kept for those who were told that there is room. */
  #promised = 0;
  /** Endpoints of which somebody waits. */
  readonly #waiting = new Set<Endpoint>();
  #closed = false;
  #onEmpty: (() => void) | undefined;

  constructor(context: PoolContext) {
    this.#context = context;
    this.traffic = context.traffic;
    this.states = createStateStats({ clock: context.clock });
    this.leaks = new LeakWatch((connection) => {
      const { backend: { endpoint, label: address }, taker } = connection;
      context.events.emit({ type: "leaked", endpoint, address, taker });
      this.close(connection, undefined);
    }, context.observe);
  }

  /** Takes an idle connection of an address out of the pool; undefined where there is none fit to use. */
  take(backend: Backend, key: string): Connection | undefined {
    for (;;) {
      const connection = backend.takeIdle(key);
      if (connection === undefined) return undefined;
      this.idle--;
      // Its watch tells of news in a later turn than the one in which they come.
      if (connection.socket.quiet && !connection.expired) {
        backend.inUse++;
        backend.counts.reused++;
        return connection;
      }
      backend.counts.evicted++;
      this.#closeNow(connection);
    }
  }

  /** A lease of a connection that was taken, or is new. */
  lend(connection: Connection): Lease {
    connection.state = "in use";
    connection.warm = false;
    connection.uses++;
    if (connection.loose) {
      connection.loose = false;
      connection.socket.hold(true);
    }
    const lease = new ConnectionLease(this, connection);
    if (this.leaks.wants) this.#sample(lease, connection);
    return lease;
  }

  /**
   * Makes room for one more connection to an address, closing an idle one of another where need be and allowed; undefined where
   * there is none.
   */
  reserve(
    endpoint: Endpoint,
    backend: Backend,
    key: string,
    { evict = true }: { readonly evict?: boolean } = {},
  ): Connection | undefined {
    if (this.#closed || endpoint.retired) return undefined;
    if (backend.connections.size >= endpoint.settings.pool.maxPerAddress) {
      if (!evict || !this.#closeIdleOf(backend)) return undefined;
    }
    if (this.open + this.#promised >= this.#context.limit.max) {
      if (!evict || !this.#closeIdleOfAll()) return undefined;
    }
    const { clock } = this.#context;
    const now = clock.monotonic();
    const span = endpoint.settings.pool.maxLifetimeMs * (1 - JITTER + 2 * JITTER * clock.random());
    const connection = new Connection(backend, key, now, now + span, this.states.start("connecting", now));
    backend.connections.add(connection);
    backend.inUse++;
    this.peak = Math.max(this.peak, ++this.open);
    this.#context.sweep();
    return connection;
  }

  /** A reserved connection is open. */
  opened(connection: Connection): void {
    connection.since = this.#context.clock.monotonic();
    connection.life.to("in use", connection.since);
    connection.socket.onNews(() => {
      if (connection.state === "pooled") this.#evict(connection);
    });
  }

  /** Whether there is room for one more connection to an address, or an idle one to use. */
  hasRoom(endpoint: Endpoint, backend: Backend, key: string): boolean {
    if (backend.hasIdle(key)) return true;
    if (backend.connections.size >= endpoint.settings.pool.maxPerAddress && backend.idleCount === 0) {
      return false;
    }
    return this.open + this.#promised < this.#context.limit.max || this.idle > 0;
  }

  /** Waits for a connection that comes back, or for room. Whoever is told that there is room has to `redeem` it. */
  wait(endpoint: Endpoint, wish: Wish): Promise<Turn> {
    const turn = endpoint.waiters.wait(wish);
    this.#waiting.add(endpoint);
    this.#context.sweep();
    // There may be room already: only those who were told of it before had to be let pass.
    this.pump();
    return turn;
  }

  /** The room that was kept is used now. */
  redeem(endpoint: Endpoint): void {
    endpoint.waiters.promised--;
    this.#promised--;
  }

  /** Tells those who wait, the longest first, of whatever room there is. */
  pump(): void {
    if (this.#waiting.size === 0 || this.#closed) return;
    const waiting: { readonly endpoint: Endpoint; readonly number: number }[] = [];
    for (const endpoint of this.#waiting) {
      const { first } = endpoint.waiters;
      if (first === undefined) this.#waiting.delete(endpoint);
      else waiting.push({ endpoint, number: first.number });
    }
    if (waiting.length > 1) waiting.sort((a, b) => a.number - b.number);
    for (const { endpoint } of waiting) this.#pumpOne(endpoint);
  }

  /** A connection that could not be opened, or is not wanted any more. */
  abandon(connection: Connection): void {
    if (connection.state === "closed") return;
    connection.backend.inUse--;
    this.#closeNow(connection);
  }

  release(connection: Connection, fit: boolean): void {
    // It may have been closed under its lease.
    if (connection.state === "closed") return;
    if (connection.taker !== undefined) this.#unsample(connection);
    const { backend } = connection;
    const { health } = backend;
    if (
      !fit || this.#closed || backend.draining || connection.expired || !health.isUp ||
      !connection.socket.quiet
    ) return this.abandon(connection);
    health.used();
    // Whoever waits for it gets it at once: it does not even touch the pool.
    if (this.#waiting.size > 0 && this.#hand(connection)) return;
    backend.inUse--;
    if (backend.idleCount >= backend.owner.settings.pool.maxIdle) return this.#closeNow(connection);
    connection.state = "pooled";
    backend.putIdle(connection);
    this.idle++;
    if (this.#waiting.size > 0) this.pump();
  }

  close(connection: Connection, error: unknown): void {
    if (connection.state === "closed") return;
    if (connection.taker !== undefined) this.#unsample(connection);
    const { backend } = connection;
    if (error !== undefined) {
      const reason = errorMessage(error);
      if (backend.health.useFailed(reason) === "marked-down") this.markedDown(backend);
    }
    this.abandon(connection);
  }

  leave(connection: Connection): void {
    if (connection.taker !== undefined) this.#unsample(connection);
    connection.socket.onClose(() => this.abandon(connection));
  }

  /** An address is out of rotation: nothing idle is kept there, and who waits for it looks elsewhere. */
  markedDown(backend: Backend): void {
    const { clock, events } = this.#context;
    const { health, endpoint, label: address } = backend;
    const forMs = health.downUntil - clock.monotonic();
    events.emit({ type: "marked-down", endpoint, address, reason: health.reason ?? "", forMs });
    this.drain(backend);
    this.pump();
  }

  /** Closes the idle connections of an address; of all keys. */
  drain(backend: Backend): void {
    for (const connection of [...backend.idleConnections()]) this.discard(connection);
  }

  /** Closes what is idle, now; what is in use when it comes back, or at once. Resolves when nothing is open. */
  end(force: boolean): Promise<void> {
    this.#closed = true;
    for (const endpoint of [...this.#context.endpoints()]) {
      for (const backend of [...endpoint.backends.values()]) {
        this.drain(backend);
        if (!force) continue;
        for (const connection of [...backend.connections]) {
          if (connection.socket) this.close(connection, undefined);
        }
      }
    }
    if (this.open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onEmpty;
      this.#onEmpty = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Closes a connection that is idle. */
  discard(connection: Connection): void {
    if (connection.backend.removeIdle(connection)) this.idle--;
    this.#closeNow(connection);
  }

  /** Whether anybody waits. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  #pumpOne(endpoint: Endpoint): void {
    const { waiters } = endpoint;
    for (let first = waiters.first; first !== undefined; first = waiters.first) {
      const { tier, usable } = first.wish;
      if (endpoint.retired || !endpoint.tiers.includes(tier) || !tier.backends.some(usable)) {
        first.settle({ kind: "look" });
        continue;
      }
      if (!this.#hasRoomFor(endpoint, first)) return;
      waiters.promised++;
      this.#promised++;
      first.settle({ kind: "room" });
    }
    this.#waiting.delete(endpoint);
  }

  /** Whether there is room that nobody was told of yet. */
  #hasRoomFor(endpoint: Endpoint, { wish: { tier, usable } }: Waiter): boolean {
    let free = -endpoint.waiters.promised;
    for (const backend of tier.backends) {
      if (!usable(backend)) continue;
      free += Math.max(0, endpoint.settings.pool.maxPerAddress - backend.connections.size);
      free += backend.idleCount;
    }
    return free > 0 && this.#context.limit.max - this.open - this.#promised + this.idle > 0;
  }

  /** Hands a connection to whoever waits for one like it. Says whether there was somebody. */
  #hand(connection: Connection): boolean {
    const { owner: endpoint } = connection.backend;
    const waiter = endpoint.waiters.firstFor(connection);
    if (waiter === undefined || this.#mustYield(endpoint, waiter)) return false;
    waiter.settle({ kind: "connection", connection });
    return true;
  }

  /** Whether somebody has waited for longer and was passed over often: of another key, or, where all slots are taken, of another endpoint. */
  #mustYield(endpoint: Endpoint, waiter: Waiter): boolean {
    for (const other of this.#waiting) {
      if (other !== endpoint && this.open < this.#context.limit.max) continue;
      const { first } = other.waiters;
      if (first === undefined || first === waiter || first.number > waiter.number) continue;
      if (first.passed++ >= MAX_PASSED) return true;
    }
    return false;
  }

  /** A few leases of each second are looked at closely: where they were taken, for how long, and whether they are lost. */
  #sample(lease: Lease, connection: Connection): void {
    connection.takenAt = this.#context.clock.monotonic();
    this.leaks.watch(lease, connection);
  }

  #unsample(connection: Connection): void {
    this.leaks.unwatch(connection);
    this.#context.onUsed(connection.backend.endpoint, this.#context.clock.monotonic() - connection.takenAt);
  }

  /** An idle connection of which there is news: nothing good. */
  #evict(connection: Connection): void {
    connection.backend.counts.evicted++;
    this.discard(connection);
  }

  #closeNow(connection: Connection, pump = true): void {
    const { backend } = connection;
    connection.state = "closed";
    connection.life.end();
    connection.socket?.destroy();
    if (!backend.connections.delete(connection)) return;
    this.open--;
    backend.owner.forget(backend);
    if (pump) this.pump();
    if (this.open === 0) this.#onEmpty?.();
  }

  #closeIdleOf(backend: Backend): boolean {
    const [oldest] = backend.idleConnections();
    return this.#makeWay(oldest);
  }

  /** Closes the connection that has been idle longest, as far as the sweep has looked. */
  #closeIdleOfAll(): boolean {
    if (this.idle === 0) return false;
    let oldest: Connection | undefined;
    for (const endpoint of this.#context.endpoints()) {
      for (const backend of endpoint.backends.values()) {
        for (const connection of backend.idleConnections()) {
          if (oldest === undefined || connection.since < oldest.since) oldest = connection;
        }
      }
    }
    return this.#makeWay(oldest);
  }

  /** The room is for who asked, and for nobody who waits. */
  #makeWay(connection: Connection | undefined): boolean {
    if (connection === undefined) return false;
    if (connection.backend.removeIdle(connection)) this.idle--;
    this.#closeNow(connection, false);
    return true;
  }
}
