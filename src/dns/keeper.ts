/**
 * Keeps records up to date: one lookup under way for each, one timer for its next change or refresh.
 *
 * @module
 */

import { createEvents, type EventSource } from "../events.ts";
import { backoff, delay } from "../signal.ts";
import { age, changesAt, type Entry, isHeld, older, type Outcome, settle, UNRESOLVED } from "./entry.ts";
import { difference, type DnsEvent } from "./events.ts";
import {
  type CachedName,
  createName,
  type DnsRecord,
  findVictim,
  inFlight,
  noteUse,
  remember,
  sibling,
  updateViews,
} from "./names.ts";
import type { Settings } from "./options.ts";
import { type Attempt, createQuery } from "./query.ts";
import type { Servers } from "./servers.ts";
import { createTurnstile, type Turnstile } from "./turnstile.ts";

/** Refreshes come early by this share of the time an answer is fresh, so that a healthy name is never stale. */
const AHEAD = 0.9;
/** And vary by this share, so that names learnt together do not come due together. */
const JITTER = 0.1;
/** RFC 8305, 3: how long the second family is waited for once the first is there. */
const SECOND_FAMILY_MS = 50;

/** How often callers were served from what was held. */
export interface Served {
  fresh: number;
  stale: number;
}

/** The part of a cache that asks. */
export interface Keeper {
  readonly names: ReadonlyMap<string, CachedName>;
  readonly events: EventSource<DnsEvent>;
  readonly refreshes: Turnstile;
  readonly served: Served;
  /** Lookups under way, refreshes included. */
  readonly lookups: number;
  /** The name, added if it was not held; another one may have to go. */
  add(name: string): CachedName;
  drop(name: CachedName, why: Extract<DnsEvent, { type: "dropped" }>["why"]): void;
  /** A lookup of one record, shared by all who ask for it. Never rejects: the record says what came of it. */
  fly(name: CachedName, record: DnsRecord, background?: boolean): Promise<void>;
  /** Lookups of both records: settled when both are, or when one has had addresses for 50 ms. */
  flyBoth(name: CachedName): Promise<void>;
  /** Counts the hits of a name since the last look. */
  look(name: CachedName): void;
  close(): void;
}

