/**
 * The connection manager: from a logical name to an open, healthy connection, promptly, or one error that explains everything.
 *
 * What callers see is here; `connector.ts` says what is tried when, `pool.ts` what is kept.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { currentContext } from "../context/mod.ts";
import { createDnsCache, type DnsCache } from "../dns/mod.ts";
import { parseLiteral } from "../dns/name.ts";
import { BallastError, checkInteger, checkNumber, show } from "../errors.ts";
import { createEvents, type Events } from "../events.ts";
import { createLog, type Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import type { Report, Reporter } from "../report.ts";
import { unknownAction } from "../report.ts";
import { deadlineSignal, linkSignals } from "../signal.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import { createRetryBudget, type RetryBudget } from "./budget.ts";
import type { Backend } from "./backend.ts";
import { Connector } from "./connector.ts";
import { Endpoint } from "./endpoint.ts";
import type { ConnectionEvent } from "./events.ts";
import type { Lease } from "./lease.ts";
import {
  type EndpointDefaults,
  endpointSettings,
  type EndpointTable,
  type RetryBudgetOptions,
  type TlsOptions,
} from "./options.ts";
import { isPlaceText, parsePlace, type PlaceOptions, placeText } from "./place.ts";
import { Pool } from "./pool.ts";
import { connectionsReport } from "./report.ts";
import { type ConnectionsSnapshot, takeSnapshot } from "./snapshot.ts";
import { observeConnections } from "./stats.ts";

/** Options of {@linkcode createConnectionManager}. Every one may be left out. */
export interface ConnectionManagerOptions {
  /** Names to addresses. @default a cache of its own */
  readonly dns?: DnsCache;
  /** Logical names, and where they lead. */
  readonly endpoints?: EndpointTable;
  /** Other names of endpoints: `{ orders: "db-r" }`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What holds for every endpoint, and for addresses connected to without one, unless an endpoint says otherwise. */
  readonly defaults?: EndpointDefaults;
  /** Connections open at a time, of all endpoints. @default 0.8 of the files that the process may open, or 800 */
  readonly maxConnections?: number;
  /** Tries beyond the first. */
  readonly retries?: RetryBudgetOptions;
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
  /** Where statistics go. @default a registry of its own */
  readonly stats?: Stats;
  /** Where records go. @default a log of its own, category `ballast.connections` */
  readonly log?: Log;
}

/** How one connection is made. */
export interface ConnectOptions {
  /** Ends the call, at whatever phase it is; nothing is left of it. */
  readonly signal?: AbortSignal;
  /** TLS of this call's own. Its connections are pooled apart. @default the endpoint's */
  readonly tls?: boolean | TlsOptions;
  /** All of the call, in milliseconds. The deadline of the current context holds if it is earlier. @default the phases' own */
  readonly timeoutMs?: number;
  /** Connections of different keys are never mixed up: a user, a database. @default "" */
  readonly key?: string;
}

/** From logical names to connections. */
export interface ConnectionManager extends AsyncDisposable, Reporter {
  /**
   * A connection to an endpoint, an alias, or an address (`"10.0.0.4:5432"`, `"[::1]:6379"`, `"unix:/run/db.sock"`,
   * `{ hostname, port }`): pooled where there is one, else new.
   *
   * @throws {ConnectError} when every address failed: it lists each of them, and why
   * @throws {OutOfConnectionsError} when all are in use and none came back in time
   * @throws {BallastError} `UNKNOWN_ENDPOINT`, `TIMEOUT`, `UNSUPPORTED` where the runtime has no sockets, or `CLOSED`
   */
  connect(to: PlaceOptions, options?: ConnectOptions): Promise<Lease>;
  /**
   * Replaces the endpoints and aliases, whole or not at all. What is gone is drained: leases finish, idle connections are closed.
   *
   * @throws {TypeError | RangeError} when something in them makes no sense: the table stays as it was
   */
  setEndpoints(table: EndpointTable, aliases?: Readonly<Record<string, string>>): void;
  /** Takes an address (`"10.0.0.4:5432"`), or all of an endpoint, out of rotation, for so long or until `markUp`. Gives how many. */
  markDown(what: string, options?: { readonly forMs?: number; readonly reason?: string }): number;
  /** Puts them back. Gives how many. */
  markUp(what: string): number;
  /** Tries beyond the first: shared with whatever retries on top of this manager. */
  readonly retries: RetryBudget;
  /** What happens, for programs. */
  readonly events: Events<ConnectionEvent>;
  /** All there is, as plain JSON. Cheap, never throws. */
  snapshot(): ConnectionsSnapshot;
  /** What a person should know of it. */
  report(): Report;
  /** Ends it: idle connections are closed now, and so are those in use, unless they may `finish`. Safe to call twice. */
  close(options?: { readonly finish?: boolean }): Promise<void>;
}

