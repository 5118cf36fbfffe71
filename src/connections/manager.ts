/**
 * The connection manager: from a logical name to an open, healthy connection, promptly, or one error that explains everything.
 *
 * What callers see is here; `connector.ts` says what is tried when, `pool.ts` what is kept.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { currentContext } from "../context/mod.ts";
import { createDnsCache, type DnsCache, type Lookup } from "../dns/mod.ts";
import { BallastError, checkInteger, checkNumber, show } from "../errors.ts";
import { createEvents, type Events } from "../events.ts";
import { createLog, type Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform, SrvRecord } from "../platform/port.ts";
import type { Report, Reporter } from "../report.ts";
import { unknownAction } from "../report.ts";
import { deadlineSignal, type DerivedSignal, linkSignals } from "../signal.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import { type Backend, keyWithTls } from "./backend.ts";
import { countingBudget, type RetryBudget } from "./budget.ts";
import { Connector, EndpointRetired } from "./connector.ts";
import { Directory } from "./directory.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpointLookup } from "./endpoint_lookup.ts";
import type { ConnectionEvent } from "./events.ts";
import type { Lease } from "./lease.ts";
import {
  checkTls,
  type EndpointDefaults,
  type EndpointTable,
  type RetryBudgetOptions,
  type TlsOptions,
} from "./options.ts";
import type { PlaceOptions } from "./place.ts";
import { Pool } from "./pool.ts";
import { connectionsReport } from "./report.ts";
import { type ConnectionsSnapshot, takeSnapshot } from "./snapshot.ts";
import { observeConnections } from "./stats.ts";
import { createSweep } from "./sweep.ts";
import { Traffic, type TrafficOptions } from "./traffic.ts";

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
  /** Remembers the last reads and writes. @default nothing is remembered */
  readonly traffic?: TrafficOptions;
  /** Asks for SRV records, for endpoints made of them. @default the platform's */
  readonly resolveSrv?: (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]>;
  /**
   * Whether leases are sampled (where they were taken, how long they are held, whether they are lost) and events are told.
   * Without that, counters, limits and health are as they are with it.
   *
   * @default true
   */
  readonly observe?: boolean;
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
   * Node's `dns.lookup`, for clients that take one and bring their own port: of an endpoint or alias the addresses in rotation of
   * its first tier that has any, of other names what DNS says.
   */
  readonly lookup: Lookup;
  /** Whether there is an endpoint or alias of this name. */
  has(name: string): boolean;
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
  /**
   * Ends it: idle connections are closed now, and so are those in use; where they may `finish`, it resolves when the last of
   * them has come back. Safe to call twice.
   */
  close(options?: { readonly finish?: boolean }): Promise<void>;
}

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
  const log = options.log ??
    createLog({ category: ["ballast", "connections"], stats, clock, sampling: false });
  const limit = {
    max: checkInteger("maxConnections", options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, { min: 1 }),
  };
  const traffic = options.traffic && new Traffic(clock, options.traffic);
  const budget = countingBudget({ ...options.retries, clock });
  const dns = options.dns ?? createDnsCache({ platform, clock, stats, log });
  const { observe = true } = options;
  if (typeof observe !== "boolean") {
    throw new TypeError(`observe must be true or false, got ${show(observe)}`);
  }
  const source = createEvents<ConnectionEvent>();
  const events = observe ? source : { ...source, emit() {} };
  let closed = false;
  // Made when it is first needed: on the edge nothing may be made before the first request.
  let ending: AbortController | undefined;
  const closing = () => (ending ??= new AbortController()).signal;
  /** Calls under way: closing ends them. */
  const calls = new Set<DerivedSignal>();
  const directory = new Directory({
    clock,
    dns,
    defaults: options.defaults ?? {},
    resolveSrv: options.resolveSrv ?? srvOf(platform),
    onGone: (backend) => pool.drain(backend),
  });
  const all = () => directory.all();
  const sweep = createSweep({ clock, events, endpoints: all, pool: () => pool, budget, fill, probe: warm });
  const { dispose: unobserve, onUsed } = observeConnections(stats, { all, pool: () => pool, budget });
  const pool = new Pool({
    clock,
    events,
    limit,
    endpoints: all,
    sweep: () => sweep.begin(),
    onUsed,
    traffic,
    observe,
  });
  const connector = new Connector({ net: platform.net!, clock, log, pool, budget, events });
  if (options.maxConnections === undefined) {
    // Read when there is time; until then the default holds.
    platform.net?.fileLimit().then((files) => {
      if (files !== undefined) limit.max = Math.max(1, Math.floor(files * FILE_SHARE));
    });
  }
  setEndpoints(options.endpoints ?? {}, options.aliases);

  function setEndpoints(table: EndpointTable, aliases: Readonly<Record<string, string>> = {}): void {
    if (closed) throw closedError();
    const { hosts, isWarm } = directory.replace(table, aliases);
    if (hosts.length > 0 && platform.net !== undefined) void dns.preresolve(hosts);
    // Who waits at an endpoint that is gone looks again; and there may be room elsewhere now.
    pool.pump();
    if (isWarm && platform.net !== undefined) sweep.begin();
  }

  function connect(to: PlaceOptions, given?: ConnectOptions): Promise<Lease> {
    try {
      if (closed) throw closedError();
      if (platform.net === undefined) throw unsupported(platform.name);
      const endpoint = (typeof to === "string" ? directory.named(to) : undefined) ?? directory.find(to);
      endpoint.counts.connects++;
      const signal = given?.signal;
      if (signal !== undefined && signal.aborted) throw signal.reason;
      const key = given === undefined ? "" : poolKey(given, endpoint);
      const lease = quick(endpoint, key);
      if (lease !== undefined) {
        budget.count();
        return Promise.resolve(lease);
      }
      budget.deposit();
      return connectClosely(to, endpoint, key, given);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The whole of a hit: the best address has an idle connection, and nobody waits. */
  function quick(endpoint: Endpoint, key: string): Lease | undefined {
    if (endpoint.waiters.ahead > 0 || endpoint.settings.check !== undefined) return undefined;
    for (const tier of endpoint.tiers) {
      const backend = endpoint.choose(tier, isUp);
      if (backend !== undefined) {
        const connection = pool.take(backend, key);
        if (connection === undefined) return undefined;
        endpoint.counts.reused++;
        return pool.lend(connection);
      }
      // A tier is passed by only where nothing in it could be tried.
      if (tier.isUnresolved || tier.backends.some(({ health }) => health.admits)) return undefined;
    }
    return undefined;
  }

  async function connectClosely(
    to: PlaceOptions,
    endpoint: Endpoint,
    key: string,
    given: ConnectOptions = {},
  ): Promise<Lease> {
    const { timeoutMs, tls } = given;
    if (timeoutMs !== undefined) checkNumber("timeoutMs", timeoutMs);
    const linked = linkSignals(given.signal, currentContext()?.signal);
    calls.add(linked);
    const what = `connecting to ${endpoint.name}`;
    const deadline = timeoutMs === undefined
      ? linked
      : deadlineSignal(timeoutMs, { clock, signal: linked.signal, what });
    const { signal } = deadline;
    const startedAt = clock.monotonic();
    try {
      signal.throwIfAborted();
      for (;;) {
        const { settings } = endpoint;
        const wanted = tls === undefined
          ? settings.tls
          : tls === true
          ? settings.tls ?? {}
          : tls || undefined;
        try {
          return await connector.connect({ endpoint, tls: wanted, key, signal, startedAt });
        } catch (error) {
          if (!(error instanceof EndpointRetired)) throw error;
          endpoint = (typeof to === "string" ? directory.named(to) : undefined) ?? directory.find(to);
        }
      }
    } finally {
      calls.delete(linked);
      deadline.release();
      linked.release();
    }
  }

  /** Opens idle connections until there are as many as wanted. */
  function fill(endpoint: Endpoint): void {
    for (const backend of endpoint.tiers[0]?.backends ?? []) {
      if (backend.idleCount < endpoint.settings.pool.minIdle) warm(endpoint, backend);
    }
  }

  /** Opens a connection for nobody: to be kept warm, or to see whether the address is well again. */
  function warm(endpoint: Endpoint, backend: Backend): void {
    if (!backend.health.admits || backend.draining || backend.filling) return;
    backend.filling = true;
    connector.warm(endpoint, backend, closing()).catch(() => {}).finally(() => {
      backend.filling = false;
    });
  }

  function* backendsOf(what: string): Generator<Backend> {
    const named = directory.named(what);
    for (const endpoint of all()) {
      for (const tier of endpoint.tiers) void tier.backends;
      for (const backend of endpoint.backends.values()) {
        if (endpoint === named || backend.label === what) yield backend;
      }
    }
  }

  const manager: ConnectionManager = {
    connect,
    lookup: endpointLookup({ clock, dns, named: (name) => directory.named(name) }),
    has: (name) => directory.named(name) !== undefined,
    setEndpoints,
    markDown(what, { forMs = Infinity, reason = "marked down by hand" } = {}) {
      let count = 0;
      checkNumber("forMs", forMs);
      for (const backend of [...backendsOf(what)]) {
        backend.health.markDown(reason, forMs);
        pool.markedDown(backend);
        count++;
      }
      return count;
    },
    markUp(what) {
      let count = 0;
      for (const backend of [...backendsOf(what)]) {
        backend.health.markUp();
        backend.pace.reset();
        events.emit({ type: "recovered", endpoint: backend.endpoint, address: backend.label });
        count++;
      }
      pool.pump();
      return count;
    },
    retries: budget,
    events,
    snapshot: () => takeSnapshot({ clock, all, aliases: directory.aliases, pool, budget, limit, traffic }),
    report: () => connectionsReport(manager.snapshot()),
    act(id, { what = "" } = {}) {
      if (id !== "mark-down" && id !== "mark-up") throw unknownAction("connections", id);
      const count = id === "mark-down" ? manager.markDown(what) : manager.markUp(what);
      if (count === 0) {
        throw new BallastError("UNKNOWN_ENDPOINT", `there is no endpoint or address "${what}"`);
      }
      return { addresses: count };
    },
    async close({ finish = false } = {}) {
      closed = true;
      ending?.abort(closedError());
      for (const call of [...calls]) call.abort(closedError());
      sweep.close();
      directory.close();
      unobserve();
      const [ended] = await Promise.allSettled([
        pool.end(!finish),
        options.dns === undefined ? dns.close() : undefined,
      ]);

      events.close();
      if (ended.status === "rejected") throw ended.reason;
    },
    [Symbol.asyncDispose]: () => manager.close(),
  };
  return manager;
}

function isUp({ health }: Backend): boolean {
  return health.state === "up";
}

/** Keys of TLS options: objects are compared by what they say, which is looked at once. */
const tlsKeys = new WeakMap<object, string>();

/** Connections that differ in TLS or key are not the same. */
function poolKey({ key = "", tls }: ConnectOptions, { settings }: Endpoint): string {
  if (tls === undefined || (tls === true && settings.tls !== undefined)) return key;
  if (typeof tls !== "object") return keyWithTls(String(tls), key);
  let text = tlsKeys.get(tls);
  if (text === undefined) tlsKeys.set(tls, text = JSON.stringify(checkTls(tls)));
  return keyWithTls(text, key);
}

/** SRV queries of the platform. */
function srvOf(
  { name, dns }: Platform,
): (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]> {
  return dns.srv ?? (() =>
    Promise.reject(
      new BallastError("UNSUPPORTED", `there are no SRV queries on ${name}: give resolveSrv, or tiers`),
    ));
}

function closedError(): BallastError {
  return new BallastError("CLOSED", "the connection manager is closed");
}

function unsupported(platform: string): BallastError {
  return new BallastError("UNSUPPORTED", `there are no sockets on ${platform}: use fetch`);
}
