/**
 * From an endpoint to an open connection: which address is tried when, and what is said when all have failed.
 *
 * @module
 */

import { BallastError, errorMessage } from "../errors.ts";
import { deadlineSignal } from "../signal.ts";
import type { Backend } from "./backend.ts";
import { createDialler, type Dialler, type DiallerContext, NoRoom } from "./dialler.ts";
import type { Endpoint } from "./endpoint.ts";
import { attemptText, type ConnectAttempt, ConnectError, OutOfConnectionsError } from "./errors.ts";
import type { Lease } from "./lease.ts";
import type { TlsOptions } from "./options.ts";
import { placeText } from "./place.ts";
import type { Tier } from "./tier.ts";
import type { Turn } from "./waiters.ts";
import { nextNumber } from "./waiters.ts";

/** What connecting stands on. */
export type ConnectorContext = DiallerContext;

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

/** A call, and what has come of it so far. */
export interface Call extends ConnectRequest {
  readonly attempts: ConnectAttempt[];
  readonly tried: Set<Backend>;
  /** Whether addresses out of rotation are tried as well. */
  panic: boolean;
  /** Its place in the line, once it had to wait; and until when it may. */
  number?: number;
  waitsUntil?: number;
}

const LABELS = { labels: ["endpoint"], failure: "debug" } as const;

/** The endpoint is gone from the table: what it was asked for has to be looked up again. */
export class EndpointRetired extends Error {}

/** Makes connections. */
export class Connector {
  readonly #context: ConnectorContext;
  readonly #dialler: Dialler;

  constructor(context: ConnectorContext) {
    this.#context = context;
    this.#dialler = createDialler(context);
  }

