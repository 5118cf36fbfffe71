/**
 * The upper bounds of the histograms that go out. All are edges of our buckets, so the cumulative counts are exact.
 *
 * @module
 */

import { checkInteger } from "../errors.ts";
import { BUCKETS_PER_OCTAVE } from "./buckets.ts";
import type { Unit } from "./unit.ts";

/** The usual bounds, in the metric's own unit: as round as edges can be, which is why 1 s is followed by 2 s and not by 2.5 s. */
export const BOUNDS: Readonly<Record<Unit, readonly number[]>> = {
  ms: [
    0.125,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    ...[0, 1, 2, 3, 4, 5, 6].map((i) => 1_000 * 2 ** i),
  ],
  bytes: Array.from({ length: 13 }, (_, i) => 64 * 4 ** i),
  "1": Array.from({ length: 17 }, (_, i) => 2 ** i),
};

/** The powers of two from which and up to which finer bounds go: 1/8 ms to 65 s, 64 B to 1 GB, 1 to 65,536. */
const EXPONENTS: Readonly<Record<Unit, readonly [from: number, to: number]>> = {
  ms: [-3, 16],
  bytes: [6, 30],
  "1": [0, 16],
};

/**
 * The bounds for a unit: the usual ones, or so many to an octave.
 *
 * @throws {RangeError} when that is no power of two up to 64
 */
export function boundsOf(unit: Unit, bucketsPerOctave: number | undefined): readonly number[] {
  if (bucketsPerOctave === undefined) return BOUNDS[unit];
  checkInteger("bucketsPerOctave", bucketsPerOctave, { min: 1, max: BUCKETS_PER_OCTAVE });
  if (BUCKETS_PER_OCTAVE % bucketsPerOctave !== 0) {
    throw new RangeError(`bucketsPerOctave must be a power of two, got ${bucketsPerOctave}`);
  }
  const [from, to] = EXPONENTS[unit];
  return Array.from({ length: (to - from) * bucketsPerOctave + 1 }, (_, i) => {
    return 2 ** (from + Math.floor(i / bucketsPerOctave)) * (1 + (i % bucketsPerOctave) / bucketsPerOctave);
  });
}
