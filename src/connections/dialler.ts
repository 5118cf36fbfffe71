/**
 * Opens connections, and hands them over when they are fit: the race of a host's two families, the endpoint's own `wrap` and
 * `check`, and what an address's health learns from it all.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { EventSource } from "../events.ts";
import { abortable, deadlineSignal } from "../signal.ts";
import type { Backend } from "./backend.ts";
import type { RetryBudget } from "./budget.ts";
import type { Connection } from "./connection.ts";
import type { Call } from "./connector.ts";
import { dial as dialSocket, DialFailure, type DialOptions } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionEvent } from "./events.ts";
import { staggeredRetries } from "./hedge.ts";
import type { Lease } from "./lease.ts";
import type { TlsOptions } from "./options.ts";
import type { Pool } from "./pool.ts";
import { familyOf, type Tier } from "./tier.ts";

/** What dialling stands on. */
export interface DiallerContext extends DialOptions {
  readonly pool: Pool;
  readonly events: EventSource<ConnectionEvent>;
  readonly budget: RetryBudget;
}

/** Opens connections. */
export interface Dialler {
  /**
   * Dials an address, racing with the same host's other family. What failed is noted in the call. Undefined when nothing came of
   * it, {@linkcode NoRoom} when somebody else was faster to take the room.
   */
  dial(
    call: Call,
    tier: Tier,
    backend: Backend,
    able: (backend: Backend) => boolean,
  ): Promise<Lease | NoRoom | undefined>;
  /** Opens a reserved connection. Whatever happens, the address's health and the pool know of it. */
  open(
    connection: Connection,
    endpoint: Endpoint,
    tls: TlsOptions | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** Has the endpoint prepare a new connection. Rejects, with the lease closed, where that fails. */
  wrap(endpoint: Endpoint, lease: Lease, signal: AbortSignal): Promise<void>;
  /** A lease of a pooled connection, once the endpoint's own check has passed; undefined where it did not. */
  check(endpoint: Endpoint, connection: Connection, signal: AbortSignal): Promise<Lease | undefined>;
}

/** There was room, and somebody else took it. */
export class NoRoom extends Error {}

/** RFC 8305, 5: how long the first family is given before the second one is tried as well. */
const RACE_MS = 250;

/** Makes a dialler. */
export function createDialler(context: DiallerContext): Dialler {
  const { pool, clock, events, budget } = context;

  async function dial(
    call: Call,
    tier: Tier,
    backend: Backend,
    able: (backend: Backend) => boolean,
  ): Promise<Lease | NoRoom | undefined> {
    const { endpoint, key, signal, tls, tried, attempts } = call;
    const rival = endpoint.rivalOf(backend, tier, able);
    const order = rival === undefined ? [backend] : [backend, rival].sort(byFamily);
    const failed = (at: Backend, failure: DialFailure) => {
      tried.add(at);
      attempts.push(failure.attempt);
    };
    try {
      const connection = await staggeredRetries(async (signal, index) => {
        const chosen = order[index]!;
        const reserved = pool.reserve(endpoint, chosen, key);
        if (reserved === undefined) throw new NoRoom();
        try {
          await open(reserved, endpoint, tls, signal);
          return reserved;
        } catch (error) {
          if (error instanceof DialFailure) failed(chosen, error);
          throw error;
        }
      }, {
        delaysMs: order.length > 1 ? [RACE_MS] : [],
        signal,
        clock,
        allow: () => budget.withdraw(),
        discard: (late) => pool.abandon(late),
      });
      return await prepare(call, connection, failed);
    } catch (error) {
      if (error instanceof DialFailure) return undefined;
      if (error instanceof NoRoom) return error;
      throw error;
    }
  }

  /** A lease of a new connection. */
  async function prepare(
    { endpoint, signal }: Call,
    connection: Connection,
    failed: (backend: Backend, failure: DialFailure) => void,
  ): Promise<Lease | undefined> {
    const lease = pool.lend(connection);
    if (endpoint.settings.wrap === undefined) return lease;
    const { backend } = connection;
    const startedAt = clock.monotonic();
    try {
      await wrap(endpoint, lease, signal);
      return lease;
    } catch (error) {
      signal.throwIfAborted();
      const tookMs = clock.monotonic() - startedAt;
      const reason = errorMessage(error);
      const { code = "FAILED" } = error as { readonly code?: string };
      failed(
        backend,
        new DialFailure({ address: backend.label, phase: "check", code, reason, tookMs }, error),
      );
      return undefined;
    }
  }

  async function wrap(endpoint: Endpoint, lease: Lease, signal: AbortSignal): Promise<void> {
    const { wrap } = endpoint.settings;
    if (wrap === undefined) return;
    try {
      lease.state = await bounded(endpoint, "wrap", signal, () => wrap(lease));
    } catch (error) {
      lease.close(signal.aborted ? undefined : error);
      throw error;
    }
  }

  async function check(
    endpoint: Endpoint,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Lease | undefined> {
    const { check } = endpoint.settings;
    const lease = pool.lend(connection);
    if (check === undefined) return lease;
    try {
      if (await bounded(endpoint, "check", signal, () => check(lease)) && !lease.ended) return lease;
      lease.close();
    } catch {
      lease.close();
      signal.throwIfAborted();
    }
    return undefined;
  }

  /** What the endpoint's own function gives, within its time. */
  async function bounded<T>(
    endpoint: Endpoint,
    what: string,
    signal: AbortSignal,
    run: () => T | Promise<T>,
  ): Promise<T> {
    const { checkMs } = endpoint.settings.timeouts;
    const deadline = deadlineSignal(checkMs, { clock, signal, what: `the ${what} of ${endpoint.name}` });
    try {
      return await abortable((async () => await run())(), deadline.signal);
    } finally {
      deadline.release();
    }
  }

  async function open(
    connection: Connection,
    endpoint: Endpoint,
    tls: TlsOptions | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { backend } = connection;
    const { health } = backend;
    const names = { endpoint: endpoint.name, address: backend.label };
    const isProbe = health.probe();
    const startedAt = clock.monotonic();
    try {
      connection.socket = await dialSocket(context, connection, endpoint.settings, tls, signal);
      connection.secure = tls !== undefined;
      pool.opened(connection);
      const now = clock.monotonic();
      backend.counts.connected++;
      const isBack = health.connected(startedAt) === "recovered";
      // What it was before its fault says nothing of what it is now.
      if (isBack) backend.pace.reset();
      backend.paced(now - startedAt, now);
      if (isBack) events.emit({ type: "recovered", ...names });
      events.emit({ type: "connected", ...names, tookMs: now - startedAt });
    } catch (error) {
      pool.abandon(connection);
      const now = clock.monotonic();
      if (!(error instanceof DialFailure)) {
        // It took at least so long: who loses every race is not to be the first in the next one.
        if (now - startedAt >= RACE_MS) backend.paced(now - startedAt, now);
        throw error;
      }
      backend.counts.failed++;
      // A refusal comes fast, which is no reason to prefer it; and it is health that keeps calls away, not this.
      backend.paced(Math.max(now - startedAt, 2 * (backend.pace.last ?? 0)), now);
      const { phase, code, reason } = error.attempt;
      events.emit({ type: "failed", ...names, phase, code, reason });
      if (health.dialFailed(reason) === "marked-down") pool.markedDown(backend);
      throw error;
    } finally {
      if (isProbe) {
        health.probed();
        pool.pump();
      }
    }
  }

  return { dial, open, wrap, check };
}

/** IPv6 first (RFC 8305, 4), unless it is known to be slower by more than the start it is given. */
function byFamily(a: Backend, b: Backend): number {
  const late = ({ connectMs = 0, target }: Backend) => connectMs - (familyOf(target) === 6 ? RACE_MS / 2 : 0);
  return late(a) - late(b);
}