  /** A lease, new or pooled. Rejects with a {@linkcode ConnectError}, an {@linkcode OutOfConnectionsError}, or the signal's reason. */
  async connect(request: ConnectRequest): Promise<Lease> {
    const { endpoint } = request;
    const call: Call = { ...request, attempts: [], tried: new Set(), panic: false };
    endpoint.calls++;
    try {
      const lease = await this.#tryTiers(call) ?? await this.#panic(call);
      if (lease !== undefined) return lease;
      throw this.#failure(
        call,
        call.attempts.length > 0 ? "every address failed" : "every address is out of rotation",
      );
    } catch (error) {
      throw error === request.signal.reason ? withAttempts(error, call) : error;
    } finally {
      endpoint.calls--;
      // Whatever it was given and did not need is for who comes next.
      if (call.number !== undefined) this.#context.pool.pump();
    }
  }

  /** Opens a connection for nobody, and puts it into the pool. */
  async warm(endpoint: Endpoint, backend: Backend, signal: AbortSignal): Promise<void> {
    const { pool } = this.#context;
    const reserved = pool.reserve(endpoint, backend, "", { evict: false });
    if (reserved === undefined) return;
    await this.#dialler.open(reserved, endpoint, endpoint.settings.tls, signal);
    const lease = pool.lend(reserved);
    await this.#dialler.wrap(endpoint, lease, signal);
    reserved.warm = endpoint.settings.wrap === undefined;
    lease.release();
  }

  async #tryTiers(call: Call): Promise<Lease | undefined> {
    const { endpoint, signal } = call;
    if (endpoint.srv !== undefined) await this.#resolveSrv(call);
    for (const [index, tier] of endpoint.tiers.entries()) {
      if (index > 0 && !call.panic) {
        endpoint.counts.fallbacks++;
        this.#context.events.emit({ type: "fallback", endpoint: endpoint.name, tier: index });
      }
      const lease = await this.#tryTier(call, tier);
      if (lease !== undefined) return lease;
      signal.throwIfAborted();
    }
    return undefined;
  }

  /** Nothing is in rotation: no address can be worse than none, so those that are not are tried. */
  async #panic(call: Call): Promise<Lease | undefined> {
    const { endpoint, attempts, tried } = call;
    const dialled = attempts.some(({ phase }) => phase !== "dns");
    const isLeft = [...endpoint.backends.values()].some((backend) =>
      !backend.draining && !tried.has(backend) && backend.health.admitsPanic
    );
    if (dialled || !isLeft) return undefined;
    endpoint.counts.panics++;
    call.panic = true;
    return await this.#tryTiers(call);
  }

  async #tryTier(call: Call, tier: Tier): Promise<Lease | undefined> {
    const { endpoint, key, signal, tried, attempts, panic } = call;
    const { pool, budget } = this.#context;
    const usable = (backend: Backend) =>
      !tried.has(backend) && !backend.draining &&
      (panic ? backend.health.admitsPanic : backend.health.admits);
    const able = (backend: Backend) => usable(backend) && pool.hasRoom(endpoint, backend, key);
    await this.#resolve(call, tier, usable);
    for (let mayTake = endpoint.waiters.ahead === 0;;) {
      signal.throwIfAborted();
      if (endpoint.retired) throw new EndpointRetired();
      const backend = mayTake ? endpoint.choose(tier, able) : undefined;
      if (backend === undefined) {
        if (!endpoint.tiers.includes(tier) || !tier.backends.some(usable)) return undefined;
        const turn = await this.#wait(call, tier, usable);
        mayTake = true;
        const lease = await this.#taken(call, turn);
        if (lease !== undefined) return lease;
        continue;
      }
      const pooled = pool.take(backend, key);
      if (pooled !== undefined) {
        const lease = await this.#dialler.check(endpoint, pooled, signal);
        if (lease === undefined) continue;
        endpoint.counts.reused++;
        return lease;
      }
      if (attempts.length > 0 && !budget.withdraw()) {
        throw this.#failure(call, "the retry budget is spent, so no other address is tried");
      }
      const lease = await this.#dialler.dial(call, tier, backend, able);
      if (lease instanceof NoRoom) mayTake = false;
      else if (lease !== undefined) return lease;
    }
  }

  /** What was waited for. */
  async #taken({ endpoint, signal }: Call, turn: Turn): Promise<Lease | undefined> {
    const { pool } = this.#context;
    if (turn.kind === "room") pool.redeem(endpoint);
    if (turn.kind !== "connection") return undefined;
    const { connection } = turn;
    if (signal.aborted) {
      pool.release(connection, true);
      throw signal.reason;
    }
    connection.backend.counts.reused++;
    const lease = await this.#dialler.check(endpoint, connection, signal);
    if (lease !== undefined) endpoint.counts.reused++;
    return lease;
  }

  async #resolveSrv(call: Call): Promise<void> {
    const { endpoint: { srv, settings } } = call;
    await this.#dnsPhase(call, `the SRV records of ${srv!.name}`, async (signal) => {
      try {
        await srv!.resolve(signal);
        return [];
      } catch (error) {
        return [{ address: settings.srv!, error }];
      }
    });
  }

  /** Resolves a tier's names, where nothing is held that could be used meanwhile. */
  async #resolve(call: Call, tier: Tier, usable: (backend: Backend) => boolean): Promise<void> {
    if (tier.backends.some(usable) || !tier.isUnresolved) return;
    await this.#dnsPhase(call, `the names of ${call.endpoint.name}`, async (signal) => {
      const failed = await tier.resolve(signal);
      return failed.map(({ place, error }) => ({ address: placeText(place), error }));
    });
  }

  /** Asks DNS, within its time; what failed is noted in the call. */
  async #dnsPhase(
    { endpoint, attempts, signal }: Call,
    what: string,
    ask: (signal: AbortSignal) => Promise<readonly { readonly address: string; readonly error: unknown }[]>,
  ): Promise<void> {
    const { clock, events, log } = this.#context;
    const { name, settings } = endpoint;
    const startedAt = clock.monotonic();
    const transaction = log.begin("connect.dns", { endpoint: name }, LABELS);
    const deadline = deadlineSignal(settings.timeouts.dnsMs, { clock, signal, what: `resolving ${what}` });
    const failed = await ask(deadline.signal).finally(deadline.release);
    if (signal.aborted) {
      transaction.failure(signal.reason, { outcome: "cancelled" });
      throw signal.reason;
    }
    if (failed.length === 0) transaction.success();
    else transaction.failure(failed[0]!.error);
    const tookMs = clock.monotonic() - startedAt;
    for (const { address, error } of failed) {
      const { code = "FAILED" } = error as { readonly code?: string };
      const reason = errorMessage(error);
      attempts.push({ address, phase: "dns", code, reason, tookMs });
      events.emit({ type: "failed", endpoint: name, address, phase: "dns", code, reason });
    }
  }

  /** Waits for a connection that comes back, or for room. */
  async #wait(call: Call, tier: Tier, usable: (backend: Backend) => boolean): Promise<Turn> {
    const { pool, events, log, clock } = this.#context;
    const { endpoint, key, signal } = call;
    const { settings, waiters, name } = endpoint;
    const refuse = (why: string) => {
      endpoint.counts.outOfConnections++;
      events.emit({ type: "out-of-connections", endpoint: name, why });
      return new OutOfConnectionsError(name, why, { open: pool.open, waiting: waiters.size });
    };
    const { maxPerAddress, maxWaiting } = settings.pool;
    if (call.number === undefined && waiters.size >= maxWaiting) {
      throw refuse(`${waiters.size} callers wait already (pool.maxWaiting)`);
    }
    const { acquireMs } = settings.timeouts;
    const now = clock.monotonic();
    call.number ??= nextNumber();
    call.waitsUntil ??= now + acquireMs;
    const limit = `pool.maxPerAddress is ${maxPerAddress}, ${pool.open} connections are open in all`;
    const transaction = log.begin("connect.acquire", { endpoint: name }, LABELS);
    try {
      const turn = await pool.wait(endpoint, {
        key,
        tier,
        usable,
        signal,
        number: call.number,
        timeoutMs: call.waitsUntil - now,
        tooLate: () => refuse(`all are in use, and none came back within ${acquireMs} ms (${limit})`),
      });
      transaction.success();
      return turn;
    } catch (error) {
      transaction.failure(error);
      throw error;
    }
  }

  #failure({ endpoint, attempts }: Call, why: string): ConnectError {
    endpoint.counts.failed++;
    return new ConnectError(endpoint.name, attempts, why);
  }
}

/** The time is up: what was tried until then is worth knowing. */
function withAttempts(error: unknown, { attempts }: Call): unknown {
  if (!(error instanceof BallastError) || error.code !== "TIMEOUT" || attempts.length === 0) return error;
  return new BallastError("TIMEOUT", [error.message, ...attempts.map(attemptText)].join("; "), {
    retryable: true,
    cause: error,
    data: { ...error.data, attempts },
  });
}
