/**
 * What the values were lately: averages over the last minute, five and fifteen, in which a value weighs the less
 * the older it is (exponentially, as in the load averages of Unix).
 *
 * Kept as two sums, of the weights and of the weighted values: those of two streams add up, so averages merge.
 *
 * @module
 */

/** How long a value takes to lose all but 1/e of its weight. */
export const AVERAGED_MS: readonly number[] = [60_000, 300_000, 900_000];
const KINDS = AVERAGED_MS.length;
/** Values no further apart are counted together; what their weights are off by is less than 1 in 40,000. */
const SHORT_MS = 3_000;

/** An average in which a value loses weight by the time. */
export interface RecentAverage {
  /** After this a value has 1/e (37 %) of its weight left. */
  readonly overMs: number;
  /** The average; `null` when there is nothing to average. */
  readonly mean: number | null;
  /** Values a second, averaged alike. */
  readonly perSecond: number;
}

/** The averages of one stream. */
export class Averages {
  /** Sums of the weights, then of the weighted values, as of `#at`. Made of NaN, so that engines keep them as bare doubles. */
  readonly #sums: number[] = [NaN, NaN, NaN, NaN, NaN, NaN].fill(0);
  #at = NaN;

  /** When they were last brought up to date, in milliseconds since the epoch; NaN while empty. */
  get at(): number {
    return this.#at;
  }

  /** Counts `count` values that add up to `sum`, all of the moment `at`. */
  addSum(count: number, sum: number, at: number): void {
    this.advance(at);
    const sums = this.#sums;
    for (let kind = 0; kind < KINDS; kind++) {
      sums[kind]! += count;
      sums[KINDS + kind]! += sum;
    }
  }

  /** Counts the points from `from` up to `to` of a list of values and moments in turn, each of its moment. */
  add(list: readonly number[], from: number, to: number): void {
    const at = list[2 * to - 1]!;
    let ages = 0;
    let squares = 0;
    let sum = 0;
    let aged = 0;
    let agedTwice = 0;
    let oldest = 0;
    for (let i = from; i < to; i++) {
      const value = list[2 * i]!;
      const age = Math.max(0, at - list[2 * i + 1]!);
      ages += age;
      squares += age * age;
      sum += value;
      aged += value * age;
      agedTwice += value * age * age;
      if (age > oldest) oldest = age;
    }
    if (oldest > SHORT_MS) return this.#addEach(list, from, to);
    this.advance(at);
    for (let kind = 0; kind < KINDS; kind++) {
      // exp(-x) is 1 - x + x²/2, for ages so small.
      const x = 1 / AVERAGED_MS[kind]!;
      this.#sums[kind]! += to - from - x * ages + x * x / 2 * squares;
      this.#sums[KINDS + kind]! += sum - x * aged + x * x / 2 * agedTwice;
    }
  }

  #addEach(list: readonly number[], from: number, to: number): void {
    for (let i = from; i < to; i++) this.add(list, i, i + 1);
  }

  /**
   * Lets the weights shrink. A millisecond more or less is not worth an exponential, and a clock that was set back
   * takes nothing away.
   */
  advance(at: number): void {
    const elapsedMs = at - this.#at;
    if (elapsedMs >= 0 && elapsedMs < 1) return;
    this.#at = at;
    if (!(elapsedMs > 0)) return;
    for (let kind = 0; kind < KINDS; kind++) {
      const left = Math.exp(-elapsedMs / AVERAGED_MS[kind]!);
      this.#sums[kind]! *= left;
      this.#sums[KINDS + kind]! *= left;
    }
  }

  /** Adds those of another stream, as of `at`: of the two moments the later one counts. */
  merge(averages: readonly RecentAverage[], at: number): void {
    const lateMs = this.#at > at ? this.#at - at : 0;
    if (lateMs === 0) this.advance(at);
    for (const { overMs, mean, perSecond } of averages) {
      const kind = AVERAGED_MS.indexOf(overMs);
      if (kind < 0) continue;
      const weight = perSecond * overMs / 1000 * Math.exp(-lateMs / overMs);
      this.#sums[kind]! += weight;
      this.#sums[KINDS + kind]! += weight * (mean ?? 0);
    }
  }

  /** The averages, as plain JSON. */
  read(): RecentAverage[] {
    return AVERAGED_MS.map((overMs, kind) => {
      const weight = this.#sums[kind]!;
      // A sum beyond a double is as large as one can be.
      const mean = Math.min(this.#sums[KINDS + kind]!, Number.MAX_VALUE) / weight;
      return { overMs, mean: weight > 0 ? mean : null, perSecond: weight / overMs * 1000 };
    });
  }
}
