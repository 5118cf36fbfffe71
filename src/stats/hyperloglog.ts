/**
 * How many different texts there were, in 16 KB however many: HyperLogLog (Flajolet et al., 2007) with the estimator of
 * Ertl (2017), which needs no tables of corrections and is as good for a few as for many.
 *
 * @module
 */

import { hash64, hashText } from "./hash.ts";

/** Bits of the hash that choose a register. */
const INDEX_BITS = 14;
/** Registers: the standard error is 1.04 / sqrt(16384), 0.81 %. */
export const REGISTERS: number = 1 << INDEX_BITS;
/** Bits of the hash that are left; the highest rank is one more. */
const RANK_BITS = 64 - INDEX_BITS;
/** The highest value of a register. */
export const MAX_RANK: number = RANK_BITS + 1;

const NO_REGISTERS = new Uint8Array(0);

/** A set of which only the size is known. */
export class HyperLogLog {
  /** By the first bits of a hash, the highest rank seen: the place of the first 1 in the rest of it. */
  #registers = NO_REGISTERS;

  /** Adds a text. */
  add(text: string): void {
    hashText(text);
    const [first, second] = [hash64[0]!, hash64[1]!];
    const rest = first << INDEX_BITS;
    const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - INDEX_BITS + Math.clz32(second) + 1;
    this.raise(first >>> (32 - INDEX_BITS), rank);
  }

  /** Raises a register to at least `rank`. */
  raise(index: number, rank: number): void {
    if (this.#registers === NO_REGISTERS) this.#registers = new Uint8Array(REGISTERS);
    if (rank > this.#registers[index]!) this.#registers[index] = rank;
  }

  /** The registers that are not zero, in ascending order. */
  *held(): Iterable<readonly [index: number, rank: number]> {
    for (const [index, rank] of this.#registers.entries()) if (rank > 0) yield [index, rank];
  }

  /** Forgets everything. */
  clear(): void {
    this.#registers = NO_REGISTERS;
  }

  /** How many different texts were added, within 0.81 % (one standard error). */
  estimate(): number {
    if (this.#registers === NO_REGISTERS) return 0;
    const counts = new Array<number>(MAX_RANK + 1).fill(0);
    for (const rank of this.#registers) counts[rank]!++;
    let z = REGISTERS * tau(1 - counts[MAX_RANK]! / REGISTERS);
    for (let rank = RANK_BITS; rank >= 1; rank--) z = (z + counts[rank]!) / 2;
    z += REGISTERS * sigma(counts[0]! / REGISTERS);
    return REGISTERS * REGISTERS / (2 * Math.LN2) / z;
  }
}

/** The share of the empty registers, as Ertl's formula (11) has it. */
function sigma(share: number): number {
  if (share === 1) return Infinity;
  let [x, y, z, before] = [share, 1, share, NaN];
  while (z !== before) {
    before = z;
    x *= x;
    z += x * y;
    y += y;
  }
  return z;
}

/** The share of the full registers, as Ertl's formula (16) has it. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [x, y, z, before] = [share, 1, 1 - share, NaN];
  while (z !== before) {
    before = z;
    x = Math.sqrt(x);
    y /= 2;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
