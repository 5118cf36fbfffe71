/**
 * Keeps records up to date: one lookup under way for each, one timer for its next change or refresh.
 *
 * @module
 */

import { detached } from "../clock.ts";
import { BallastError, errorMessage } from "../errors.ts";
import { createEvents, type EventSource } from "../events.ts";
import { backoff, delay, type DerivedSignal } from "../signal.ts";
import { age, changesAt, type Entry, isHeld, older, type Outcome, settle, UNRESOLVED } from "./entry.ts";
import { difference, type DnsEvent } from "./events.ts";
import { createNameTable } from "./name_table.ts";
import {
  type CachedName,
  createName,
  type DnsRecord,
  halfKnown,
  inFlight,
  noteUse,
  remember,
  sibling,
  updateViews,
} from "./names.ts";
import type { Settings } from "./options.ts";
import { type Attempt, createQuery, isFailure } from "./query.ts";
import type { Servers } from "./servers.ts";
import { createTurnstile } from "./turnstile.ts";

/** Refreshes come early by this share of the time an answer is fresh, so that a healthy name is never stale. */
const AHEAD = 0.9;
/** And vary by this share, so that names learnt together do not come due together. */
const JITTER = 0.1;
/** RFC 8305, 3: how long the second family is waited for once the first is there. */
const SECOND_FAMILY_MS = 50;

/** Calls answered without waiting. */
export interface Served {
  fresh: number;
  stale: number;
  /** From the hosts table, or because the name is an address. */
  fixed: number;
}

/** Why a name is held no more. */
type Why = Extract<DnsEvent, { type: "dropped" }>["why"];

/** The part of a cache that asks. */
export interface Keeper {
  readonly names: ReadonlyMap<string, CachedName>;
  readonly events: EventSource<DnsEvent>;
  readonly served: Served;
  /** Lookups of single records under way: those that callers wait for, or began, and those in the background. */
  readonly lookups: { readonly foreground: number; readonly background: number };
  /** Refreshes that wait for their turn. */
  readonly refreshesWaiting: number;
  /** The name, added if it was not held; another one may have to go. */
  add(name: string): CachedName;
  /** The name, kept from now on whether anybody asks for it or not, and through a stay in the hosts table. */
  pin(name: string): CachedName;
  drop(name: CachedName, why: Why): void;
  /** Resolves the pinned names that are not held, but for those that are `fixed`. */
  restorePinned(fixed: (name: string) => boolean): void;
  /** A lookup of one record, shared by all who ask for it. Never rejects: the record says what came of it. */
  fly(name: CachedName, record: DnsRecord, background?: boolean): Promise<void>;
  /** Lookups of both records: settled when both are, or when one has had addresses for 50 ms. */
  flyBoth(name: CachedName): Promise<void>;
  /** Begins to ask for the record that nobody asked for yet, of a name whose other one has addresses to serve meanwhile. */
  complete(name: string): void;
  /** Counts the hits of a name since the last look. */
  look(name: CachedName): void;
  close(): void;
}

