/**
 * From an endpoint to an open connection: which address is tried when, and what is said when all have failed.
 *
 * @module
 */

import { BallastError, errorMessage } from "../errors.ts";
import type { EventSource } from "../events.ts";
import type { PlatformSocket } from "../platform/port.ts";
import { deadlineSignal } from "../signal.ts";
import type { Backend } from "./backend.ts";
import type { RetryBudget } from "./budget.ts";
import type { Connection } from "./connection.ts";
import { dial, DialFailure, type DialOptions } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { type ConnectAttempt, ConnectError, OutOfConnectionsError } from "./errors.ts";
import type { ConnectionEvent } from "./events.ts";
import { staggeredRetries } from "./hedge.ts";
import type { Lease } from "./lease.ts";
import type { TlsOptions } from "./options.ts";
import type { Pool } from "./pool.ts";
import type { Tier } from "./tier.ts";
import { placeText } from "./place.ts";

/** What connecting stands on. */
export interface ConnectorContext extends DialOptions {
  readonly pool: Pool;
  readonly budget: RetryBudget;
  readonly events: EventSource<ConnectionEvent>;
}

/** One call. */
export interface ConnectRequest {
  readonly endpoint: Endpoint;
  readonly key: string;
  readonly tls: TlsOptions | undefined;
  /** Ends the call: the caller's signal, the context's deadline, the call's own time. */
  readonly signal: AbortSignal;
  /** Monotonic time of the call. */
  readonly startedAt: number;
}

/** RFC 8305, 5: how long the first family is given before the second one is tried as well. */
const RACE_MS = 250;

/** Makes connections. */
export class Connector {
  readonly #context: ConnectorContext;

  constructor(context: ConnectorContext) {
    this.#context = context;
  }

  /** A lease, new or pooled. Rejects with a {@linkcode ConnectError}, an {@linkcode OutOfConnectionsError}, or the signal's reason. */
  async connect(request: ConnectRequest): Promise<Lease> {
    const { endpoint, signal } = request;
    const attempts: ConnectAttempt[] = [];
    const panic = endpoint.isDown;
    if (panic) endpoint.counts.panics++;
    for (const [index, tier] of endpoint.tiers.entries()) {
      if (index > 0) {
        endpoint.counts.fallbacks++;
        this.#context.events.emit({ type: "fallback", endpoint: endpoint.name, tier: index });
      }
      const lease = await this.#tryTier(request, tier, panic, attempts);
      if (lease !== undefined) return lease;
      signal.throwIfAborted();
    }
    endpoint.counts.failed++;
    const why = attempts.length === 0 ? "every address is out of rotation" : "every address failed";
    throw new ConnectError(endpoint.name, attempts, why);
  }

  /** Opens a connection for nobody, and puts it into the pool. */
  async warm(endpoint: Endpoint, backend: Backend, signal: AbortSignal): Promise<void> {
    const connection = this.#context.pool.reserve(endpoint, backend, "");
    if (connection === undefined) return;
    await this.#open(connection, endpoint, endpoint.settings.tls, signal);
    this.#context.pool.release(connection, true);
  }