/** Makes the part of a cache that asks. */
export function createKeeper(options: Settings, servers: Servers): Keeper {
  const { clock, policy, log, idleMs } = options;
  const names = new Map<string, CachedName>();
  const events = createEvents<DnsEvent>();
  const refreshes = createTurnstile(options.maxRefreshes);
  const served: Served = { fresh: 0, stale: 0 };
  const closing = new AbortController();
  const query = createQuery({ ...options, servers, signal: closing.signal });
  let lookups = 0;

  // The machine slept, or its clock was set forward: what is held is older than the monotonic clock knows.
  const stopWatching = clock.onJump((jumpMs) => {
    if (jumpMs <= 0) return;
    for (const name of [...names.values()]) {
      for (const record of [name.a, name.aaaa]) {
        record.entry = older(record.entry, jumpMs);
        record.refreshAt -= jumpMs;
        wake(name, record);
      }
    }
  });

  function add(text: string): CachedName {
    const known = names.get(text);
    if (known !== undefined) return known;
    const victim = names.size >= options.maxNames ? findVictim(names, look) : undefined;
    if (victim !== undefined) drop(victim, "full");
    const name = createName(text, clock.monotonic());
    names.set(text, name);
    return name;
  }

  function drop(name: CachedName, why: Extract<DnsEvent, { type: "dropped" }>["why"]): void {
    forget(name);
    events.emit({ type: "dropped", name: name.name, why });
  }

  function forget(name: CachedName): void {
    look(name);
    for (const record of [name.a, name.aaaa]) record.timer?.cancel();
    if (names.get(name.name) === name) names.delete(name.name);
  }

  function look(name: CachedName): void {
    const used = noteUse(name, clock.monotonic());
    if (used === 0) return;
    served[name.a.entry.state === "stale" || name.aaaa.entry.state === "stale" ? "stale" : "fresh"] += used;
  }

  function fly(name: CachedName, record: DnsRecord, background = false): Promise<void> {
    if (record.flight !== undefined) return record.flight;
    lookups++;
    const confirm = isHeld(record.entry);
    const landed = query(name.name, record.type, { background, confirm }).then(({ outcome, attempt }) => {
      record.flight = undefined;
      land(name, record, outcome, attempt);
      // What the other record lacks, it is asked for in the wake of a refresh: so IPv6 that appears is found.
      const other = sibling(name, record);
      if (background && isHeld(record.entry) && other.lastAttempt && wanting(other)) refresh(name, other);
    }, () => {
      // The cache was closed.
      record.flight = undefined;
    });
    record.flight = landed.finally(() => {
      lookups--;
    });
    return record.flight;
  }

  function refresh(name: CachedName, record: DnsRecord): void {
    refreshes.enter(() => names.get(name.name) === name ? fly(name, record, true) : undefined);
  }

  function flyBoth(name: CachedName): Promise<void> {
    return name.both ??= enough(name).finally(() => name.both = undefined);
  }

  async function enough(name: CachedName): Promise<void> {
    const unresolved = [name.a, name.aaaa].filter((record) => record.entry.state === "unresolved");
    const flights = unresolved.map((record) => fly(name, record));
    const all = Promise.all(flights);
    if (flights.length === 2) await Promise.race(flights);
    if (name.any === undefined) return void await all;
    const patience = new AbortController();
    const waited = delay(SECOND_FAMILY_MS, { clock, signal: patience.signal });
    await Promise.race([all, waited]);
    patience.abort();
  }

  function land(name: CachedName, record: DnsRecord, outcome: Outcome, attempt: Attempt): void {
    const now = clock.monotonic();
    const before = age(record.entry, now);
    look(name);
    record.lastAttempt = attempt;
    remember(record.history, attempt);
    record.entry = settle(before, outcome, now, policy);
    const failedBefore = record.failures;
    const failed = outcome.verdict === "failed" || outcome.verdict === "ambiguous";
    record.failures = failed ? failedBefore + 1 : 0;
    if (failed) record.lastFailure = outcome;
    record.refreshAt = now + refreshDelay(name, record);
    updateViews(name);
    announce(name, record, before, outcome, failedBefore);
    if (names.get(name.name) === name) setTimer(name, record);
  }

  /** When to ask again in the background; never, where callers' own lookups do as well. */
  function refreshDelay(name: CachedName, { entry, failures }: DnsRecord): number {
    const jittered = (ms: number) => ms * (1 - JITTER + 2 * JITTER * clock.random());
    if (isHeld(entry)) {
      return failures === 0
        ? jittered(AHEAD * (entry.staleAt - entry.since))
        : jittered(backoff(failures, policy.failureMs, policy.refreshMs));
    }
    if (!name.pinned) return Infinity;
    return entry.state === "absent"
      ? policy.negativeMs
      : jittered(backoff(failures, policy.failureMs, policy.refreshMs));
  }

  function setTimer(name: CachedName, record: DnsRecord): void {
    record.timer?.cancel();
    const at = Math.min(changesAt(record.entry), record.refreshAt);
    record.timer = at === Infinity
      ? undefined
      : clock.schedule(Math.max(0, at - clock.monotonic()), () => wake(name, record));
  }

  /** Does what has come due for a record, and sets its next timer. */
  function wake(name: CachedName, record: DnsRecord): void {
    if (names.get(name.name) !== name) return;
    const now = clock.monotonic();
    const before = record.entry;
    look(name);
    record.entry = age(before, now);
    if (record.entry !== before && isHeld(before)) {
      updateViews(name);
      events.emit({
        type: record.entry.state === "stale" ? "stale" : "expired",
        name: name.name,
        record: record.type,
      });
    }
    if (record.refreshAt <= now) {
      record.refreshAt = Infinity;
      if (!name.pinned && now - name.usedAt >= idleMs) return drop(name, "idle");
      if (isHeld(record.entry) || !isHeld(sibling(name, record).entry)) {
        refresh(name, record);
      }
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
    if (outcome.verdict === "failed" || outcome.verdict === "ambiguous") {
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
    names,
    events,
    refreshes,
    served,
    get lookups() {
      return lookups;
    },
    add,
    drop,
    fly,
    flyBoth,
    look,
    close() {
      closing.abort(new Error("the cache was closed"));
      stopWatching();
      refreshes.clear();
      for (const name of [...names.values()]) forget(name);
      events.close();
    },
  };
}

/** Asked for before, and with nothing to show for it. */
function wanting({ entry }: DnsRecord): boolean {
  return entry.state === "unresolved" || entry.state === "failed";
}