/** Addresses connected to without an endpoint are remembered, up to so many. */
const MAX_ADHOC = 1_000;
const DEFAULT_MAX_CONNECTIONS = 800;
/** Of the files that a process may open, connections may take this share. */
const FILE_SHARE = 0.8;

/**
 * Makes a connection manager.
 *
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createConnectionManager(options: ConnectionManagerOptions = {}): ConnectionManager {
  const platform = options.platform ?? detectPlatform();
  const clock = options.clock ?? platform.clock;
  const stats = options.stats ?? createStats({ clock });
  const log = options.log ?? createLog({ category: ["ballast", "connections"], stats, clock });
  const { defaults = {} } = options;
  const limit = {
    max: checkInteger("maxConnections", options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, { min: 1 }),
  };
  const budget = createRetryBudget({ ...options.retries, clock });
  const dns = options.dns ?? createDnsCache({ platform, clock, stats, log });
  const events = createEvents<ConnectionEvent>();
  const closing = new AbortController();
  let endpoints = new Map<string, Endpoint>();
  let aliases = new Map<string, string>();
  /** Addresses connected to without an endpoint, the one used last at the end. */
  const adhoc = new Map<string, Endpoint>();
  /** Endpoints that are gone from the table and have connections left. */
  const retired = new Set<Endpoint>();

  function* all(): Generator<Endpoint> {
    yield* endpoints.values();
    yield* adhoc.values();
    yield* retired;
  }

  const pool = new Pool({ clock, events, limit, endpoints: all, fill });
  const connector = new Connector({ net: platform.net!, clock, log, pool, budget, events });
  const context = { clock, dns, onGone: (backend: Backend) => pool.drain(backend) };
  const unobserve = observeConnections(stats, { all, pool, budget });
  if (options.maxConnections === undefined) {
    // Read when there is time; until then the default holds.
    platform.net?.fileLimit().then((files) => {
      if (files !== undefined) limit.max = Math.max(1, Math.floor(files * FILE_SHARE));
    });
  }
  setEndpoints(options.endpoints ?? {}, options.aliases);

  function setEndpoints(table: EndpointTable, names: Readonly<Record<string, string>> = {}): void {
    if (closing.signal.aborted) throw closedError();
    const next = new Map<string, Endpoint>();
    for (const [name, given] of Object.entries(table)) {
      if (isPlaceText(name)) {
        throw new TypeError(`the name of an endpoint must not look like an address, got ${show(name)}`);
      }
      const settings = endpointSettings(name, given, defaults);
      const known = endpoints.get(name);
      const same = known !== undefined && JSON.stringify(known.settings) === JSON.stringify(settings) &&
        known.settings.check === settings.check;
      next.set(name, same ? known : new Endpoint(name, settings, context));
    }
    aliases = checkAliases(names, next);
    for (const [name, endpoint] of endpoints) if (next.get(name) !== endpoint) retire(endpoint);
    endpoints = next;
    void dns.preresolve([...next.values()].flatMap(hostsOf));
    if ([...next.values()].some(({ settings }) => settings.pool.minIdle > 0)) pool.watch();
  }

  /** Nothing new begins there; leases finish. */
  function retire(endpoint: Endpoint): void {
    retired.add(endpoint);
    for (const backend of [...endpoint.backends.values()]) {
      backend.draining = true;
      pool.drain(backend);
    }
    // Whoever waits there is sent to look again.
    while (endpoint.waiters.wake());
    for (const old of retired) if (old.backends.size === 0) retired.delete(old);
  }

  function find(to: PlaceOptions): Endpoint {
    if (typeof to === "string") {
      const endpoint = endpoints.get(aliases.get(to) ?? to);
      if (endpoint !== undefined) return endpoint;
      if (!isPlaceText(to)) {
        const message =
          `there is no endpoint "${to}": add it to endpoints, or give an address such as "${to}:5432"`;
        throw new BallastError("UNKNOWN_ENDPOINT", message, { data: { endpoint: to } });
      }
    }
    const place = parsePlace(to);
    const text = placeText(place);
    const known = adhoc.get(text);
    if (known !== undefined) {
      adhoc.delete(text);
      adhoc.set(text, known);
      return known;
    }
    const made = new Endpoint(
      text,
      endpointSettings(text, { tiers: [[place.transport === "unix" ? place : { ...place }]] }, defaults),
      context,
    );
    adhoc.set(text, made);
    if (adhoc.size > MAX_ADHOC) dropAdhoc();
    return made;
  }

  /** Forgets the address that was not asked for longest, and has no connection in use. */
  function dropAdhoc(): void {
    for (const [text, endpoint] of adhoc) {
      if ([...endpoint.backends.values()].some(({ inUse }) => inUse > 0) || endpoint.waiters.size > 0) {
        continue;
      }
      for (const backend of [...endpoint.backends.values()]) pool.drain(backend);
      adhoc.delete(text);
      return;
    }
  }

  function connect(to: PlaceOptions, given?: ConnectOptions): Promise<Lease> {
    try {
      if (closing.signal.aborted) throw closedError();
      if (platform.net === undefined) throw unsupported(platform.name);
      const endpoint = find(to);
      endpoint.counts.connects++;
      budget.deposit();
      const lease = given === undefined ? quick(endpoint) : undefined;
      return lease === undefined ? connectClosely(endpoint, given) : Promise.resolve(lease);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The whole of a hit: the best address has an idle connection, and nobody waits. */
  function quick(endpoint: Endpoint): Lease | undefined {
    if (endpoint.waiters.size > 0 || endpoint.settings.check !== undefined) return undefined;
    for (const tier of endpoint.tiers) {
      const backend = endpoint.choose(tier, isUp);
      if (backend !== undefined) {
        const connection = pool.take(backend, "");
        if (connection === undefined) return undefined;
        endpoint.counts.reused++;
        return pool.lend(connection);
      }
      // A tier is passed by only where nothing in it could be tried.
      if (tier.isUnresolved || tier.backends.some(({ health }) => health.admits)) return undefined;
    }
    return undefined;
  }

  async function connectClosely(endpoint: Endpoint, given: ConnectOptions = {}): Promise<Lease> {
    const linked = linkSignals(closing.signal, given.signal, currentContext()?.signal);
    const what = `connecting to ${endpoint.name}`;
    const deadline = given.timeoutMs === undefined
      ? linked
      : deadlineSignal(checkNumber("timeoutMs", given.timeoutMs), { clock, signal: linked.signal, what });
    try {
      deadline.signal.throwIfAborted();
      const tls = given.tls === undefined
        ? endpoint.settings.tls
        : given.tls === true
        ? {}
        : given.tls || undefined;
      return await connector.connect({
        endpoint,
        tls,
        key: poolKey(given),
        signal: deadline.signal,
        startedAt: clock.monotonic(),
      });
    } finally {
      deadline.release();
      linked.release();
    }
  }

  /** Opens idle connections until there are as many as wanted. */
  function fill(endpoint: Endpoint): void {
    for (const tier of endpoint.tiers.slice(0, 1)) {
      for (const backend of tier.backends) {
        if (!backend.health.admits || backend.draining || backend.filling) continue;
        if (backend.idleCount >= endpoint.settings.pool.minIdle) continue;
        backend.filling = true;
        connector.warm(endpoint, backend, closing.signal).catch(() => {}).finally(() =>
          backend.filling = false
        );
      }
    }
  }

  function* backendsOf(what: string): Generator<Backend> {
    const name = aliases.get(what) ?? what;
    for (const endpoint of all()) {
      for (const tier of endpoint.tiers) void tier.backends;
      for (const backend of endpoint.backends.values()) {
        if (endpoint.name === name || backend.label === what) yield backend;
      }
    }
  }

  const manager: ConnectionManager = {
    connect,
    setEndpoints,
    markDown(what, { forMs = Infinity, reason = "marked down by hand" } = {}) {
      let count = 0;
      for (const backend of backendsOf(what)) {
        backend.health.markDown(reason, forMs);
        pool.drain(backend);
        events.emit({
          type: "marked-down",
          endpoint: backend.endpoint,
          address: backend.label,
          reason,
          forMs,
        });
        count++;
      }
      return count;
    },
    markUp(what) {
      let count = 0;
      for (const backend of backendsOf(what)) {
        backend.health.markUp();
        events.emit({ type: "recovered", endpoint: backend.endpoint, address: backend.label });
        count++;
      }
      return count;
    },
    retries: budget,
    events,
    snapshot: () => takeSnapshot({ clock, all, aliases, pool, budget, limit }),
    report: () => connectionsReport(manager.snapshot()),
    act(id, { what = "" } = {}) {
      if (id !== "mark-down" && id !== "mark-up") throw unknownAction("connections", id);
      const count = id === "mark-down" ? manager.markDown(what) : manager.markUp(what);
      if (count === 0) {
        throw new BallastError("UNKNOWN_ENDPOINT", `there is no endpoint or address "${what}"`);
      }
      return { addresses: count };
    },
    close({ finish = false } = {}) {
      closing.abort(closedError());
      unobserve();
      pool.end(!finish);
      events.close();
      return options.dns === undefined ? dns.close() : Promise.resolve();
    },
    [Symbol.asyncDispose]: () => manager.close(),
  };
  return manager;
}

function isUp({ health }: Backend): boolean {
  return health.state === "up";
}

function hostsOf({ settings }: Endpoint): string[] {
  return settings.tiers.flat().flatMap(({ place }) =>
    place.transport === "tcp" && parseLiteral(place.host) === undefined ? [place.host] : []
  );
}

/** Connections that differ in TLS or key are not the same. */
function poolKey({ key = "", tls }: ConnectOptions): string {
  return tls === undefined ? key : `${JSON.stringify(tls)} ${key}`;
}

function checkAliases(
  names: Readonly<Record<string, string>>,
  endpoints: ReadonlyMap<string, Endpoint>,
): Map<string, string> {
  const aliases = new Map(Object.entries(names));
  for (const [alias, name] of aliases) {
    if (endpoints.has(alias)) {
      throw new TypeError(`"${alias}" is an alias and an endpoint: it can be one of them`);
    }
    if (!endpoints.has(name)) {
      throw new TypeError(`the alias "${alias}" leads to "${name}", which is no endpoint`);
    }
  }
  return aliases;
}

function closedError(): BallastError {
  return new BallastError("CLOSED", "the connection manager is closed");
}

function unsupported(platform: string): BallastError {
  return new BallastError("UNSUPPORTED", `there are no sockets on ${platform}: use fetch`);
}
