/**
 * The last few things of each kind, whatever happens: bounded by entries, by keys and by bytes.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, checkNumber } from "../errors.ts";
import type { Cell } from "../report.ts";
import { roughBytes } from "./size.ts";

/** How many things are kept, and of what they are shown. */
export interface RecentRingOptions<T> {
  /** Things kept for one key; the oldest leaves first. @default 20 */
  readonly perKey?: number;
  /** Keys kept; the one that was added to or asked for the longest time ago leaves first. @default 100 */
  readonly maxKeys?: number;
  /** Bytes kept in all, as estimated; the longest unused key loses its oldest first. @default 1 MiB */
  readonly maxBytes?: number;
  /** The bytes of one thing. @default an estimate of what V8 takes for it, followed through its properties */
  readonly sizeOf?: (value: T) => number;
  /**
   * What pages show of one, by column. Nothing else of it is ever shown.
   *
   * @default nothing: pages tell the numbers alone
   */
  readonly show?: (value: T) => Readonly<Record<string, Cell>>;
  /** What they are stamped by. @default the machine's clock */
  readonly clock?: Clock;
}

/** A thing, and when it was added. */
export interface RecentEntry<T> {
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** The thing itself. */
  readonly value: T;
}

/** What is held, in numbers. */
export interface RecentSnapshot {
  /** Keys held. */
  readonly keys: number;
  /** Things held. */
  readonly entries: number;
  /** Bytes held, as estimated. */
  readonly bytes: number;
  /** The most it may hold. */
  readonly maxBytes: number;
  /** Things added so far. */
  readonly added: number;
  /** Things that were larger than all that may be held, and were not kept. */
  readonly refused: number;
}

/** The last few things of each key. */
export interface Recent<T> {
  /** Keeps `value` under `key`. Never throws. */
  add(key: string, value: T): void;
  /** What is kept under `key`, the newest first. */
  get(key: string): readonly RecentEntry<T>[];
  /** The keys, the last used first. */
  keys(): string[];
  /** What is kept of all keys, the newest first. */
  latest(limit?: number): readonly (RecentEntry<T> & { readonly key: string })[];
  /** Forgets everything. */
  clear(): void;
  /** What is held, in numbers. */
  snapshot(): RecentSnapshot;
  /** What pages show of a value: nothing unless `show` was given; what that throws is left out. */
  cells(value: T): Readonly<Record<string, Cell>>;
}

interface Kept<T> extends RecentEntry<T> {
  readonly bytes: number;
  /** Of two in one millisecond, the later. */
  readonly order: number;
}

/** What a key and an entry take besides the value. */
const ENTRY_BYTES = 64;

/**
 * Makes an empty collection of recent things.
 *
 * @example The last two failures of each route
 * ```ts
 * import assert from "node:assert/strict";
 * import { createRecent } from "@ballast/runtime/context";
 *
 * const failures = createRecent<{ status: number }>({ perKey: 2 });
 * for (const status of [500, 502, 503]) failures.add("/cart", { status });
 * assert.deepEqual(failures.get("/cart").map(({ value }) => value.status), [503, 502]);
 * ```
 * @throws {TypeError | RangeError} when a bound is none
 */
export function createRecent<T>(options: RecentRingOptions<T> = {}): Recent<T> {
  const { clock = systemClock, sizeOf = roughBytes, show } = options;
  const perKey = checkInteger("perKey", options.perKey ?? 20, { min: 1 });
  const maxKeys = checkInteger("maxKeys", options.maxKeys ?? 100, { min: 1 });
  const maxBytes = checkNumber("maxBytes", options.maxBytes ?? 2 ** 20);
  // A map keeps its order: the key that was used last is the last of it.
  const rings = new Map<string, Kept<T>[]>();
  let bytes = 0;
  let entries = 0;
  let added = 0;
  let refused = 0;

  function touch(key: string, ring: Kept<T>[]): void {
    rings.delete(key);
    rings.set(key, ring);
  }

  function dropOldest(key: string, ring: Kept<T>[]): void {
    bytes -= ring.shift()!.bytes;
    entries--;
    if (ring.length === 0) rings.delete(key);
  }

  function dropKey(key: string, ring: Kept<T>[]): void {
    while (ring.length > 0) dropOldest(key, ring);
  }

  function measure(key: string, value: T): number {
    try {
      const size = sizeOf(value);
      // A size that is none would make the sum none.
      return size >= 0 ? size + key.length * 2 + ENTRY_BYTES : Infinity;
    } catch {
      return Infinity;
    }
  }

  return {
    add(key, value) {
      added++;
      const size = measure(key, value);
      if (size > maxBytes) return void refused++;
      const ring = rings.get(key) ?? [];
      ring.push({ at: clock.now(), value, bytes: size, order: added });
      bytes += size;
      entries++;
      touch(key, ring);
      if (ring.length > perKey) dropOldest(key, ring);
      if (rings.size > maxKeys) dropKey(...first(rings));
      while (bytes > maxBytes) dropOldest(...first(rings));
    },
    get(key) {
      const ring = rings.get(key);
      if (ring === undefined) return [];
      touch(key, ring);
      return ring.map(({ at, value }) => ({ at, value })).reverse();
    },
    keys: () => [...rings.keys()].reverse(),
    latest(limit = Infinity) {
      return [...rings].flatMap(([key, ring]) => ring.map((kept) => ({ key, ...kept })))
        .sort((a, b) => b.order - a.order)
        .slice(0, limit)
        .map(({ key, at, value }) => ({ key, at, value }));
    },
    clear() {
      rings.clear();
      bytes = 0;
      entries = 0;
    },
    snapshot: () => ({ keys: rings.size, entries, bytes, maxBytes, added, refused }),
    cells(value) {
      try {
        return show?.(value) ?? {};
      } catch {
        return {};
      }
    },
  };
}

function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value!;
}
