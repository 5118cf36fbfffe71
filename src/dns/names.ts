/**
 * The names a cache holds: what each of them answers at once, and how it is used.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import type { RecordType } from "../platform/port.ts";
import { type Entry, type Failure, isHeld, UNRESOLVED } from "./entry.ts";
import type { Flight } from "./flights.ts";
import type { Attempt } from "./query.ts";
import type { Shared } from "./sharing.ts";

/** One address of a name. */
export interface Address {
  /** An IP literal. */
  readonly address: string;
  /** IPv4 or IPv6. */
  readonly family: 4 | 6;
  /** Whether it is past its time and served because nothing newer could be had (RFC 8767). */
  readonly stale: boolean;
}

/** What a name resolves to: at least one address, in a frozen list. */
export type Addresses = readonly [Address, ...Address[]];

/** An address family; 0 is both, IPv4 first. */
export type Family = 0 | 4 | 6;

/** What a caller gets without waiting: a list, and a promise of it that serves every caller. */
export interface View {
  readonly addresses: Addresses;
  readonly answer: Promise<Addresses>;
}

/** What the hot path looks at: a name with its views. A view left undefined needs a closer look. */
export interface Answers {
  any: View | undefined;
  v4: View | undefined;
  v6: View | undefined;
  /** How often it was asked for. */
  hits: number;
}

/** One record type of a name, and what keeps it up to date. */
export interface DnsRecord {
  readonly type: RecordType;
  entry: Entry;
  /** Whether it was ever asked for. */
  asked: boolean;
  /** Consecutive lookups that failed. */
  failures: number;
  lastFailure: Failure | undefined;
  lastAttempt: Attempt | undefined;
  /** What lookups came to, the oldest first: equal outcomes in a row are one episode. */
  readonly history: Episode[];
  /** The lookup under way. */
  flight: Flight | undefined;
  /** Who waits for that. */
  shared: Shared | undefined;
  /** Monotonic time at which it is to be refreshed in the background. */
  refreshAt: number;
  /** For the next change or refresh. */
  timer: Timer | undefined;
}

/** Lookups in a row that came to the same. */
export interface Episode {
  /** The verdict, or `timeout`. */
  readonly outcome: string;
  /** When the first of them ended, in milliseconds since the epoch. */
  readonly from: number;
  /** When the last of them ended. */
  readonly to: number;
  /** How many they were. */
  readonly times: number;
}

const MAX_EPISODES = 6;

/** Adds a lookup to the history of its record. */
export function remember(history: Episode[], { outcome, at }: Attempt): void {
  const last = history.at(-1);
  if (last?.outcome === outcome) history[history.length - 1] = { ...last, to: at, times: last.times + 1 };
  else history.push({ outcome, from: at, to: at, times: 1 });
  if (history.length > MAX_EPISODES) history.shift();
}

/** A name that is, or was, looked up. */
export interface CachedName extends Answers {
  readonly name: string;
  readonly a: DnsRecord;
  readonly aaaa: DnsRecord;
  /** To be kept warm whether anybody asks or not. */
  pinned: boolean;
  /** Both record types, for callers that take either. */
  both: Promise<void> | undefined;
  /** Monotonic time of the last look that found it used. */
  usedAt: number;
  /** `hits` at that look. */
  hitsSeen: number;
  /** Used since the eviction passed by. */
  recent: boolean;
}

/** A name of which nothing is known yet. */
export function createName(name: string, now: number): CachedName {
  return {
    any: undefined,
    v4: undefined,
    v6: undefined,
    hits: 0,
    name,
    a: createRecord("A"),
    aaaa: createRecord("AAAA"),
    pinned: false,
    both: undefined,
    usedAt: now,
    hitsSeen: 0,
    // Not before it is asked for a second time: so a flood of names asked for once drowns nobody.
    recent: false,
  };
}

function createRecord(type: RecordType): DnsRecord {
  return {
    type,
    entry: UNRESOLVED,
    asked: false,
    failures: 0,
    lastFailure: undefined,
    lastAttempt: undefined,
    history: [],
    flight: undefined,
    shared: undefined,
    refreshAt: Infinity,
    timer: undefined,
  };
}

/** The other record type of the name. */
export function sibling(name: CachedName, record: DnsRecord): DnsRecord {
  return record === name.a ? name.aaaa : name.a;
}

/** The view of one family. */
export function viewOf(answers: Answers, family: Family): View | undefined {
  switch (family) {
    case 0:
      return answers.any;
    case 4:
      return answers.v4;
    case 6:
      return answers.v6;
    default:
      return undefined;
  }
}

/** Makes the views anew from what is held. */
export function updateViews(name: CachedName): void {
  const v4 = addressesOf(name.a.entry, 4);
  const v6 = addressesOf(name.aaaa.entry, 6);
  name.v4 = createView(v4);
  name.v6 = createView(v6);
  // Somebody may have asked for one family alone: that says nothing of the other, see `halfKnown`.
  const whole = name.a.asked && name.aaaa.asked;
  name.any = !whole
    ? undefined
    : v4.length === 0
    ? name.v6
    : v6.length === 0
    ? name.v4
    : createView([...v4, ...v6]);
}

/** The record that was never asked for, of a name whose other one has addresses: to be made up for. */
export function halfKnown({ a, aaaa, v4, v6 }: CachedName): DnsRecord | undefined {
  if (v4 !== undefined && !aaaa.asked) return aaaa;
  return v6 !== undefined && !a.asked ? a : undefined;
}

/** A list as callers get it; undefined when it is empty. */
export function createView(addresses: readonly Address[]): View | undefined {
  if (addresses.length === 0) return undefined;
  const frozen = Object.freeze(addresses.map((address) => Object.freeze(address))) as Addresses;
  return { addresses: frozen, answer: Promise.resolve(frozen) };
}

function addressesOf(entry: Entry, family: 4 | 6): Address[] {
  if (!isHeld(entry)) return [];
  const stale = entry.state === "stale";
  return entry.addresses.map((address) => ({ address, family, stale }));
}

/** Notes whether the name was used since the last look. Returns how often. */
export function noteUse(name: CachedName, now: number): number {
  const used = name.hits - name.hitsSeen;
  if (used === 0) return 0;
  name.hitsSeen = name.hits;
  name.usedAt = now;
  name.recent = true;
  return used;
}

/** Whether a lookup of the name is under way. */
export function inFlight(name: CachedName): boolean {
  return name.a.flight !== undefined || name.aaaa.flight !== undefined;
}
