/**
 * The first four moments of a sample, kept as sums of powers of the deviations from the mean: no sum of squares,
 * so no cancellation.
 *
 * The formulas that join two samples are those of Pébay (2008), "Formulas for robust, one-pass parallel computation of
 * covariances and arbitrary-order statistical moments"; for the second order, of Chan, Golub and LeVeque (1979).
 *
 * @module
 */

/** Count, mean, and the sums of the second, third and fourth powers of the deviations. */
export class Moments {
  count = 0;
  mean = 0;
  m2 = 0;
  m3 = 0;
  m4 = 0;

  /** The population's: mean square deviation from the mean; NaN while empty. */
  get variance(): number {
    return this.m2 / this.count;
  }

  /** How far it leans: above 0 when the tail is to the right; NaN when all values are equal. */
  get skewness(): number {
    return this.m3 / this.count / this.variance ** 1.5;
  }

  /** How heavy the tails are: 3 for a normal distribution; NaN when all values are equal. */
  get kurtosis(): number {
    return this.m4 / this.count / this.variance ** 2;
  }

  /** Takes in another sample. */
  join(count: number, mean: number, m2: number, m3: number, m4: number): void {
    if (count === 0) return;
    const own = this.count;
    // Not only a short cut: the square of a huge mean is Infinity, and that times 0 is NaN.
    if (own === 0) {
      this.count = count;
      this.mean = mean;
      this.m2 = m2;
      this.m3 = m3;
      this.m4 = m4;
      return;
    }
    const total = own + count;
    const distance = mean - this.mean;
    // Shares, not products of counts: those would leave the range in which a double is exact.
    const ownShare = own / total;
    const share = count / total;
    const d2 = distance * distance;
    const joint = d2 * own * share;
    this.m4 += m4 + joint * d2 * (ownShare * ownShare - ownShare * share + share * share) +
      6 * d2 * (ownShare * ownShare * m2 + share * share * this.m2) +
      4 * distance * (ownShare * m3 - share * this.m3);
    this.m3 += m3 + joint * distance * (ownShare - share) + 3 * distance * (ownShare * m2 - share * this.m2);
    this.m2 += m2 + joint;
    this.mean += distance * share;
    this.count = total;
  }

  /** Takes in a sample of which the usual figures are known; those that are not count as 0. */
  joinFigures(count: number, mean: number, stddev: number, skewness: number, kurtosis: number): void {
    const m2 = stddev * stddev * count;
    this.join(count, mean, m2, skewness * m2 * stddev, kurtosis * m2 * stddev * stddev);
  }
}
