/**
 * Where a value is counted: 47 octaves of 64 buckets, each octave twice the one below (log-linear, as in Tene's
 * HdrHistogram). A bucket is at most 1/64 as wide as its lower edge, so its middle is within 1/128 (0.8 %) of
 * whatever it holds.
 *
 * Bucket `i` holds the values above its lower edge, up to and including its upper one: what `le` means in
 * OpenMetrics, so that cumulative counts at an edge are exact.
 *
 * @module
 */

import type { Unit } from "./unit.ts";

/** Bits of a value's mantissa that tell its bucket within the octave. */
export const OCTAVE_BITS = 6;
/** Buckets to an octave. */
export const BUCKETS_PER_OCTAVE = 1 << OCTAVE_BITS;
/** Octaves covered. */
export const OCTAVES = 47;
/** Buckets in all. */
export const BUCKETS: number = OCTAVES * BUCKETS_PER_OCTAVE;
/** Changes whenever the edges do: counts of another layout cannot be merged. */
export const LAYOUT = 2;

/**
 * The lowest edge is two to this power. Durations reach from a nanosecond (nearly) to 37 hours, sizes from a byte to
 * 70 TB, numbers of things from 1/8192 to 17 billion.
 */
const LOWEST_EXPONENT: Readonly<Record<Unit, number>> = { ms: -20, bytes: -1, "1": -13 };

/** The bits of a double, read as its two halves: the upper half of a little-endian machine comes second. */
const value64 = new Float64Array(1);
const halves = new Int32Array(value64.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
const LOW = 1 - HIGH;
/** The upper half has 20 bits of the mantissa; those below the ones we keep are shifted out. */
const DROPPED_BITS = 20 - OCTAVE_BITS;

/** What {@linkcode bucketOf} is told of a unit: exponent and mantissa of the lowest edge, as one number. */
export function firstKeyOf(unit: Unit): number {
  return (1023 + LOWEST_EXPONENT[unit]) << OCTAVE_BITS;
}

/** The bucket of a number >= 0; what lies beyond the edges goes to the first or the last one. */
export function bucketOf(value: number, firstKey: number): number {
  value64[0] = value;
  // The largest double below the value, so that an edge belongs to the bucket under it.
  const high = halves[LOW] === 0 ? halves[HIGH]! - 1 : halves[HIGH]!;
  const bucket = (high >> DROPPED_BITS) - firstKey;
  if (bucket < 0) return 0;
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/** The lower edge of bucket `index`, which is the upper edge of the one before. */
export function bucketEdge(index: number, unit: Unit): number {
  const octave = Math.floor(index / BUCKETS_PER_OCTAVE);
  const step = index % BUCKETS_PER_OCTAVE;
  return 2 ** (LOWEST_EXPONENT[unit] + octave) * (1 + step / BUCKETS_PER_OCTAVE);
}

/** The value that stands for all in a bucket: its middle; 0 for the first, which reaches down to zero. */
export function bucketMiddle(index: number, unit: Unit): number {
  return index === 0 ? 0 : (bucketEdge(index, unit) + bucketEdge(index + 1, unit)) / 2;
}
