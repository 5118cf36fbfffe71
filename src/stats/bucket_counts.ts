/**
 * How many values each bucket holds, in a few hundred bytes for a few values, and 12 KB for however many.
 *
 * @module
 */

import { BUCKETS_PER_OCTAVE, OCTAVE_BITS, OCTAVES } from "./buckets.ts";

/** How many values one bucket holds. */
export type BucketCount = readonly [bucket: number, count: number];

/** Buckets that are kept as a list, before octaves of counts are worth their 256 bytes. */
const MAX_LISTED = 16;
/** Where a 32-bit count starts again from zero. */
const WRAP = 2 ** 32;

const NO_COUNTS = new Uint32Array(0);
const NO_OCTAVE = new Uint8Array(OCTAVES);
const NO_CARRIES: ReadonlyMap<number, number> = new Map();

/**
 * Counts by bucket. The first few are a list of pairs; then there are 64 counts of 32 bits for each octave in use,
 * in one array, and beside it what a bucket has beyond 2^32: so counts are exact up to 2^53.
 */
export class BucketCounts {
  /** Bucket, count, bucket, count... in no order; undefined once there are octaves. */
  #listed: number[] | undefined = [];
  #counts = NO_COUNTS;
  /** Where the counts of an octave are: the how manieth, from 1; 0 is nowhere. */
  #places = NO_OCTAVE;
  #octaves = 0;
  /** By bucket, how often its count went past 2^32. */
  #carries = NO_CARRIES as Map<number, number>;

  /** Counts one value. */
  increment(bucket: number): void {
    const place = this.#places[bucket >> OCTAVE_BITS]!;
    if (place === 0) return this.add(bucket, 1);
    const index = ((place - 1) << OCTAVE_BITS) + (bucket & (BUCKETS_PER_OCTAVE - 1));
    const count = this.#counts[index]! + 1;
    this.#counts[index] = count;
    if (count === WRAP) this.#carry(bucket, 1);
  }

  /** Counts `count` values: a whole number up to 2^53. */
  add(bucket: number, count: number): void {
    if (this.#listed !== undefined && this.#list(bucket, count)) return;
    const octave = bucket >> OCTAVE_BITS;
    if (this.#places[octave] === 0) this.#open(octave);
    const index = ((this.#places[octave]! - 1) << OCTAVE_BITS) + (bucket & (BUCKETS_PER_OCTAVE - 1));
    const sum = this.#counts[index]! + count % WRAP;
    // The array keeps the sum's lower 32 bits.
    this.#counts[index] = sum;
    const carried = Math.floor(count / WRAP) + (sum >= WRAP ? 1 : 0);
    if (carried > 0) this.#carry(bucket, carried);
  }

  /** The buckets that hold anything, in ascending order. */
  entries(): BucketCount[] {
    if (this.#listed !== undefined) return pairs(this.#listed).sort(([a], [b]) => a - b);
    const held: BucketCount[] = [];
    for (const [octave, place] of this.#places.entries()) {
      if (place === 0) continue;
      for (let step = 0; step < BUCKETS_PER_OCTAVE; step++) {
        const bucket = (octave << OCTAVE_BITS) + step;
        const low = this.#counts[((place - 1) << OCTAVE_BITS) + step]!;
        const count = low + (this.#carries.get(bucket) ?? 0) * WRAP;
        if (count > 0) held.push([bucket, count]);
      }
    }
    return held;
  }

  /** Counts in the list, while that has room; else makes octaves of it, and says so. */
  #list(bucket: number, count: number): boolean {
    const listed = this.#listed!;
    for (let i = 0; i < listed.length; i += 2) {
      if (listed[i] !== bucket) continue;
      listed[i + 1]! += count;
      return true;
    }
    if (listed.length < 2 * MAX_LISTED) {
      listed.push(bucket, count);
      return true;
    }
    this.#listed = undefined;
    this.#places = new Uint8Array(OCTAVES);
    for (const [bucket, count] of pairs(listed)) this.add(bucket, count);
    return false;
  }

  /** Makes room for an octave; each but the first is one copy of at most 12 KB, 46 times at the most. */
  #open(octave: number): void {
    const grown = new Uint32Array(this.#counts.length + BUCKETS_PER_OCTAVE);
    grown.set(this.#counts);
    this.#counts = grown;
    this.#places[octave] = ++this.#octaves;
  }

  #carry(bucket: number, times: number): void {
    if (this.#carries === NO_CARRIES) this.#carries = new Map();
    this.#carries.set(bucket, (this.#carries.get(bucket) ?? 0) + times);
  }
}

function pairs(listed: readonly number[]): [number, number][] {
  return Array.from({ length: listed.length / 2 }, (_, i) => [listed[2 * i]!, listed[2 * i + 1]!]);
}
