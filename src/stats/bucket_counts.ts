/**
 * How many values each bucket holds: 128 bytes for an octave in use, twice that once a count is beyond 16 bits.
 *
 * @module
 */

import { BUCKETS_PER_OCTAVE, OCTAVE_BITS, OCTAVES } from "./buckets.ts";

/** How many values one bucket holds. */
export type BucketCount = readonly [bucket: number, count: number];

const NO_CARRIES: ReadonlyMap<number, number> = new Map();

/**
 * Counts by bucket: 64 for each octave in use, in one array of 16 bits, then of 32; and beside it what a bucket has
 * beyond 2^32. So counts are exact up to 2^53.
 */
export class BucketCounts {
  #counts: Uint16Array | Uint32Array = new Uint16Array(0);
  /** The first number that the array cannot hold. */
  #limit = 2 ** 16;
  /** Where the counts of an octave are: the how manieth, from 1; 0 is nowhere. */
  readonly #places = new Uint8Array(OCTAVES);
  #octaves = 0;
  /** By bucket, how often its count went past 2^32. */
  #carries = NO_CARRIES as Map<number, number>;

  /** Counts one value. */
  increment(bucket: number): void {
    const place = this.#places[bucket >> OCTAVE_BITS]!;
    if (place === 0) return this.add(bucket, 1);
    const index = ((place - 1) << OCTAVE_BITS) + (bucket & (BUCKETS_PER_OCTAVE - 1));
    const count = this.#counts[index]! + 1;
    if (count === this.#limit) return this.add(bucket, 1);
    this.#counts[index] = count;
  }

  /** Counts `count` values: a whole number up to 2^53. */
  add(bucket: number, count: number): void {
    const octave = bucket >> OCTAVE_BITS;
    if (this.#places[octave] === 0) this.#open(octave);
    const index = ((this.#places[octave]! - 1) << OCTAVE_BITS) + (bucket & (BUCKETS_PER_OCTAVE - 1));
    const sum = this.#counts[index]! + count;
    if (sum >= this.#limit) this.#widen();
    // The array keeps the sum's lower 32 bits.
    this.#counts[index] = sum % 2 ** 32;
    if (sum >= 2 ** 32) this.#carry(bucket, Math.floor(sum / 2 ** 32));
  }

  /** The buckets that hold anything, in ascending order. */
  entries(): BucketCount[] {
    const held: BucketCount[] = [];
    for (const [octave, place] of this.#places.entries()) {
      if (place === 0) continue;
      for (let step = 0; step < BUCKETS_PER_OCTAVE; step++) {
        const bucket = (octave << OCTAVE_BITS) + step;
        const low = this.#counts[((place - 1) << OCTAVE_BITS) + step]!;
        const count = low + (this.#carries.get(bucket) ?? 0) * 2 ** 32;
        if (count > 0) held.push([bucket, count]);
      }
    }
    return held;
  }

  /** Makes room for an octave: one copy of at most 12 KB, 47 times at the most. */
  #open(octave: number): void {
    this.#octaves++;
    this.#places[octave] = this.#octaves;
    this.#copy();
  }

  /** Goes from 16 to 32 bits; from there the rest is carried. */
  #widen(): void {
    if (this.#limit === 2 ** 32) return;
    this.#limit = 2 ** 32;
    this.#copy();
  }

  #copy(): void {
    const length = this.#octaves * BUCKETS_PER_OCTAVE;
    const copy = this.#limit === 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
    copy.set(this.#counts);
    this.#counts = copy;
  }

  #carry(bucket: number, times: number): void {
    if (this.#carries === NO_CARRIES) this.#carries = new Map();
    this.#carries.set(bucket, (this.#carries.get(bucket) ?? 0) + times);
  }
}
