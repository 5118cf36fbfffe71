/**
 * Keeps records up to date: one lookup under way for each, one timer for its next change or refresh.
 *
 * @module
 */

import { BallastError, errorMessage } from "../errors.ts";
import { createEvents, type EventSource } from "../events.ts";
import { backoff, delay, type DerivedSignal } from "../signal.ts";
import { createAnnouncer } from "./announce.ts";
import { age, changesAt, isHeld, older, type Outcome, settle, UNRESOLVED } from "./entry.ts";
import type { DnsEvent } from "./events.ts";
import { createFlights, type Flight, type Lane } from "./flights.ts";
import { createNameTable, type NameTable } from "./name_table.ts";
import {
  type CachedName,
  type DnsRecord,
  halfKnown,
  inFlight,
  remember,
  sibling,
  updateViews,
} from "./names.ts";
import type { Settings } from "./options.ts";
import { type Attempt, createQuery, isFailure } from "./query.ts";
import type { Servers } from "./servers.ts";
import { createShared, shareWith } from "./sharing.ts";
import { createTurnstile } from "./turnstile.ts";

/** Refreshes come early by this share of the time an answer is fresh, so that a healthy name is never stale. */
const AHEAD = 0.9;
/** And vary by this share, so that names learnt together do not come due together. */
const JITTER = 0.1;
/** RFC 8305, 3: how long the second family is waited for once the first is there. */
const SECOND_FAMILY_MS = 50;

/** The part of a cache that asks. */
export interface Keeper {
  readonly table: NameTable;
  readonly events: EventSource<DnsEvent>;
  /** Lookups of single records under way: those that callers wait for, or began, and those in the background. */
  readonly lookups: Readonly<Record<Lane, number>>;
  /** Refreshes that wait for their turn. */
  readonly refreshesWaiting: number;
  /** Keeps names warm from now on, and begins to resolve them. */
  keepWarm(names: readonly string[]): void;
  /** Resolves the pinned names that are not held, but for those that are `fixed`. */
  restorePinned(fixed: (name: string) => boolean): void;
  /**
   * Waits for lookups of records with all who share them, or until `signal` aborts. When the last of those who wait has left so, the
   * lookup is given up: the query is aborted, and all is as if it had not been begun. Lookups of the background go on.
   */
  wait(name: CachedName, records: readonly DnsRecord[], signal?: AbortSignal): Promise<void>;
  /** Begins to ask for the record that nobody asked for yet, of a name whose other one has addresses to serve meanwhile. */
  complete(name: string): void;
  close(): void;
}

