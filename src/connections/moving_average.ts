/**
 * A moving average that believes bad news at once and forgets them with time (Finagle's peak EWMA): a slow address is shunned
 * within one call, and tried again once its past has faded.
 *
 * @module
 */

/** The time in which what is known fades to a third. */
const FADE_MS = 10_000;

/** The average of what took how long. Times are `clock.monotonic()`. */
export class MovingAverage {
  #value: number | undefined;
  #at = 0;

  /** Adds a sample. */
  add(sample: number, now: number): void {
    const faded = this.at(now) ?? 0;
    const share = Math.exp(-Math.max(1, now - this.#at) / FADE_MS);
    this.#value = sample >= faded ? sample : faded * share + sample * (1 - share);
    this.#at = now;
  }

  /** What is left of it now; undefined where nothing was ever added. */
  at(now: number): number | undefined {
    return this.#value === undefined ? undefined : this.#value * Math.exp(-(now - this.#at) / FADE_MS);
  }

  /** Forgets everything. */
  reset(): void {
    this.#value = undefined;
  }

  /** What it was when the last sample came, for people. */
  get last(): number | undefined {
    return this.#value;
  }
}
