/**
 * The recent rings of a context, by name.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { createRecent, type Recent, type RecentRingOptions } from "./recent.ts";

/** Rings of one context: names are written in programs, so this many are a mistake. */
const MAX_RINGS = 32;

/** The recent rings of a context. */
export interface Rings {
  /**
   * The ring of this name; made by the first call, whose options hold.
   *
   * @throws {RangeError} when there are 32 already: the name is for a kind of thing, the ring's keys tell things apart
   */
  <T>(name: string, options?: RecentRingOptions<T>): Recent<T>;
  /** The rings there are, by name. */
  readonly all: ReadonlyMap<string, Recent<unknown>>;
}

/** Makes the rings of a context. */
export function createRings(clock: Clock): Rings {
  const all = new Map<string, Recent<unknown>>();
  function ring<T>(name: string, options: RecentRingOptions<T> = {}): Recent<T> {
    const known = all.get(name) as Recent<T> | undefined;
    if (known !== undefined) return known;
    if (all.size >= MAX_RINGS) {
      throw new RangeError(`a context has at most ${MAX_RINGS} recent rings, "${name}" would be one more`);
    }
    const made = createRecent<T>({ clock, ...options });
    all.set(name, made as Recent<unknown>);
    return made;
  }
  return Object.assign(ring, { all });
}
