/**
 * A connection manager at one moment: plain JSON.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Backend } from "./backend.ts";
import type { RetryBudget, RetryBudgetSnapshot } from "./budget.ts";
import type { ConnectionState } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HealthState } from "./health.ts";
import type { LostLease } from "./leaks.ts";
import { placeText } from "./place.ts";
import type { Pool } from "./pool.ts";
import type { Traffic, TrafficEntry } from "./traffic.ts";

/** One connection. */
export interface ConnectionSnapshot {
  /** Which one it is, of this process. */
  readonly number: number;
  /** Where it is in its life. */
  readonly state: ConnectionState;
  /** Since it was begun. */
  readonly ageMs: number;
  /** In its state, to the second. */
  readonly stateMs: number;
  /** How often it was handed out. */
  readonly uses: number;
  /** This side; "" while there is none. */
  readonly localAddress: string;
  /** Where it was taken, for those that are sampled. */
  readonly taker?: string;
}

/** The time that connections spent in a state. */
export interface StateTime {
  /** Its name. */
  readonly state: string;
  /** Connections in it. */
  readonly current: number;
  /** All of them together, those that are in it included; to the second for those that are handed out and given back. */
  readonly totalMs: number;
}

/** One address of an endpoint. */
export interface AddressSnapshot {
  /** `10.0.0.4:5432`. */
  readonly address: string;
  /** What it was resolved from. */
  readonly from: string;
  /** Its tier, from 0; undefined where it is gone and only has connections left. */
  readonly tier: number | undefined;
  /** How much of the traffic it is meant for, beside the others of its tier. */
  readonly weight: number;
  /** Whether it is in rotation. */
  readonly health: HealthState;
  /** Why it is out of rotation. */
  readonly reason?: string;
  /** Until when, in milliseconds since the epoch; undefined where it is up, or down by hand. */
  readonly downUntil?: number;
  /** How long connecting takes, as a moving average; undefined while nothing is known. */
  readonly connectMs: number | undefined;
  /** Connections in callers' hands, or on their way there. */
  readonly inUse: number;
  /** Connections that nobody uses. */
  readonly idle: number;
  /** Connections opened so far. */
  readonly connected: number;
  /** Times that it could not be connected to. */
  readonly failed: number;
  /** Times that an idle connection was used. */
  readonly reused: number;
  /** Idle connections that the peer closed, or sent something on. */
  readonly evicted: number;
  /** Leases held for longer than `pool.heldMs`. */
  readonly held: number;
  /** Its connections, a hundred at most. */
  readonly connections: readonly ConnectionSnapshot[];
}

/** One endpoint. */
export interface EndpointSnapshot {
  /** What it is called; the address itself where there is no endpoint. */
  readonly name: string;
  /** Its other names. */
  readonly aliases: readonly string[];
  /** How many tiers it has. */
  readonly tiers: number;
  /** Whether it speaks TLS. */
  readonly tls: boolean;
  /** The name whose SRV records say the addresses, and why that failed last. */
  readonly srv?: { readonly name: string; readonly reason?: string };
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** Calls for a connection. */
  readonly connects: number;
  /** Of these, served by a pooled connection. */
  readonly reused: number;
  /** Of these, failed at every address. */
  readonly failed: number;
  /** Of these, given up for want of a free connection. */
  readonly outOfConnections: number;
  /** Times that a tier was exhausted and the next one tried. */
  readonly fallbacks: number;
  /** Times that every address was out of rotation and all were tried. */
  readonly panics: number;
  /** Its addresses, those that are gone and have connections left included. */
  readonly addresses: readonly AddressSnapshot[];
}

/** A connection manager. */
export interface ConnectionsSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** Connections open or being opened. */
  readonly open: number;
  /** The most there ever were. */
  readonly peak: number;
  /** Connections that may be open. */
  readonly maxConnections: number;
  /** Tries beyond the first. */
  readonly retries: RetryBudgetSnapshot;
  /** Leases lost to the garbage collector, of those that were watched. */
  readonly leaked: number;
  /** The last one. */
  readonly lastLeak?: LostLease;
  /** How long connections were in each state, all of them together. */
  readonly states: readonly StateTime[];
  /** The last reads and writes, where they are remembered. */
  readonly traffic?: readonly TrafficEntry[];
  /** The endpoints, then the addresses connected to without one. */
  readonly endpoints: readonly EndpointSnapshot[];
}

/** What a snapshot is taken of. */
export interface SnapshotSource {
  readonly clock: Clock;
  readonly all: () => Iterable<Endpoint>;
  readonly aliases: ReadonlyMap<string, string>;
  readonly pool: Pool;
  readonly budget: RetryBudget;
  readonly limit: { readonly max: number };
  readonly traffic: Traffic | undefined;
}

/** Connections listed of one address, at most. */
const MAX_LISTED = 100;

/** Takes a snapshot. */
export function takeSnapshot(
  { clock, all, aliases, pool, budget, limit, traffic }: SnapshotSource,
): ConnectionsSnapshot {
  const now = clock.monotonic();
  const at = clock.now();
  const address = (backend: Backend, endpoint: Endpoint): AddressSnapshot => {
    const { health } = backend;
    const tier = endpoint.tiers.findIndex(({ backends }) => backends.includes(backend));
    const until = health.state === "up" || health.downUntil === Infinity
      ? undefined
      : at + health.downUntil - now;
    return {
      address: backend.label,
      from: placeText(backend.place),
      tier: tier === -1 ? undefined : tier,
      weight: backend.weight,
      health: health.state,
      ...(health.reason !== undefined && { reason: health.reason }),
      ...(until !== undefined && { downUntil: until }),
      connectMs: backend.pace.last,
      inUse: backend.inUse,
      idle: backend.idleCount,
      ...backend.counts,
      connections: [...backend.connections].slice(0, MAX_LISTED).map((connection) => ({
        number: connection.number,
        state: connection.state,
        ageMs: now - connection.openedAt,
        stateMs: Math.max(0, now - connection.since),
        uses: connection.uses,
        localAddress: connection.socket?.localAddress ?? "",
        ...(connection.taker !== undefined && { taker: connection.taker }),
      })),
    };
  };
  return {
    at,
    open: pool.open,
    peak: pool.peak,
    maxConnections: limit.max,
    retries: budget.snapshot(),
    leaked: pool.leaks.lost,
    states: pool.states.snapshot().states.map(({ state, current, totalMs }) => ({ state, current, totalMs })),
    ...(pool.leaks.last && { lastLeak: pool.leaks.last }),
    ...(traffic && { traffic: traffic.entries() }),
    endpoints: [...all()].map((endpoint) => ({
      name: endpoint.name,
      aliases: [...aliases].filter(([, name]) => name === endpoint.name).map(([alias]) => alias),
      tiers: endpoint.tiers.length,
      tls: endpoint.settings.tls !== undefined,
      ...(endpoint.srv && { srv: { name: endpoint.srv.name, reason: endpoint.srv.reason } }),
      waiting: endpoint.waiters.size,
      ...endpoint.counts,
      addresses: addressesOf(endpoint).map((backend) => address(backend, endpoint)),
    })),
  };
}

/** The addresses of an endpoint, those of tiers that nobody needed yet included. */
function addressesOf({ tiers, backends }: Endpoint): Backend[] {
  for (const tier of tiers) void tier.backends;
  return [...backends.values()];
}
