/**
 * The DNS cache: what callers see of it.
 *
 * A hit is a `Map` lookup and a promise that was made when the answer came; time moves names between their states from
 * outside (see `entry.ts` for the states, `keeper.ts` for who moves them). Only where nothing runs between requests does a hit
 * read the clock.
 *
 * @module
 */

import { currentSignal } from "../context/mod.ts";
import { BallastError, show } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Report, Reporter } from "../report.ts";
import { unknownAction } from "../report.ts";
import { failureOf, NameNotFoundError, ResolveError } from "./errors.ts";
import type { DnsEvent } from "./events.ts";
import { createAnswers, createHosts, findHost, hostsChanges, type HostsTable } from "./hosts.ts";
import { createKeeper } from "./keeper.ts";
import { createLookup, type Lookup } from "./lookup.ts";
import { normalizeName, parseLiteral } from "./name.ts";
import {
  type Addresses,
  type Answers,
  type CachedName,
  type DnsRecord,
  type Family,
  type View,
  viewOf,
} from "./names.ts";
import { nameReport } from "./name_report.ts";
import { type DnsCacheOptions, settings } from "./options.ts";
import { preresolve, type PreresolveReport } from "./preresolve.ts";
import { dnsReport } from "./report.ts";
import { createServers } from "./servers.ts";
import { type DnsSnapshot, takeSnapshot } from "./snapshot.ts";
import { createDnsStats } from "./stats.ts";

/** How a name is resolved. */
export interface ResolveOptions {
  /** Which addresses are wanted: 4, 6, or 0 for both, IPv4 first. @default 0 */
  readonly family?: Family;
  /**
   * Ends this caller's wait. The query itself goes on while others wait for it, and for a refresh in the background; when the last
   * has left, it is aborted, and nothing is held against name or server. Only who has to wait looks at it.
   *
   * @default that of the running context: so a request's deadline is its lookups'
   */
  readonly signal?: AbortSignal;
}

/** An asynchronous, bounded, self-refreshing cache of name lookups. */
export interface DnsCache extends AsyncDisposable, Reporter {
  /**
   * Addresses of `name`: at once whenever any usable answer is held, else after at most `attempts` x `timeoutMs`.
   *
   * @example Resolve with a budget
   * ```ts
   * import assert from "node:assert/strict";
   * import { createDnsCache } from "@ballast/runtime/dns";
   *
   * await using dns = createDnsCache({ hosts: { "db.internal": ["10.0.0.4"] } });
   * const [first] = await dns.resolve("db.internal", { signal: AbortSignal.timeout(200) });
   * assert.equal(first.address, "10.0.0.4");
   * ```
   * @throws {NameNotFoundError} when the name, or an address of the family, is known not to exist
   * @throws {ResolveError} when nothing is held and no answer is to be had
   * @throws {BallastError} `INVALID_NAME`, or `CLOSED` after `close()`
   */
  resolve(name: string, options?: ResolveOptions): Promise<Addresses>;
  /** The addresses held for `name`, or undefined where `resolve` would have to wait or fail. No query, no promise. */
  peek(name: string, options?: { readonly family?: Family }): Addresses | undefined;
  /** A drop-in for Node's `dns.lookup`: pass it as the `lookup` option of `node:http`, `node:net`, undici and others. */
  readonly lookup: Lookup;
  /** Resolves names and keeps them warm from then on. Never rejects: a name that fails is in the report. */
  preresolve(names: readonly string[]): Promise<PreresolveReport>;
  /** Queries `name` now, whatever is held, and gives what is held then. Throws as `resolve` does. */
  refresh(name: string): Promise<Addresses>;
  /**
   * Replaces the hosts table, whole or not at all.
   *
   * @throws {TypeError | BallastError} when an address or a name is none: the table stays as it was
   */
  setHosts(table: HostsTable): void;
  /** What happens, for programs. */
  readonly events: Events<DnsEvent>;
  /** All that is held, as plain JSON. Cheap, never throws. */
  snapshot(): DnsSnapshot;
  /** What a person should know of it. */
  report(): Report;
  /** What a person should know of one name; undefined for one that is not held. */
  details(name: string): Report | undefined;
  /** Ends every query and timer; who still waits gets a `CLOSED` error. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Makes a DNS cache.
 *
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createDnsCache(options: DnsCacheOptions = {}): DnsCache {
  const own = settings(options);
  const { clock, stats } = own;
  let hosts = createHosts(own.hosts);
  const servers = createServers(own.servers, clock, own.resolver.label);
  const keeper = createKeeper(own, servers);
  const { table, events } = keeper;
  const { names, served } = table;
  const { catchUp } = clock;
  const upToDate: Pick<typeof names, "get"> = catchUp === undefined ? names : {
    get(name) {
      catchUp();
      return names.get(name);
    },
  };
  const { waited, failed, dispose: unobserve } = createDnsStats(stats, keeper);
  let closed = false;

  /** The whole of a hit. */
  function hit(name: string, family: Family): View | undefined {
    const known = upToDate.get(name);
    if (known === undefined) return undefined;
    const view = viewOf(known, family);
    if (view !== undefined) known.hits++;
    return view;
  }