  async #tryTier(
    request: ConnectRequest,
    tier: Tier,
    panic: boolean,
    attempts: ConnectAttempt[],
  ): Promise<Lease | undefined> {
    const { endpoint, key, signal } = request;
    const { pool } = this.#context;
    const tried = new Set<Backend>();
    await this.#resolve(request, tier, attempts);
    for (;;) {
      signal.throwIfAborted();
      const usable = (backend: Backend) => !tried.has(backend) && (panic || backend.health.admits);
      const able = (backend: Backend) => usable(backend) && pool.hasRoom(endpoint, backend, key);
      const backend = endpoint.choose(tier, able);
      if (backend === undefined) {
        if (!tier.backends.some(usable)) return undefined;
        const turn = await this.#wait(request);
        if (turn === undefined) continue;
        const lease = await this.#check(request, turn, false);
        if (lease === undefined) continue;
        endpoint.counts.reused++;
        return lease;
      }
      const pooled = pool.take(backend, key);
      if (pooled !== undefined) {
        const lease = await this.#check(request, pooled, false);
        if (lease === undefined) continue;
        endpoint.counts.reused++;
        return lease;
      }
      if (attempts.length > 0 && !this.#context.budget.withdraw()) {
        endpoint.counts.failed++;
        throw new ConnectError(
          endpoint.name,
          attempts,
          "the retry budget is spent, so no other address is tried",
        );
      }
      const lease = await this.#dial(request, tier, backend, able, tried, attempts);
      if (lease !== undefined) return lease;
    }
  }

  /** Resolves a tier's names, those of which nothing is held. */
  async #resolve(
    { endpoint, signal, startedAt }: ConnectRequest,
    tier: Tier,
    attempts: ConnectAttempt[],
  ): Promise<void> {
    void tier.backends;
    if (!tier.isUnresolved) return;
    const { clock } = this.#context;
    const { dnsMs } = endpoint.settings.timeouts;
    const deadline = deadlineSignal(dnsMs, {
      clock,
      signal,
      what: `resolving the names of ${endpoint.name}`,
    });
    const failed = await tier.resolve(deadline.signal).finally(deadline.release);
    signal.throwIfAborted();
    for (const { place, error } of failed) {
      const address = placeText(place);
      const { code = "FAILED" } = error as { readonly code?: string };
      const reason = errorMessage(error);
      attempts.push({ address, phase: "dns", code, reason, tookMs: clock.monotonic() - startedAt });
      this.#context.events.emit({
        type: "failed",
        endpoint: endpoint.name,
        address,
        phase: "dns",
        code,
        reason,
      });
    }
  }

  /** Waits for a connection that comes back, or for room; undefined for room. */
  async #wait({ endpoint, key, signal }: ConnectRequest): Promise<Connection | undefined> {
    const { pool, events, log } = this.#context;
    const { settings, waiters, name } = endpoint;
    const refuse = (why: string) => {
      endpoint.counts.outOfConnections++;
      events.emit({ type: "out-of-connections", endpoint: name, why });
      return new OutOfConnectionsError(name, why, { open: pool.open, waiting: waiters.size });
    };
    if (waiters.size >= settings.pool.maxWaiting) {
      throw refuse(`${waiters.size} callers wait already (pool.maxWaiting)`);
    }
    const { acquireMs } = settings.timeouts;
    const limit =
      `pool.maxPerAddress is ${settings.pool.maxPerAddress}, ${pool.open} connections are open in all`;
    const transaction = log.begin("connect.acquire", { endpoint: name }, {
      labels: ["endpoint"],
      failure: "debug",
    });
    try {
      const { connection } = await waiters.wait(
        key,
        acquireMs,
        signal,
        () => refuse(`all are in use, and none came back within ${acquireMs} ms (${limit})`),
      );
      transaction.success();
      return connection;
    } catch (error) {
      transaction.failure(error);
      throw error;
    }
  }

  /** A lease, once the endpoint's own check has passed; undefined where it did not. */
  async #check(
    { endpoint }: ConnectRequest,
    connection: Connection,
    fresh: boolean,
  ): Promise<Lease | undefined> {
    const { pool } = this.#context;
    const lease = pool.lend(connection);
    const { check } = endpoint.settings;
    if (check === undefined) return lease;
    try {
      if (await check(lease, fresh)) return lease;
      lease.close();
      if (fresh) throw new BallastError("CONNECT_FAILED", "the endpoint's check said no");
    } catch (error) {
      lease.close();
      if (fresh) throw error;
    }
    return undefined;
  }

  /** Dials an address, racing with the same host's other family. What failed is noted in `tried` and `attempts`. */
  async #dial(
    request: ConnectRequest,
    tier: Tier,
    backend: Backend,
    able: (backend: Backend) => boolean,
    tried: Set<Backend>,
    attempts: ConnectAttempt[],
  ): Promise<Lease | undefined> {
    const { endpoint, key, signal, tls } = request;
    const { pool, clock } = this.#context;
    const rival = endpoint.rivalOf(backend, tier, able);
    // IPv6 first, RFC 8305, 4.
    const order = rival === undefined
      ? [backend]
      : [backend, rival].sort((a, b) => Number(isV6(b)) - Number(isV6(a)));
    const failed = (backend: Backend, error: unknown) => {
      tried.add(backend);
      if (error instanceof DialFailure) attempts.push(error.attempt);
    };
    try {
      const connection = await staggeredRetries(async (signal, call) => {
        const chosen = order[call]!;
        const reserved = pool.reserve(endpoint, chosen, key);
        // Somebody else was faster: there will be room again, or another address.
        if (reserved === undefined) throw new NoRoom();
        try {
          await this.#open(reserved, endpoint, tls, signal);
          return reserved;
        } catch (error) {
          if (!signal.aborted) failed(chosen, error);
          throw error;
        }
      }, {
        delaysMs: order.length > 1 ? [RACE_MS] : [],
        signal,
        clock,
        discard: (late) => pool.abandon(late),
      });
      return await this.#check(request, connection, true).catch((error) => {
        const { label: address } = connection.backend;
        const attempt = {
          address,
          phase: "check",
          code: "FAILED",
          reason: errorMessage(error),
          tookMs: 0,
        } as const;
        connection.backend.health.failed(attempt.reason);
        failed(connection.backend, new DialFailure(attempt, error));
        return undefined;
      });
    } catch (error) {
      if (error instanceof DialFailure || error instanceof NoRoom) return undefined;
      throw error;
    }
  }

  /** Opens a reserved connection. Whatever happens, the address's health and the pool know of it. */
  async #open(
    connection: Connection,
    endpoint: Endpoint,
    tls: TlsOptions | undefined,
    signal: AbortSignal,
  ): Promise<PlatformSocket> {
    const { pool, clock, events } = this.#context;
    const { backend } = connection;
    const { health } = backend;
    const names = { endpoint: endpoint.name, address: backend.label };
    const probing = health.state !== "up" && health.admit();
    const startedAt = clock.monotonic();
    try {
      connection.socket = await dial(this.#context, connection, endpoint.settings, tls, signal);
      const now = clock.monotonic();
      connection.since = now;
      backend.pace.add(now - startedAt, now);
      backend.connectMs = backend.pace.at(now);
      backend.counts.connected++;
      if (health.succeeded() === "recovered") events.emit({ type: "recovered", ...names });
      events.emit({ type: "connected", ...names, tookMs: now - startedAt });
      return connection.socket;
    } catch (error) {
      pool.abandon(connection);
      if (!(error instanceof DialFailure)) {
        if (probing) health.withdrawn();
        throw error;
      }
      backend.counts.failed++;
      const now = clock.monotonic();
      backend.pace.add(now - startedAt, now);
      backend.connectMs = backend.pace.at(now);
      const { phase, code, reason } = error.attempt;
      events.emit({ type: "failed", ...names, phase, code, reason });
      if (health.failed(reason) === "marked-down") {
        events.emit({ type: "marked-down", ...names, reason, forMs: health.downUntil - now });
      }
      throw error;
    }
  }
}

class NoRoom extends Error {}

function isV6({ target }: Backend): boolean {
  return target.transport === "tcp" && target.address.includes(":");
}
