/**
 * What a distribution is inside.
 *
 * @module
 */

import { checkNumber } from "../errors.ts";
import { bucketMiddle, bucketOf, BUCKETS_PER_OCTAVE, LAYOUT, OCTAVE_BITS, OCTAVES } from "./buckets.ts";
import type { Distribution } from "./distribution.ts";
import {
  type BucketCount,
  checkSnapshot,
  type DistributionSnapshot,
  type Unit,
} from "./distribution_snapshot.ts";

/** Values that {@linkcode Distribution.recent} remembers: a power of two. */
const RECENT = 64;

/** A distribution on buckets of logarithmic octaves and linear steps within them. */
export class LogLinearDistribution implements Distribution {
  readonly unit: Unit;
  /** The counts of an octave's buckets, made when its first value comes: doubles, exact up to 2^53. */
  readonly #octaves: (Float64Array | undefined)[] = new Array(OCTAVES).fill(undefined);
  readonly #recent = new Float64Array(RECENT);
  #added = 0;
  #count = 0;
  #rejected = 0;
  #sum = 0;
  #mean = 0;
  /** Sum of the squared deviations from the mean. */
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(unit: Unit) {
    this.unit = unit;
  }

  get count(): number {
    return this.#count;
  }

  get rejected(): number {
    return this.#rejected;
  }

  get sum(): number {
    return bounded(this.#sum);
  }

  get mean(): number {
    return this.#count === 0 ? NaN : this.#mean;
  }

  get variance(): number {
    return bounded(this.#squares / this.#count);
  }

  get stddev(): number {
    return bounded(Math.sqrt(this.#squares / this.#count));
  }

  get min(): number {
    return this.#count === 0 ? NaN : this.#min;
  }

  get max(): number {
    return this.#count === 0 ? NaN : this.#max;
  }

  add(value: number): void {
    if (!Number.isFinite(value) || value < 0) {
      this.#rejected++;
      return;
    }
    this.#countIn(bucketOf(value), 1);
    this.#recent[this.#added++ & (RECENT - 1)] = value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#sum += value;
    // Welford (1962): no sum of squares, so no cancellation.
    const count = ++this.#count;
    const deviation = value - this.#mean;
    this.#mean += deviation / count;
    this.#squares += deviation * (value - this.#mean);
  }

  merge(other: Distribution | DistributionSnapshot): void {
    const merged = checkSnapshot(isDistribution(other) ? other.snapshot() : other);
    if (merged.unit !== this.unit) {
      throw new TypeError(`a distribution of "${this.unit}" cannot take in one of "${merged.unit}"`);
    }
    this.#rejected += merged.rejected;
    if (merged.count === 0) return;
    for (const [bucket, count] of merged.buckets) this.#countIn(bucket, count);
    this.#min = Math.min(this.#min, merged.min!);
    this.#max = Math.max(this.#max, merged.max!);
    this.#sum += merged.sum;
    // Chan, Golub, LeVeque (1979): the moments of two samples together.
    const count = this.#count + merged.count;
    const share = merged.count / count;
    const distance = merged.mean! - this.#mean;
    this.#squares += merged.stddev! ** 2 * merged.count + distance * (distance * this.#count * share);
    this.#mean += distance * share;
    this.#count = count;
  }

  quantile(q: number): number {
    return this.#valueOfRank(checkNumber("q", q, { max: 1 }), this.#buckets());
  }

  recent(): number[] {
    const start = Math.max(0, this.#added - RECENT);
    return Array.from({ length: this.#added - start }, (_, i) => this.#recent[(start + i) & (RECENT - 1)]!);
  }

  snapshot(): DistributionSnapshot {
    const buckets = this.#buckets();
    const orNull = (value: number) => Number.isNaN(value) ? null : value;
    const quantile = (q: number) => orNull(this.#valueOfRank(q, buckets));
    return {
      unit: this.unit,
      count: this.#count,
      rejected: this.#rejected,
      sum: this.sum,
      mean: orNull(this.mean),
      stddev: orNull(this.stddev),
      min: orNull(this.min),
      max: orNull(this.max),
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
      p999: quantile(0.999),
      layout: LAYOUT,
      buckets,
    };
  }

  #countIn(bucket: number, count: number): void {
    const counts = this.#octaves[bucket >> OCTAVE_BITS] ??= new Float64Array(BUCKETS_PER_OCTAVE);
    counts[bucket & (BUCKETS_PER_OCTAVE - 1)]! += count;
  }

  #buckets(): BucketCount[] {
    const held: BucketCount[] = [];
    for (const [octave, counts] of this.#octaves.entries()) {
      counts?.forEach((count, step) => {
        if (count > 0) held.push([octave * BUCKETS_PER_OCTAVE + step, count]);
      });
    }
    return held;
  }

  #valueOfRank(q: number, buckets: readonly BucketCount[]): number {
    if (this.#count === 0) return NaN;
    const rank = Math.ceil(q * this.#count);
    // The extremes are known exactly.
    if (rank <= 1) return this.#min;
    if (rank >= this.#count) return this.#max;
    let passed = 0;
    const holding = buckets.find(([, count]) => (passed += count) >= rank)!;
    return Math.min(this.#max, Math.max(this.#min, bucketMiddle(holding[0])));
  }
}

/** Sums of huge values must not become `Infinity`, which JSON cannot say. */
function bounded(value: number): number {
  return Math.min(value, Number.MAX_VALUE);
}

function isDistribution(other: Distribution | DistributionSnapshot): other is Distribution {
  return typeof (other as Distribution | undefined)?.snapshot === "function";
}
