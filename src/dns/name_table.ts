/**
 * The table of names: which are held, and which one goes when there are too many.
 *
 * @module
 */

import { type CachedName, inFlight } from "./names.ts";

/** Names looked at to find one to drop: so that adding a name costs the same however many are held, and in use. */
const MAX_LOOKS = 64;

/** The names of one cache. */
export interface NameTable {
  readonly names: ReadonlyMap<string, CachedName>;
  /** Whether it is this very entry that is held under its name. */
  holds(name: CachedName): boolean;
  add(name: CachedName): void;
  remove(name: CachedName): void;
  /** Spares a name from being dropped as long as there are others. */
  pin(name: CachedName): void;
  /**
   * The name to drop: the first, in turn, that was not used since it was last passed by (second chance, an approximation of
   * LRU that costs a hit nothing). Never `newcomer`, nor one that is being looked up. `look` is to note the use of a name.
   */
  victim(newcomer: CachedName, look: (name: CachedName) => void): CachedName | undefined;
}

/** Makes an empty table. */
export function createNameTable(): NameTable {
  const names = new Map<string, CachedName>();
  const loose = new Map<string, CachedName>();
  const nextLoose = inTurn(loose);
  const nextOfAll = inTurn(names);

  function choose(
    next: () => CachedName | undefined,
    newcomer: CachedName,
    look: (name: CachedName) => void,
  ) {
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

  return {
    names,
    holds: (name) => names.get(name.name) === name,
    add(name) {
      names.set(name.name, name);
      loose.set(name.name, name);
    },
    remove(name) {
      if (names.get(name.name) !== name) return;
      names.delete(name.name);
      loose.delete(name.name);
    },
    pin(name) {
      name.pinned = true;
      loose.delete(name.name);
    },
    victim: (newcomer, look) => choose(nextLoose, newcomer, look) ?? choose(nextOfAll, newcomer, look),
  };
}

/** Goes round a map for ever. Its iterator lives through changes, so a step costs the same whatever was deleted. */
function inTurn<T>(map: Map<string, T>): () => T | undefined {
  let hand = map.values();
  return () => {
    const step = hand.next();
    if (!step.done) return step.value;
    hand = map.values();
    return hand.next().value;
  };
}
