/**
 * Count, sum, extremes, and the first four moments of a sample, these as sums of powers of the deviations from the mean: no
 * sum of squares, so no cancellation.
 *
 * The formulas that join two samples are those of Pébay (2008), "Formulas for robust, one-pass parallel computation of
 * covariances and arbitrary-order statistical moments"; for the second order, of Chan, Golub and LeVeque (1979).
 *
 * @module
 */

/** Where a figure is. */
const COUNT = 0, SUM = 1, MIN = 2, MAX = 3, MEAN = 4, M2 = 5, M3 = 6, M4 = 7;

/** The figures of one sample, in one list of doubles: a field each would take thrice the memory. */
export class Figures {
  readonly #all: number[] = [NaN, 0, Infinity, -Infinity, 0, 0, 0, 0];

  constructor() {
    // NaN first, so that engines keep the list as bare doubles.
    this.#all[COUNT] = 0;
  }

  get count(): number {
    return this.#all[COUNT]!;
  }

  get sum(): number {
    return this.#all[SUM]!;
  }

  /** `Infinity` while empty. */
  get min(): number {
    return this.#all[MIN]!;
  }

  /** `-Infinity` while empty. */
  get max(): number {
    return this.#all[MAX]!;
  }

  /** NaN while empty, as are all that follow. */
  get mean(): number {
    return this.count === 0 ? NaN : this.#all[MEAN]!;
  }

  /** The population's: mean square deviation from the mean. */
  get variance(): number {
    return this.#all[M2]! / this.count;
  }

  /** How far it leans: above 0 when the tail is to the right; NaN when all values are equal. */
  get skewness(): number {
    return this.#all[M3]! / this.count / this.variance ** 1.5;
  }

  /** How heavy the tails are: 3 for a normal distribution; NaN when all values are equal. */
  get kurtosis(): number {
    return this.#all[M4]! / this.count / this.variance ** 2;
  }

  /** Takes in another sample's sum and extremes. */
  span(sum: number, min: number, max: number): void {
    const all = this.#all;
    all[SUM]! += sum;
    if (min < all[MIN]!) all[MIN] = min;
    if (max > all[MAX]!) all[MAX] = max;
  }

  /** Takes in another sample's count, mean, and sums of the powers of its deviations. */
  join(count: number, mean: number, m2: number, m3: number, m4: number): void {
    if (count === 0) return;
    const all = this.#all;
    const own = all[COUNT]!;
    const total = own + count;
    all[COUNT] = total;
    // Not only a short cut: the square of a huge mean is Infinity, and that times 0 is NaN.
    if (own === 0) {
      all[MEAN] = mean;
      all[M2] = m2;
      all[M3] = m3;
      all[M4] = m4;
      return;
    }
    // Shares, not products of counts: those would leave the range in which a double is exact.
    const rest = own / total;
    const share = count / total;
    const own2 = all[M2]!;
    const own3 = all[M3]!;
    const distance = mean - all[MEAN]!;
    const d2 = distance * distance;
    const joint = d2 * own * share;
    all[M4]! += m4 + joint * d2 * (rest * rest - rest * share + share * share) +
      6 * d2 * (rest * rest * m2 + share * share * own2) + 4 * distance * (rest * m3 - share * own3);
    all[M3]! += m3 + joint * distance * (rest - share) + 3 * distance * (rest * m2 - share * own2);
    all[M2]! += m2 + joint;
    all[MEAN]! += distance * share;
  }

  /** Takes in a sample of which the usual figures are known. */
  joinKnown(count: number, mean: number, stddev: number, skewness: number, kurtosis: number): void {
    const m2 = stddev * stddev * count;
    this.join(count, mean, m2, skewness * m2 * stddev, kurtosis * m2 * stddev * stddev);
  }
}
