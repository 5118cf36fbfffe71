/**
 * What a cache can be told, and what it assumes when it is not.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { checkInteger, checkNumber, show } from "../errors.ts";
import { createLog, type Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { DnsServer, Platform, WaitUntil } from "../platform/port.ts";
import { createRequestClock } from "../request_clock.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import type { Policy } from "./entry.ts";
import { parseLiteral } from "./name.ts";
import { defaultResolver, type Resolver } from "./resolver.ts";

/** Options of {@linkcode createDnsCache}. Every one may be left out. */
export interface DnsCacheOptions {
  /**
   * Who is asked.
   *
   * @default the runtime's own: `Deno.resolveDns`, or `node:dns` on Node and Bun; elsewhere DNS over HTTPS, by {@linkcode DEFAULT_DOH_URL}
   */
  readonly resolver?: Resolver;
  /** Name servers, in no order of preference. @default those of the machine */
  readonly servers?: readonly DnsServer[];
  /** Time for one attempt. @default 200; 1000 where DNS over HTTPS is the default */
  readonly timeoutMs?: number;
  /** Attempts in one lookup; a server that has answered is not asked again. @default one per server, at least 2 */
  readonly attempts?: number;
  /** How long an answer is fresh where no TTL is known. @default 300000 (5 minutes) */
  readonly refreshMs?: number;
  /** How long a stale answer may be served after that (RFC 8767). @default 86400000 (1 day) */
  readonly maxStaleMs?: number;
  /** How long a name that does not exist is remembered, at most (RFC 2308). @default 10000 */
  readonly negativeMs?: number;
  /** How long a failure is remembered where nothing is held (RFC 9520). @default 1000 */
  readonly failureMs?: number;
  /** Lower bound of a TTL. @default 5000, at most `refreshMs` */
  readonly minTtlMs?: number;
  /** Upper bound of a TTL. @default `refreshMs` */
  readonly maxTtlMs?: number;
  /** Names held; beyond it those least recently used are dropped. @default 10000 */
  readonly maxNames?: number;
  /** A name nobody has asked for so long is dropped when its refresh is due. @default 3600000 (1 hour) */
  readonly idleMs?: number;
  /** Refreshes under way at a time. @default 16; 2 where they end with a request, which may have few connections at a time */
  readonly maxRefreshes?: number;
  /** Names looked up for callers at a time, with two queries each; beyond it further ones fail at once. @default 256 */
  readonly maxLookups?: number;
  /** Names and their addresses that are never queried. `localhost` is always among them (RFC 6761). */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** Names to resolve at once, and to keep warm whether anybody asks for them or not. */
  readonly preresolve?: readonly string[];
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
  /**
   * Keeps the running request alive until `work` is done, its response notwithstanding; refreshes are handed to it. For runtimes
   * where what a request begins ends with it: given, it says that this is one. `withWaitUntil` gives it for single requests.
   *
   * @default the platform's: in workerd with `nodejs_compat` that of `cloudflare:workers`, elsewhere none, and none is needed
   */
  readonly waitUntil?: WaitUntil;
  /** Where statistics go. @default a registry of its own */
  readonly stats?: Stats;
  /** Where records go. @default a log of its own, category `ballast.dns` */
  readonly log?: Log;
}

/** No time span longer than a year: it would be a mistake. */
const SPAN = { max: 365 * 86_400_000 };

/** Options with nothing left open. */
export interface Settings {
  readonly resolver: Resolver;
  readonly servers: readonly DnsServer[];
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly policy: Policy;
  readonly maxNames: number;
  readonly idleMs: number;
  readonly maxRefreshes: number;
  readonly maxLookups: number;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly preresolve: readonly string[];
  readonly clock: Clock;
  readonly waitUntil: WaitUntil | undefined;
  readonly stats: Stats;
  readonly log: Log;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError | RangeError} when one of them makes no sense
 */
export function settings(options: DnsCacheOptions): Settings {
  const platform = options.platform ?? detectPlatform();
  const clock = requestClock(options.clock ?? platform.clock, options.waitUntil !== undefined);
  const stats = options.stats ?? createStats({ clock });
  const overHttps = options.resolver === undefined && platform.dns.default === undefined;
  const servers = (options.servers ?? []).map(checkServer);
  return {
    resolver: checkResolver(options.resolver ?? defaultResolver(platform)),
    servers,
    timeoutMs: checkNumber("timeoutMs", options.timeoutMs ?? (overHttps ? 1_000 : 200), { ...SPAN, min: 1 }),
    attempts: checkInteger("attempts", options.attempts ?? Math.max(2, servers.length), { min: 1 }),
    policy: policy(options),
    maxNames: checkInteger("maxNames", options.maxNames ?? 10_000, { min: 1 }),
    idleMs: checkNumber("idleMs", options.idleMs ?? 3_600_000, SPAN),
    maxRefreshes: checkInteger("maxRefreshes", options.maxRefreshes ?? (clock.catchUp ? 2 : 16), { min: 1 }),
    maxLookups: checkInteger("maxLookups", options.maxLookups ?? 256, { min: 1 }),
    hosts: options.hosts ?? {},
    preresolve: checkNames(options.preresolve ?? []),
    clock,
    waitUntil: options.waitUntil ?? platform.waitUntil,
    stats,
    // A log of one's own is closed by nobody; so it must set no timer.
    log: options.log ?? createLog({ category: ["ballast", "dns"], stats, clock, sampling: false }),
  };
}

/** The clock, with its background timers noted where they would end with a request. */
function requestClock(clock: Clock, ofRequests: boolean): Clock {
  return ofRequests && clock.catchUp === undefined ? createRequestClock(clock) : clock;
}

function policy(options: DnsCacheOptions): Policy {
  const refreshMs = checkNumber("refreshMs", options.refreshMs ?? 300_000, { ...SPAN, min: 1 });
  const minTtlMs = checkNumber("minTtlMs", options.minTtlMs ?? Math.min(5_000, refreshMs), {
    ...SPAN,
    min: 1,
  });
  return {
    refreshMs,
    maxStaleMs: checkNumber("maxStaleMs", options.maxStaleMs ?? 86_400_000, SPAN),
    negativeMs: checkNumber("negativeMs", options.negativeMs ?? 10_000, SPAN),
    failureMs: checkNumber("failureMs", options.failureMs ?? 1_000, { ...SPAN, min: 1 }),
    minTtlMs,
    maxTtlMs: checkNumber("maxTtlMs", options.maxTtlMs ?? Math.max(minTtlMs, refreshMs), {
      ...SPAN,
      min: minTtlMs,
    }),
  };
}

function checkServer(server: DnsServer): DnsServer {
  const literal = parseLiteral(server?.address);
  if (literal === undefined) {
    throw new TypeError(`a name server's address must be an IP address, got ${show(server?.address)}`);
  }
  const port = checkInteger("a name server's port", server.port ?? 53, { min: 1, max: 65_535 });
  return { address: literal.address, port };
}

function checkNames(names: readonly string[]): readonly string[] {
  if (Array.isArray(names)) return names;
  throw new TypeError(`preresolve must be an array of names, got ${show(names)}`);
}

function checkResolver(resolver: Resolver): Resolver {
  if (typeof resolver?.query === "function") return resolver;
  throw new TypeError(`resolver must have a query function, got ${show(resolver)}`);
}