  function resolve(name: string, options?: ResolveOptions): Promise<Addresses> {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason);
    const view = hit(name, options?.family ?? 0);
    return view === undefined ? resolveClosely(name, options) : view.answer;
  }

  function peek(name: string, options?: { readonly family?: Family }): Addresses | undefined {
    const family = options?.family ?? 0;
    const view = hit(name, family);
    if (view !== undefined) return view.addresses;
    const fixed = hosts.get(name);
    if (fixed !== undefined && !closed) return viewOf(fixed, family)?.addresses;
    try {
      const place = locate(name);
      if (place.fixed) return viewOf(place.fixed, family)?.addresses;
      const known = names.get(place.name);
      const half = family === 0 && known ? known.v4 ?? known.v6 : undefined;
      return (hit(place.name, family) ?? half)?.addresses;
    } catch {
      return undefined;
    }
  }

  /** Where the answer for a name is to be found: fixed (a literal, the hosts table), or under its one spelling. */
  function locate(text: string): { readonly fixed?: Answers; readonly name: string } {
    if (closed) throw closedError();
    const literal = parseLiteral(text);
    if (literal !== undefined) return { fixed: createAnswers([literal]), name: text };
    const name = normalizeName(text);
    return { fixed: findHost(hosts, name), name };
  }

  async function resolveClosely(
    text: string,
    { family = 0, signal }: ResolveOptions = {},
  ): Promise<Addresses> {
    try {
      checkFamily(family);
      const { fixed, name } = locate(text);
      if (fixed === undefined) {
        if (family === 0) keeper.complete(name);
        return hit(name, family)?.addresses ??
          await lookUp(admit(name), family, () => signal ?? currentSignal());
      }
      const view = viewOf(fixed, family);
      if (view === undefined) {
        throw new NameNotFoundError(name, `${name} has no ${family === 0 ? "" : `IPv${family} `}address`);
      }
      served.fixed++;
      return view.addresses;
    } catch (error) {
      failed.add();
      throw error;
    }
  }

  /** Nothing is unbounded: a flood of unknown names is refused, and the names held are served on. */
  function admit(name: string): CachedName {
    // Two records a name.
    if (names.has(name) || keeper.lookups.foreground < 2 * own.maxLookups) {
      return table.add(name);
    }
    const message = `${name}: ${own.maxLookups} lookups (maxLookups) are under way already`;
    throw new ResolveError(name, message, { data: { maxLookups: own.maxLookups } });
  }

  async function lookUp(
    name: CachedName,
    family: Family,
    signalOf?: () => AbortSignal | undefined,
  ): Promise<Addresses> {
    const records = recordsOf(name, family);
    if (records.some((record) => record.entry.state === "unresolved")) {
      waited.add();
      await held(keeper.wait(name, records, signalOf?.()));
    }
    // The hosts table may have got the name in the meantime, or the cache may be closed.
    const { fixed } = locate(name.name);
    const view = viewOf(fixed ?? name, family);
    if (view === undefined) throw failureOf(name, records);
    return view.addresses;
  }

  /** A caller's wait keeps the process alive, though what it waits for may be a lookup of the background that does not. */
  async function held(wait: Promise<unknown>): Promise<void> {
    const hold = clock.schedule(own.timeoutMs * (own.attempts + 2), () => {}, { keepAlive: true });
    try {
      await wait;
    } finally {
      hold.cancel();
    }
  }

  /** The spelling to query a name in; none where it is fixed, or no name. */
  function queried(text: string): string[] {
    try {
      const { fixed, name } = locate(text);
      return fixed ? [] : [name];
    } catch {
      return [];
    }
  }

  async function warmUp(text: string): Promise<void> {
    const { fixed, name } = locate(text);
    if (fixed !== undefined) return;
    const known = table.pin(name);
    if (known.any === undefined) await lookUp(known, 0);
  }

  async function refresh(text: string): Promise<Addresses> {
    const { fixed, name } = locate(text);
    if (fixed !== undefined) return resolve(text);
    const known = admit(name);
    await held(Promise.all([known.a, known.aaaa].map((record) => keeper.wait(known, [record]))));
    return lookUp(known, 0);
  }

  function setHosts(given: HostsTable): void {
    if (closed) throw closedError();
    const next = createHosts(given);
    const changes = hostsChanges(hosts, next, (name) => names.get(name));
    hosts = next;
    for (const name of [...names.values()]) if (findHost(next, name.name)) table.drop(name, "hosts");
    keeper.restorePinned((name) => findHost(next, name) !== undefined);
    for (const change of changes) events.emit(change);
  }

  const cache: DnsCache = {
    resolve,
    peek,
    lookup: createLookup({ peek, resolve, random: () => clock.random() }),
    preresolve: (names) => preresolve(names, warmUp, clock),
    refresh,
    setHosts,
    events,
    snapshot() {
      catchUp?.();
      return takeSnapshot(own, keeper, servers, hosts);
    },
    report: () => dnsReport(cache.snapshot()),
    details(key) {
      const name = names.get(key);
      return name && nameReport(takeSnapshot(own, keeper, servers, hosts, name));
    },
    act(id, { name = "" } = {}) {
      if (id !== "refresh") throw unknownAction("dns", id);
      return refresh(name);
    },
    close() {
      closed = true;
      unobserve();
      keeper.close();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => cache.close(),
  };
  if (own.preresolve.length > 0) {
    if (catchUp === undefined) void cache.preresolve(own.preresolve);
    // Outside of requests, where caches are made, nothing can be asked.
    else clock.schedule(0, () => keeper.keepWarm(own.preresolve.flatMap(queried)));
  }
  return cache;
}

function closedError(): BallastError {
  return new BallastError("CLOSED", "the DNS cache is closed");
}

function recordsOf(name: CachedName, family: Family): DnsRecord[] {
  return family === 0 ? [name.a, name.aaaa] : [family === 4 ? name.a : name.aaaa];
}

function checkFamily(family: Family): void {
  if (family !== 0 && family !== 4 && family !== 6) {
    throw new RangeError(`family must be 0, 4 or 6, got ${show(family)}`);
  }
}
