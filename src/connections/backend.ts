/**
 * One address of an endpoint, resolved: its connections, its health, its pace.
 *
 * @module
 */

import type { SocketTarget } from "../platform/port.ts";
import type { Candidate } from "./balancer.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Health } from "./health.ts";
import { MovingAverage } from "./moving_average.ts";
import type { Place } from "./place.ts";

/** One address of an endpoint. */
export class Backend implements Candidate {
  /** The endpoint it belongs to. */
  readonly owner: Endpoint;
  /** `10.0.0.4:5432`. */
  readonly label: string;
  readonly target: SocketTarget;
  /** What it was resolved from. */
  place: Place;
  readonly health: Health;
  readonly pace = new MovingAverage();
  weight: number;
  /** Connections in callers' hands, and those being opened for them. */
  inUse = 0;
  /** All connections, those being opened included. */
  readonly connections = new Set<Connection>();
  /** Idle ones of the key "", which nearly all are of; the one used last comes last, and is used first. */
  readonly #plain: Connection[] = [];
  /** As `#plain`, of the other keys. */
  readonly #keyed = new Map<string, Connection[]>();
  /** Idle ones that were opened for nobody, and will do for any key. */
  readonly #warm: Connection[] = [];
  idleCount = 0;
  /** Whether it is gone from the table or from DNS: what is in use may finish, nothing new begins. */
  draining = false;
  /** Its tier, from 0: the first one that lists it. */
  tier = 0;
  /** Whether an idle connection is being opened. */
  filling = false;
  /** As of the last time it was looked at. */
  connectMs: number | undefined;
  readonly counts = { connected: 0, failed: 0, reused: 0, evicted: 0, held: 0 };

  constructor(owner: Endpoint, place: Place, target: SocketTarget, weight: number, health: Health) {
    this.owner = owner;
    this.place = place;
    this.target = target;
    this.label = targetText(target);
    this.weight = weight;
    this.health = health;
  }

  /** The name of its endpoint. */
  get endpoint(): string {
    return this.owner.name;
  }

  /** Adds what connecting took: or would have, had it not failed. */
  paced(tookMs: number, now: number): void {
    this.pace.add(tookMs, now);
    this.connectMs = this.pace.at(now);
  }

  /** Whether there is an idle connection for a key. */
  hasIdle(key: string): boolean {
    return (key === "" ? this.#plain.length > 0 : this.#keyed.has(key)) || this.#hasWarm(key);
  }

  /** The idle connection used last, taken out of the pool. */
  takeIdle(key: string): Connection | undefined {
    const list = key === "" ? this.#plain : this.#keyed.get(key);
    const connection = list?.pop() ?? this.#adopt(key);
    if (connection === undefined) return undefined;
    this.idleCount--;
    if (key !== "" && list?.length === 0) this.#keyed.delete(key);
    return connection;
  }

  /** Puts a connection into the pool. */
  putIdle(connection: Connection): void {
    const list = this.#listOf(connection);
    if (list === undefined) this.#keyed.set(connection.key, [connection]);
    else list.push(connection);
    this.idleCount++;
  }

  /** Takes this very connection out of the pool. Says whether it was there. */
  removeIdle(connection: Connection): boolean {
    const list = this.#listOf(connection);
    const index = list?.lastIndexOf(connection) ?? -1;
    if (index === -1) return false;
    list!.splice(index, 1);
    this.idleCount--;
    if (list!.length === 0 && this.#keyed.get(connection.key) === list) this.#keyed.delete(connection.key);
    return true;
  }

  /** Every idle connection, the one that was idle longest first within its key. */
  *idleConnections(): Generator<Connection> {
    yield* this.#warm;
    yield* this.#plain;
    for (const list of this.#keyed.values()) yield* list;
  }

  #listOf({ warm, key }: Connection): Connection[] | undefined {
    return warm ? this.#warm : key === "" ? this.#plain : this.#keyed.get(key);
  }

  /** Those that were opened for nobody speak TLS as the endpoint does, and nothing yet above it. */
  #hasWarm(key: string): boolean {
    return this.#warm.length > 0 && isOfEndpointsTls(key);
  }

  #adopt(key: string): Connection | undefined {
    const connection = this.#hasWarm(key) ? this.#warm.pop() : undefined;
    if (connection !== undefined) connection.key = key;
    return connection;
  }
}

/** Separates TLS of a call's own from the rest of a key. */
const OWN_TLS = "\0";

/** The key of connections with TLS of their own. */
export function keyWithTls(tls: string, key: string): string {
  return `${tls}${OWN_TLS}${key}`;
}

function isOfEndpointsTls(key: string): boolean {
  return !key.includes(OWN_TLS);
}

/** A target as it is written. */
export function targetText(target: SocketTarget): string {
  if (target.transport === "unix") return `unix:${target.path}`;
  const { address, port } = target;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
