/**
 * All that a cache holds, as plain JSON.
 *
 * @module
 */

import type { RecordType } from "../platform/port.ts";
import { isHeld } from "./entry.ts";
import type { Hosts } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { CachedName, DnsRecord, Episode } from "./names.ts";
import type { Settings } from "./options.ts";
import type { Attempt } from "./query.ts";
import type { Servers } from "./servers.ts";

/** A cache, at one moment. */
export interface DnsSnapshot {
  /** When it was taken, in milliseconds since the epoch; so are all moments in it. */
  readonly at: number;
  /** Who is asked. */
  readonly resolver: string;
  /** How long an answer is fresh where no TTL is known. */
  readonly refreshMs: number;
  /** How long it may be served stale after that. */
  readonly maxStaleMs: number;
  /** Most names held. */
  readonly maxNames: number;
  /** The names held. */
  readonly names: readonly NameSnapshot[];
  /** The hosts table. */
  readonly hosts: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  /** The name servers. */
  readonly servers: readonly ServerSnapshot[];
  /** Calls answered at once: from answers held now or before, or because the name is fixed. */
  readonly served: { readonly fresh: number; readonly stale: number; readonly fixed: number };
  /** The last queries in the log, the oldest first: when they ended, and how long they took in milliseconds. */
  readonly recentQueries: readonly (readonly [at: number, tookMs: number])[];
  /** Lookups under way, refreshes included. */
  readonly lookups: number;
  /** Refreshes waiting for their turn. */
  readonly refreshesWaiting: number;
}

/** One name. */
export interface NameSnapshot {
  /** In its one spelling. */
  readonly name: string;
  /** Kept warm whether anybody asks for it or not. */
  readonly pinned: boolean;
  /** Calls answered from it at once. */
  readonly hits: number;
  /** Its records that were asked for. */
  readonly records: readonly RecordSnapshot[];
}

/** One record of a name that was asked for. */
export interface RecordSnapshot {
  /** A or AAAA. */
  readonly type: RecordType;
  /** What is held. */
  readonly state: "unresolved" | "fresh" | "stale" | "nonexistent" | "empty" | "failed";
  /** The addresses served, if any. */
  readonly addresses: readonly string[];
  /** Since its last confirmation, where addresses are held. */
  readonly ageMs?: number;
  /** Since it ceased to be fresh, where that is so. */
  readonly staleForMs?: number;
  /** Until it is looked up again; absent when nothing is planned. */
  readonly refreshInMs?: number;
  /** Until stale addresses are given up. */
  readonly expiresInMs?: number;
  /** Consecutive lookups that failed. */
  readonly failures: number;
  /** The last query for it. */
  readonly lastAttempt?: Attempt;
  /** What its lookups came to, the oldest first. */
  readonly history: readonly Episode[];
  /** Why the last lookup failed, if it did. */
  readonly lastFailure?: string;
}

/** One name server. */
export interface ServerSnapshot {
  /** `10.0.0.2:53`, or `system` for the machine's own configuration. */
  readonly server: string;
  /** Queries sent to it. */
  readonly queries: number;
  /** Those that failed: no reply in time, refused, or a failure of its own. */
  readonly failures: number;
  /** Those that failed since the last one that did not. */
  readonly consecutiveFailures: number;
  /** Whether it was silent when it failed last: a server that answers with a failure is there. */
  readonly silent: boolean;
  /** For how many names it failed since the last time it did not; counted up to 8. */
  readonly failingNames: number;
  /** When the first of them failed. */
  readonly failingSince?: number;
  /** Why the last one that failed did. */
  readonly lastFailure?: string;
}

const RECENT_QUERIES = 200;

/** Takes a snapshot: of all that is held, or of one name alone. */
export function takeSnapshot(
  { clock, policy, resolver, maxNames, log }: Settings,
  keeper: Keeper,
  servers: Servers,
  hosts: Hosts,
  only?: CachedName,
): DnsSnapshot {
  const now = clock.monotonic();
  const names = only === undefined ? [...keeper.table.names.values()] : [only];
  for (const name of names) keeper.table.look(name);
  return {
    at: clock.now(),
    resolver: resolver.name,
    refreshMs: policy.refreshMs,
    maxStaleMs: policy.maxStaleMs,
    maxNames,
    names: names.map((name) => nameSnapshot(name, now)),
    hosts: [...hosts].map(([name, { any }]) => ({
      name,
      addresses: (any?.addresses ?? []).map((a) => a.address),
    })),
    servers: servers.all.map(({ label, server: _, pausedUntil: __, failingNames, ...rest }) => ({
      server: label,
      failingNames: failingNames.size,
      ...rest,
    })),
    served: { ...keeper.table.served },
    recentQueries: recentQueries(log, only?.name),
    lookups: keeper.lookups.foreground + keeper.lookups.background,
    refreshesWaiting: keeper.refreshesWaiting,
  };
}

function recentQueries(log: Settings["log"], name: string | undefined): DnsSnapshot["recentQueries"] {
  const limit = name === undefined ? RECENT_QUERIES : Infinity;
  return log.recent({ event: "dns.query", limit })
    .filter(({ fields }) => name === undefined || fields.name === name)
    .slice(0, RECENT_QUERIES)
    .reverse()
    .map(({ at, durationMs = 0 }) => [at, durationMs]);
}

function nameSnapshot(name: CachedName, now: number): NameSnapshot {
  const asked = [name.a, name.aaaa].filter((record) => record.lastAttempt || record.flight);
  return {
    name: name.name,
    pinned: name.pinned,
    hits: name.hits,
    records: asked.map((record) => recordSnapshot(record, now)),
  };
}

function recordSnapshot(record: DnsRecord, now: number): RecordSnapshot {
  const { type, entry, failures, refreshAt, lastAttempt, lastFailure } = record;
  const held = isHeld(entry) ? entry : undefined;
  return {
    type,
    state: entry.state === "absent" ? entry.verdict : entry.state,
    addresses: held?.addresses ?? [],
    ageMs: held && now - held.since,
    staleForMs: held?.state === "stale" ? now - held.staleAt : undefined,
    refreshInMs: refreshAt === Infinity ? undefined : Math.max(0, refreshAt - now),
    expiresInMs: held?.state === "stale" ? held.expiresAt - now : undefined,
    failures,
    lastAttempt,
    history: [...record.history],
    lastFailure: failures > 0 ? lastFailure?.reason : undefined,
  };
}
