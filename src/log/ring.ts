/** The last so many of something. */

/** Holds the last `capacity` items pushed. */
export class Ring<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an item in the place of the oldest. */
  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The items, the newest first. */
  *newestFirst(): Generator<T> {
    const { length } = this.#items;
    for (let i = 1; i <= length; i++) yield this.#items[(this.#next - i + length) % length]!;
  }
}