/** Makes the part of a cache that asks. */
export function createKeeper(options: Settings, servers: Servers): Keeper {
  const { clock, policy, log, idleMs, maxRefreshes } = options;
  const events = createEvents<DnsEvent>();
  const table = createNameTable({ ...options, events });
  // Names that fail take long and come back soon: apart, so that they keep no healthy one waiting.
  const refreshes = createTurnstile(maxRefreshes);
  const retries = createTurnstile(Math.ceil(maxRefreshes / 2));
  const flights = createFlights(options);
  let closed: BallastError | undefined;
  const open = new Set<DerivedSignal>();
  const announce = createAnnouncer(events, log);
  const query = createQuery({ ...options, servers, closed: () => closed, open });

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

  function restorePinned(fixed: (name: string) => boolean): void {
    keepWarm(table.missing().filter((text) => !fixed(text)));
  }

  function keepWarm(names: readonly string[]): void {
    for (const text of names) {
      const name = table.pin(text);
      refresh(name, name.a);
      refresh(name, name.aaaa);
    }
  }

  /** A lookup of one record, shared by all who ask for it. Never rejects: the record says what came of it. */
  function fly(name: CachedName, record: DnsRecord): Promise<void> {
    const { flight } = record;
    if (flight === undefined) return begin("foreground", name, record).landed;
    return clock.catchUp === undefined ? flight.landed : follow(name, record, flight);
  }

  function begin(lane: Lane, name: CachedName, record: DnsRecord, left?: () => void): Flight {
    const { asked } = record;
    // What belongs to a request is not for another one to end.
    const mayEnd = lane === "foreground" && clock.catchUp === undefined;
    const shared = createShared(mayEnd ? () => giveUp(name, record, asked) : undefined);
    record.shared = shared;
    return record.flight = flights.begin(lane, {
      lookUp: (flight) => lookUp(name, record, flight, lane === "background", shared.signal),
      ended() {
        // It may have a successor already: given up, or by a listener, on hearing what this one came to.
        if (record.shared === shared) record.flight = record.shared = undefined;
        left?.();
      },
      lost: () => lose(name, record),
    });
  }

  /** A lookup of another request: should it be lost with that, somebody has to begin anew. */
  async function follow(name: CachedName, record: DnsRecord, flight: Flight): Promise<void> {
    await flights.follow(flight);
    const { state } = record.entry;
    if (flight.state === "lost" && state === "unresolved" && table.holds(name)) await fly(name, record);
  }

  /** The request that began the lookup is gone: what was due still is. */
  function lose(name: CachedName, record: DnsRecord): void {
    log.debug(`the lookup of ${name.name} (${record.type}) was lost with the request that began it`);
    if (isHeld(record.entry) || name.pinned) {
      record.refreshAt = clock.monotonic();
      return setTimer(name, record);
    }
    // Those who waited for it may ask; if nobody does, the name is forgotten.
    record.timer?.cancel();
    if (table.holds(name)) record.timer = clock.schedule(policy.failureMs, () => wake(name, record));
  }

  async function lookUp(
    name: CachedName,
    record: DnsRecord,
    flight: Flight,
    background: boolean,
    wanted: AbortSignal | undefined,
  ): Promise<void> {
    record.asked = true;
    updateViews(name);
    try {
      const { outcome, attempt } = await query(name.name, record.type, {
        background,
        confirm: isHeld(record.entry),
        signal: wanted,
      });
      if (closed || wanted?.aborted || flight.state === "lost") return;
      record.flight = undefined;
      land(name, record, outcome, attempt);
      // What the other record lacks, it is asked for in the wake of a refresh: so IPv6 that appears is found.
      const other = sibling(name, record);
      if (background && isHeld(record.entry) && other.asked && isWanting(other)) refresh(name, other);
    } catch (error) {
      if (closed || wanted?.aborted) return;
      log.error(`the lookup of ${name.name} broke: ${errorMessage(error)}`);
    }
  }

  /** Nobody waits for a lookup any more: who asks next begins anew. */
  function giveUp(name: CachedName, record: DnsRecord, askedBefore: boolean): void {
    record.flight = record.shared = undefined;
    name.both = undefined;
    record.asked = askedBefore;
    updateViews(name);
    if (isForgotten(name)) table.forget(name);
  }

  async function wait(name: CachedName, records: readonly DnsRecord[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const landed = records.length === 2 ? flyBoth(name) : fly(name, records[0]!);
    await shareWith(records.flatMap(({ shared }) => shared ?? []), landed, signal);
  }

  function refresh(name: CachedName, record: DnsRecord): void {
    const lane = record.failures > 0 ? retries : refreshes;
    lane.enter((leave) => {
      if (table.holds(name) && record.flight === undefined) begin("background", name, record, leave);
      else leave();
    });
  }

  function complete(text: string): void {
    const name = table.names.get(text);
    const missing = name && halfKnown(name);
    if (missing) void fly(name, missing);
  }

  /** Lookups of both records: settled when both are, or when one has had addresses for 50 ms. */
  function flyBoth(name: CachedName): Promise<void> {
    // Not shared with other requests: each follows the lookups by itself.
    if (clock.catchUp) return enough(name);
    if (name.both !== undefined) return name.both;
    const both: Promise<void> = enough(name).finally(() => {
      if (name.both === both) name.both = undefined;
    });
    return name.both = both;
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
    table.look(name);
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
    table.look(name);
    record.entry = age(before, now);
    if (record.entry !== before && isHeld(before)) {
      updateViews(name);
      const type = record.entry.state === "stale" ? "stale" : "expired";
      events.emit({ type, name: name.name, record: record.type });
    }
    if (record.refreshAt <= now) {
      record.refreshAt = Infinity;
      if (!name.pinned && now - name.usedAt >= idleMs) return table.drop(name, "idle");
      if (isHeld(record.entry) || !isHeld(sibling(name, record).entry)) refresh(name, record);
    } else if (isForgotten(name)) return table.forget(name);
    setTimer(name, record);
  }

  /** Whether nothing is known of the name, and nothing will be unless it is asked for. */
  function isForgotten(name: CachedName): boolean {
    const idle = (record: DnsRecord) => record.entry === UNRESOLVED && record.refreshAt === Infinity;
    return !name.pinned && !inFlight(name) && idle(name.a) && idle(name.aaaa);
  }

  return {
    table,
    events,
    lookups: flights.counts,
    get refreshesWaiting() {
      return refreshes.waiting + retries.waiting;
    },
    keepWarm,
    restorePinned,
    wait,
    complete,
    close() {
      const reason = new BallastError("CLOSED", "the DNS cache was closed");
      closed = reason;
      stopWatching();
      refreshes.clear();
      retries.clear();
      for (const attempt of [...open]) attempt.abort(reason);
      for (const name of [...table.names.values()]) table.forget(name);
      events.close();
    },
  };
}

/** Asked for before, and with nothing to show for it. */
function isWanting({ entry }: DnsRecord): boolean {
  return entry.state === "unresolved" || entry.state === "failed";
}
