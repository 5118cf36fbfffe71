/**
 * The table of names: which are held, how they are used, and which one goes when there are too many.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { EventSource } from "../events.ts";
import type { DnsEvent } from "./events.ts";
import { type CachedName, createName, inFlight, noteUse } from "./names.ts";

/** Names looked at to find one to drop: so that adding a name costs the same however many are held, and in use. */
const MAX_LOOKS = 64;
/** Names that may come and go before a hand that did not move in between lets go of the map. */
const MAX_CHANGES = 256;

/** Calls answered without waiting. */
export interface Served {
  fresh: number;
  stale: number;
  /** From the hosts table, or because the name is an address. */
  fixed: number;
}

/** The names of one cache. */
export interface NameTable {
  readonly names: ReadonlyMap<string, CachedName>;
  readonly served: Served;
  /** Whether it is this very entry that is held under its name. */
  holds(name: CachedName): boolean;
  /** The name, added if it was not held; another one may have to go. */
  add(name: string): CachedName;
  /** The name, kept from now on whether anybody asks for it or not, and through a stay in the hosts table. */
  pin(name: string): CachedName;
  /** The names that were pinned, and are not held. */
  missing(): string[];
  /** Takes a name out and says so. */
  drop(name: CachedName, why: Extract<DnsEvent, { type: "dropped" }>["why"]): void;
  /** Takes a name out, of which nothing was held that anybody could miss. */
  forget(name: CachedName): void;
  /** Notes how the name was used since the last look. */
  look(name: CachedName): void;
}

/** What a table stands on. */
export interface NameTableOptions {
  readonly maxNames: number;
  readonly clock: Clock;
  readonly events: EventSource<DnsEvent>;
}

/** Makes an empty table. */
export function createNameTable({ maxNames, clock, events }: NameTableOptions): NameTable {
  const names = new Map<string, CachedName>();
  const loose = new Map<string, CachedName>();
  const pinned = new Set<string>();
  const served: Served = { fresh: 0, stale: 0, fixed: 0 };
  const looseHand = createHand(loose);
  const hand = createHand(names);
  let changes = 0;

  function noteChange(): void {
    if (++changes % MAX_CHANGES !== 0) return;
    looseHand.rest();
    hand.rest();
  }

  function look(name: CachedName): void {
    const used = noteUse(name, clock.monotonic());
    if (used === 0) return;
    served[name.a.entry.state === "stale" || name.aaaa.entry.state === "stale" ? "stale" : "fresh"] += used;
  }

  function add(text: string): CachedName {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = createName(text, clock.monotonic());
    names.set(text, name);
    loose.set(text, name);
    noteChange();
    while (names.size > maxNames) {
      const victim = choose(looseHand, name) ?? choose(hand, name);
      // All others are being looked up: of those there are maxLookups at most.
      if (victim === undefined) break;
      pinned.delete(victim.name);
      drop(victim, "full");
    }
    return name;
  }

  /**
   * The first, in turn, that was not used since it was last passed by: second chance, an approximation of LRU that costs a hit
   * nothing. Never `newcomer`, nor one that is being looked up.
   */
  function choose({ next }: Hand<CachedName>, newcomer: CachedName): CachedName | undefined {
    let leastBad: CachedName | undefined;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const candidate = next();
      if (candidate === undefined) break;
      if (candidate === newcomer || inFlight(candidate)) continue;
      look(candidate);
      if (!candidate.recent) return candidate;
      candidate.recent = false;
      leastBad ??= candidate;
    }
    return leastBad;
  }

  function drop(name: CachedName, why: Extract<DnsEvent, { type: "dropped" }>["why"]): void {
    forget(name);
    events.emit({ type: "dropped", name: name.name, why });
  }

  function forget(name: CachedName): void {
    look(name);
    for (const record of [name.a, name.aaaa]) record.timer?.cancel();
    if (names.get(name.name) !== name) return;
    names.delete(name.name);
    loose.delete(name.name);
    noteChange();
  }

  return {
    names,
    served,
    holds: (name) => names.get(name.name) === name,
    add,
    pin(text) {
      const name = add(text);
      name.pinned = true;
      pinned.add(text);
      loose.delete(text);
      return name;
    },
    missing: () => [...pinned].filter((text) => !names.has(text)),
    drop,
    forget,
    look,
  };
}

/** A place in a map. */
interface Hand<T> {
  /** The value there; then it moves on. It goes round for ever. */
  next(): T | undefined;
  /** Unless it has moved since the last rest, it lets go of the map, and begins anew when it is needed. */
  rest(): void;
}

/**
 * Its iterator lives through changes, so a step costs the same whatever was deleted. But while it stands still it keeps what
 * was deleted: V8's holds the table as it was, and that leads to every one that the map has had since.
 */
function createHand<T>(map: Map<string, T>): Hand<T> {
  let place: MapIterator<T> | undefined;
  let moved = false;
  return {
    next() {
      moved = true;
      const step = place?.next();
      if (step !== undefined && !step.done) return step.value;
      place = map.values();
      return place.next().value;
    },
    rest() {
      if (!moved) place = undefined;
      moved = false;
    },
  };
}
