/**
 * What a distribution is inside.
 *
 * @module
 */

import { checkNumber } from "../errors.ts";
import { Averages, type RecentAverage } from "./averages.ts";
import { BucketCounts } from "./bucket_counts.ts";
import { bucketOf, firstKeyOf, LAYOUT } from "./buckets.ts";
import type { Distribution } from "./distribution.ts";
import { checkSnapshot, type DistributionSnapshot } from "./distribution_snapshot.ts";
import { Exemplars, type TraceIdSource } from "./exemplars.ts";
import { Figures } from "./figures.ts";
import { quantileOf, type Ranked, shownQuantiles } from "./quantiles.ts";
import { MAX_POINTS, type Point, RecentPoints, type WallClock } from "./recent_points.ts";
import type { Unit } from "./unit.ts";

/**
 * A distribution on buckets of logarithmic octaves and linear steps within them.
 *
 * Adding a value writes it down, no more. Once a few are there, or somebody looks, they are settled together: moments
 * of the batch without the chain of dependent divisions that one value at a time has, one reading of the clock.
 */
export class LogLinearDistribution implements Distribution {
  readonly unit: Unit;
  readonly #clock: WallClock;
  readonly #firstKey: number;
  /** Where the next value goes, and up to where they are settled. */
  #next = 0;
  #settled = 0;
  /** Settle when `next` gets here. */
  #limit = 1;
  /** Settle at a value above this, which is worth an exemplar. */
  #notable = Infinity;
  #points = new RecentPoints();
  #rejected = 0;
  /** Made when the first points are about to be overwritten: until then these hold every value. */
  #buckets: BucketCounts | undefined;
  #figures = new Figures();
  #averages = new Averages();
  #exemplars: Exemplars | undefined;

  constructor(unit: Unit, clock: WallClock, traceId?: TraceIdSource) {
    this.unit = unit;
    this.#clock = clock;
    this.#firstKey = firstKeyOf(unit);
    if (traceId !== undefined) this.#exemplars = new Exemplars(traceId, unit);
    this.#notable = this.#exemplars?.notable ?? Infinity;
  }

  get count(): number {
    return this.#figures.count + this.#next - this.#settled;
  }

  get rejected(): number {
    return this.#rejected;
  }

