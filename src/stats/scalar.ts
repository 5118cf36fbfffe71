/**
 * Single numbers: counters that are added to, and values that are read when somebody looks.
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

/**
 * The number of one series: the counter that parts add to, and the values that parts let be read, together.
 */
export class Scalar implements Counter {
  readonly #reads = new Set<() => number>();
  #sum = 0;
  #counted = false;

  get value(): number {
    return this.#sum;
  }

  /** Whether anything stands behind it: a counter once handed out, or somebody to ask. */
  get inUse(): boolean {
    return this.#counted || this.#reads.size > 0;
  }

  add(n = 1): void {
    if (Number.isFinite(n) && n >= 0) this.#sum += n;
  }

  /** This, as the counter it is from now on. */
  asCounter(): Counter {
    this.#counted = true;
    return this;
  }

  /** Adds what `read` gives, whenever it is asked. Returns what removes it. */
  observe(read: () => number): () => void {
    // A function of its own, so that the same one may be observed twice.
    const own = () => read();
    this.#reads.add(own);
    return () => void this.#reads.delete(own);
  }

  /** What all of it adds up to now; undefined when nobody gave a number. */
  read(onFailure: () => void): number | undefined {
    let total = this.#counted ? this.#sum : undefined;
    for (const read of [...this.#reads]) {
      const value = attempt(read);
      if (Number.isFinite(value)) total = (total ?? 0) + value!;
      else onFailure();
    }
    return total;
  }
}

function attempt(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