/** Makes the part of a cache that asks. */
export function createKeeper(options: Settings, servers: Servers): Keeper {
  const { clock, policy, log, idleMs, maxRefreshes } = options;
  const table = createNameTable();
  const pinned = new Set<string>();
  const events = createEvents<DnsEvent>();
  // Names that fail take long and come back soon: apart, so that they keep no healthy one waiting.
  const refreshes = createTurnstile(maxRefreshes);
  const retries = createTurnstile(Math.ceil(maxRefreshes / 2));
  const served: Served = { fresh: 0, stale: 0, fixed: 0 };
  const lookups = { foreground: 0, background: 0 };
  const closing = new AbortController();
  const open = new Set<DerivedSignal>();
  const query = createQuery({ ...options, servers, signal: closing.signal, open });

  // The machine slept, or its clock was set forward: what is held is older than the monotonic clock knows.
  const stopWatching = clock.onJump((jumpMs) => {
    if (jumpMs <= 0) return;
    for (const name of [...table.names.values()]) {
      for (const record of [name.a, name.aaaa]) {
        record.entry = older(record.entry, jumpMs);
        record.refreshAt -= jumpMs;
        wake(name, record);
      }
    }
  });

  function add(text: string): CachedName {
    const known = table.names.get(text);
    if (known !== undefined) return known;
    const name = createName(text, clock.monotonic());
    table.add(name);
    while (table.names.size > options.maxNames) {
      const victim = table.victim(name, look);
      // All others are being looked up: there are maxLookups of those at most.
      if (victim === undefined) break;
      pinned.delete(victim.name);
      drop(victim, "full");
    }
    return name;
  }

  function pin(text: string): CachedName {
    const name = add(text);
    pinned.add(text);
    table.pin(name);
    return name;
  }

  function restorePinned(fixed: (name: string) => boolean): void {
    for (const text of pinned) {
      if (table.names.has(text) || fixed(text)) continue;
      const name = pin(text);
      refresh(name, name.a);
      refresh(name, name.aaaa);
    }
  }

  function drop(name: CachedName, why: Why): void {
    forget(name);
    events.emit({ type: "dropped", name: name.name, why });
  }

  function forget(name: CachedName): void {
    look(name);
    for (const record of [name.a, name.aaaa]) record.timer?.cancel();
    table.remove(name);
  }

  function look(name: CachedName): void {
    const used = noteUse(name, clock.monotonic());
    if (used === 0) return;
    served[name.a.entry.state === "stale" || name.aaaa.entry.state === "stale" ? "stale" : "fresh"] += used;
  }

  function fly(name: CachedName, record: DnsRecord, background = false): Promise<void> {
    // Shared by all who ask, so it belongs to the flow of none of them.
    return record.flight ??= detached(() => lookUp(name, record, background));
  }

  async function lookUp(name: CachedName, record: DnsRecord, background: boolean): Promise<void> {
    const lane = background ? "background" : "foreground";
    lookups[lane]++;
    record.asked = true;
    updateViews(name);
    try {
      const { outcome, attempt } = await query(name.name, record.type, {
        background,
        confirm: isHeld(record.entry),
      });
      record.flight = undefined;
      land(name, record, outcome, attempt);
      // What the other record lacks, it is asked for in the wake of a refresh: so IPv6 that appears is found.
      const other = sibling(name, record);
      if (background && isHeld(record.entry) && other.asked && isWanting(other)) refresh(name, other);
    } catch (error) {
      if (!closing.signal.aborted) log.error(`the lookup of ${name.name} broke: ${errorMessage(error)}`);
    } finally {
      record.flight = undefined;
      lookups[lane]--;
    }
  }

  function refresh(name: CachedName, record: DnsRecord): void {
    const lane = record.failures > 0 ? retries : refreshes;
    lane.enter(() => table.holds(name) ? fly(name, record, true) : undefined);
  }

  function complete(text: string): void {
    const name = table.names.get(text);
    const missing = name && halfKnown(name);
    if (missing) void fly(name, missing);
  }

  function flyBoth(name: CachedName): Promise<void> {
    return name.both ??= enough(name).finally(() => name.both = undefined);
  }

  async function enough(name: CachedName): Promise<void> {
    const isOpen = (record: DnsRecord) => record.entry.state === "unresolved";
    const flights = [name.a, name.aaaa].filter(isOpen).map((record) => fly(name, record));
    const all = Promise.all(flights);
    if (flights.length === 2) await Promise.race(flights);
    // One NXDOMAIN settles both.
    if (!isOpen(name.a) && !isOpen(name.aaaa)) return;
    if (name.v4 === undefined && name.v6 === undefined) return void await all;
    const patience = new AbortController();
    const waited = delay(SECOND_FAMILY_MS, { clock, signal: patience.signal });
    await Promise.race([all, waited]);
    patience.abort();
  }

  function land(name: CachedName, record: DnsRecord, outcome: Outcome, attempt: Attempt): void {
    const now = clock.monotonic();
    const before = age(record.entry, now);
    const failedBefore = record.failures;
    look(name);
    record.lastAttempt = attempt;
    remember(record.history, attempt);
    record.entry = settle(before, outcome, now, policy);
    record.failures = isFailure(outcome) ? failedBefore + 1 : 0;
    record.lastFailure = isFailure(outcome) ? outcome : undefined;
    record.refreshAt = now + refreshDelay(name, record, now);
    if (outcome.verdict === "nonexistent") denyBoth(name, record);
    updateViews(name);
    announce(name, record, before, outcome, failedBefore);
    setTimer(name, record);
  }

  /** RFC 8020: a name that does not exist has no record of any type. */
  function denyBoth(name: CachedName, record: DnsRecord): void {
    const other = sibling(name, record);
    if (isHeld(other.entry)) return;
    other.entry = record.entry;
    other.asked = true;
    setTimer(name, other);
  }

  /** When to ask again in the background; never, where callers' own lookups do as well. */
  function refreshDelay(name: CachedName, { entry, failures }: DnsRecord, now: number): number {
    const jittered = (ms: number) => ms * (1 - JITTER + 2 * JITTER * clock.random());
    if (isHeld(entry) && failures === 0) return jittered(AHEAD * (entry.staleAt - entry.since));
    if (!isHeld(entry) && !name.pinned) return Infinity;
    if (entry.state === "absent") return entry.until - now;
    return jittered(backoff(failures, policy.failureMs, policy.refreshMs));
  }

  function setTimer(name: CachedName, record: DnsRecord): void {
    record.timer?.cancel();
    record.timer = undefined;
    const at = Math.min(changesAt(record.entry), record.refreshAt);
    // A listener may have dropped the name, or closed the cache, just now.
    if (at === Infinity || !table.holds(name)) return;
    record.timer = clock.schedule(Math.max(0, at - clock.monotonic()), () => wake(name, record));
  }

  /** Does what has come due for a record, and sets its next timer. */
  function wake(name: CachedName, record: DnsRecord): void {
    if (!table.holds(name)) return;
    const now = clock.monotonic();
    const before = record.entry;
    look(name);
    record.entry = age(before, now);
    if (record.entry !== before && isHeld(before)) {
      updateViews(name);
      const type = record.entry.state === "stale" ? "stale" : "expired";
      events.emit({ type, name: name.name, record: record.type });
    }
    if (record.refreshAt <= now) {
      record.refreshAt = Infinity;
      if (!name.pinned && now - name.usedAt >= idleMs) return drop(name, "idle");
      if (isHeld(record.entry) || !isHeld(sibling(name, record).entry)) refresh(name, record);
    } else if (isForgotten(name)) return forget(name);
    setTimer(name, record);
  }

  /** Whether nothing is known of the name, and nothing will be unless it is asked for. */
  function isForgotten(name: CachedName): boolean {
    const idle = (record: DnsRecord) => record.entry === UNRESOLVED && record.refreshAt === Infinity;
    return !name.pinned && !inFlight(name) && idle(name.a) && idle(name.aaaa);
  }

  function announce(
    name: CachedName,
    record: DnsRecord,
    before: Entry,
    outcome: Outcome,
    failedBefore: number,
  ): void {
    const common = { name: name.name, record: record.type };
    const held = isHeld(before) ? before.addresses : undefined;
    if (isFailure(outcome)) {
      events.emit({ type: "failed", ...common, reason: outcome.reason, held: held !== undefined });
      // Said once, when it begins: a dead server must not flood the log as well.
      if (held && failedBefore === 0) {
        log.warn(
          `${name.name} (${record.type}) cannot be refreshed, the addresses held are served on: ${outcome.reason}`,
          common,
        );
      }
      return;
    }
    if (held && failedBefore > 0) {
      log.info(`${name.name} (${record.type}) is refreshed again, after ${failedBefore} failures`, common);
    }
    const addresses = outcome.verdict === "addresses" ? outcome.addresses : [];
    if (held !== undefined) {
      const changes = difference(held, addresses);
      events.emit(
        changes ? { type: "changed", ...common, addresses, ...changes } : { type: "refreshed", ...common },
      );
      if (changes) {
        log.info(`${name.name} (${record.type}) has new addresses: ${addresses.join(", ")}`, common);
      }
    } else if (outcome.verdict === "addresses") events.emit({ type: "resolved", ...common, addresses });
    if (outcome.verdict !== "addresses") events.emit({ type: "absent", ...common, verdict: outcome.verdict });
  }

  return {
    names: table.names,
    events,
    served,
    lookups,
    get refreshesWaiting() {
      return refreshes.waiting + retries.waiting;
    },
    add,
    pin,
    drop,
    restorePinned,
    fly,
    flyBoth,
    complete,
    look,
    close() {
      const reason = new BallastError("CLOSED", "the DNS cache was closed");
      closing.abort(reason);
      stopWatching();
      refreshes.clear();
      retries.clear();
      for (const attempt of [...open]) attempt.abort(reason);
      for (const name of [...table.names.values()]) forget(name);
      events.close();
    },
  };
}

/** Asked for before, and with nothing to show for it. */
function isWanting({ entry }: DnsRecord): boolean {
  return entry.state === "unresolved" || entry.state === "failed";
}