  get sum(): number {
    return bounded(this.#look().#figures.sum);
  }

  get mean(): number {
    return this.#look().#figures.mean;
  }

  get variance(): number {
    return bounded(this.#look().#figures.variance);
  }

  get stddev(): number {
    return bounded(Math.sqrt(this.#look().#figures.variance));
  }

  get skewness(): number {
    return this.#look().#figures.skewness;
  }

  get kurtosis(): number {
    return this.#look().#figures.kurtosis;
  }

  get min(): number {
    return this.count === 0 ? NaN : this.#look().#figures.min;
  }

  get max(): number {
    return this.count === 0 ? NaN : this.#look().#figures.max;
  }

  add(value: number, atMs?: number): void {
    // The comparison also refuses NaN.
    if (typeof value !== "number" || !(value >= 0 && value <= Number.MAX_VALUE)) {
      this.#rejected++;
      return;
    }
    const { list } = this.#points;
    const next = this.#next;
    // There is no minus zero among the values.
    list[2 * next] = value + 0;
    list[2 * next + 1] = typeof atMs === "number" ? atMs : NaN;
    this.#next = next + 1;
    if (next + 1 === this.#limit || value > this.#notable) this.#settle(value);
  }

  merge(other: Distribution | DistributionSnapshot): void {
    const merged = isDistribution(other) ? other.snapshot() : checkSnapshot(other);
    if (merged.unit !== this.unit) {
      throw new TypeError(`a distribution of "${this.unit}" cannot take in one of "${merged.unit}"`);
    }
    this.#look();
    this.#rejected += merged.rejected;
    if (merged.count === 0) return;
    const buckets = this.#buckets ??= this.#countPoints();
    for (const [bucket, count] of merged.buckets) buckets.add(bucket, count);
    this.#figures.span(merged.sum, merged.min!, merged.max!);
    const { count, mean, stddev, skewness, kurtosis } = merged;
    this.#figures.joinKnown(count, mean!, stddev!, skewness ?? 0, kurtosis ?? 0);
    this.#averages.merge(merged.averages, merged.at);
    this.#next = this.#settled = this.#points.merge(merged.recent, this.#next);
    this.#limit = this.#points.limit(this.#next);
    if (merged.exemplars !== undefined) {
      this.#exemplars ??= new Exemplars(undefined, this.unit);
      this.#exemplars.merge(merged.exemplars);
    }
  }

  reset(): void {
    this.#next = this.#settled = 0;
    this.#points = new RecentPoints();
    this.#limit = 1;
    this.#rejected = 0;
    this.#buckets = undefined;
    this.#figures = new Figures();
    this.#averages = new Averages();
    this.#exemplars?.clear();
    this.#notable = this.#exemplars?.notable ?? Infinity;
  }

  quantile(q: number): number {
    checkNumber("q", q, { max: 1 });
    this.#look();
    return quantileOf(this.#ranked(), q);
  }

  recent(): Point[] {
    return this.#look().#points.read(this.#next);
  }

  averages(): RecentAverage[] {
    this.#look().#averages.advance(this.#clock.now());
    return this.#averages.read();
  }

  snapshot(): DistributionSnapshot {
    const averages = this.averages();
    const exemplars = this.#exemplars?.read() ?? [];
    const ranked = this.#ranked();
    return {
      unit: this.unit,
      at: this.#averages.at,
      count: this.count,
      rejected: this.#rejected,
      sum: this.sum,
      mean: orNull(this.mean),
      stddev: orNull(this.stddev),
      skewness: orNull(this.skewness),
      kurtosis: orNull(this.kurtosis),
      min: orNull(this.min),
      max: orNull(this.max),
      ...shownQuantiles(ranked),
      averages,
      recent: this.#points.read(this.#next),
      ...(exemplars.length > 0 && { exemplars }),
      layout: LAYOUT,
      buckets: ranked.buckets,
    };
  }

  #ranked(): Ranked {
    const buckets = (this.#buckets ?? this.#countPoints()).entries();
    return { unit: this.unit, count: this.count, min: this.#figures.min, max: this.#figures.max, buckets };
  }

  /** This, with all values settled. */
  #look(): this {
    if (this.#settled < this.#next) this.#settle(undefined);
    return this;
  }

  /** Takes in what was added since: `added` is the last of them, when it is being added. */
  #settle(added: number | undefined): void {
    const from = this.#settled;
    const to = this.#next;
    const at = this.#points.date(from, to, this.#clock);
    const sum = this.#measure(from, to);
    if (this.#buckets !== undefined) this.#countIn(this.#buckets, from, to);
    else if (to === MAX_POINTS) this.#buckets = this.#countPoints();
    const { list } = this.#points;
    // Within a millisecond all are of one moment.
    if (at - list[2 * from + 1]! < 1) this.#averages.addSum(to - from, sum, at);
    else this.#averages.add(list, from, to);
    this.#next = this.#settled = this.#points.wrap(to);
    this.#limit = this.#points.limit(this.#next);
    if (added === undefined || this.#exemplars === undefined) return;
    this.#exemplars.offer(added, at);
    this.#notable = this.#exemplars.notable;
  }

  /** Counts the values from `from` up to `to` in buckets. */
  #countIn(buckets: BucketCounts, from: number, to: number): void {
    const { list } = this.#points;
    for (let i = from; i < to; i++) buckets.increment(bucketOf(list[2 * i]!, this.#firstKey));
  }

  /** The buckets of the values so far, while all of them are still there. */
  #countPoints(): BucketCounts {
    const buckets = new BucketCounts();
    this.#countIn(buckets, 0, this.#next);
    return buckets;
  }

  /** Extremes, sum and moments, with the values from `from` up to `to`; returns the sum of these. */
  #measure(from: number, to: number): number {
    const { list } = this.#points;
    const count = to - from;
    let sum = 0;
    let min = Infinity;
    let max = -Infinity;
    for (let i = from; i < to; i++) {
      const value = list[2 * i]!;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#figures.span(sum, min, max);
    const mean = sum <= Number.MAX_VALUE ? sum / count : meanOfHuge(list, from, to);
    let m2 = 0;
    let m3 = 0;
    let m4 = 0;
    for (let i = from; i < to; i++) {
      const deviation = list[2 * i]! - mean;
      const square = deviation * deviation;
      m2 += square;
      m3 += square * deviation;
      m4 += square * square;
    }
    this.#figures.join(count, mean, m2, m3, m4);
    return sum;
  }
}

/** Sums of huge values must not become `Infinity`, which JSON cannot say. */
function bounded(value: number): number {
  return Math.min(value, Number.MAX_VALUE);
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The mean of values whose sum is beyond a double. */
function meanOfHuge(list: readonly number[], from: number, to: number): number {
  let mean = 0;
  for (let i = from; i < to; i++) mean += list[2 * i]! / (to - from);
  return mean;
}

function isDistribution(other: Distribution | DistributionSnapshot): other is Distribution {
  return typeof (other as Distribution | undefined)?.snapshot === "function";
}
