/**
 * Single numbers: counters that are added to, gauges that are set, and values that are read when somebody looks.
 *
 * @module
 */

/** A sum that only grows. */
export interface Counter {
  /** Adds `n`, 1 unless told otherwise; what is not a finite number >= 0 is ignored: this never throws. */
  add(n?: number): void;
  /** The sum so far. */
  readonly value: number;
}

/** A value that goes up and down. */
export interface Gauge {
  /** Sets it; what is not a finite number is ignored: this never throws. */
  set(value: number): void;
  /** Adds `n`, which may be negative, 1 unless told otherwise; what is not a finite number is ignored. */
  add(n?: number): void;
  /** What it is; 0 until it is set. */
  readonly value: number;
  /** The lowest it was since the last reset; what it is, if it never changed. */
  readonly min: number;
  /** The highest it was since the last reset; what it is, if it never changed. */
  readonly max: number;
}

/** What a single number says, and between which it was, where that is known. */
export interface ScalarReading {
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * The number of one series: the counter that parts add to or the gauge that they set, and the values that parts let be
 * read, together.
 */
export class Scalar {
  readonly #reads = new Set<() => number>();
  #counter: OwnCounter | undefined;
  #gauge: OwnGauge | undefined;

  /** Whether anything stands behind it: a counter or gauge once handed out, or somebody to ask. */
  get inUse(): boolean {
    return this.#counter !== undefined || this.#gauge !== undefined || this.#reads.size > 0;
  }

  /** Its counter, made when it is first asked for. */
  asCounter(): Counter {
    return this.#counter ??= new OwnCounter();
  }

  /** Its gauge, made when it is first asked for. */
  asGauge(): Gauge {
    return this.#gauge ??= new OwnGauge();
  }

  /** Adds what `read` gives, whenever it is asked. Returns what removes it. */
  observe(read: () => number): () => void {
    // A function of its own, so that the same one may be observed twice.
    const own = () => read();
    this.#reads.add(own);
    return () => void this.#reads.delete(own);
  }

  /** Starts its counter again from 0, and the extremes of its gauge from what it is. */
  reset(): void {
    this.#counter?.reset();
    this.#gauge?.reset();
  }

  /** What all of it adds up to now; undefined when nobody gave a number. Extremes are those of a gauge alone. */
  read(onFailure: () => void): ScalarReading | undefined {
    let total = this.#counter?.value ?? this.#gauge?.value;
    for (const read of [...this.#reads]) {
      const value = attempt(read);
      if (Number.isFinite(value)) total = (total ?? 0) + value!;
      else onFailure();
    }
    if (total === undefined) return undefined;
    if (this.#gauge === undefined || this.#reads.size > 0) return { value: total };
    return { value: total, min: this.#gauge.min, max: this.#gauge.max };
  }
}

class OwnCounter implements Counter {
  #sum = 0;

  get value(): number {
    return this.#sum;
  }

  add(n = 1): void {
    if (Number.isFinite(n) && n >= 0) this.#sum += n;
  }

  reset(): void {
    this.#sum = 0;
  }
}

class OwnGauge implements Gauge {
  #value = 0;
  /** Whether `value` is one that somebody set. */
  #isSet = false;
  #min = 0;
  #max = 0;

  get value(): number {
    return this.#value;
  }

  get min(): number {
    return this.#min;
  }

  get max(): number {
    return this.#max;
  }

  set(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#min = this.#isSet ? Math.min(this.#min, value) : value;
    this.#max = this.#isSet ? Math.max(this.#max, value) : value;
    this.#value = value;
    this.#isSet = true;
  }

  add(n = 1): void {
    // What is added to was there: 0, before anything was set.
    this.#isSet = true;
    this.set(this.#value + n);
  }

  reset(): void {
    this.#min = this.#max = this.#value;
  }
}

function attempt(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
