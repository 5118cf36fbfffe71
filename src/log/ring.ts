/** The last so many of something, and no more bytes than so many. */

/** Holds the last items pushed, within both bounds; the very last one always. */
export class Ring<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #sizes: number[] = [];
  readonly #capacity: number;
  readonly #maxBytes: number;
  #first = 0;
  #length = 0;
  #bytes = 0;

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  /** Items held. */
  get length(): number {
    return this.#length;
  }

  /** Their size. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an item of some size; the oldest make way. */
  push(item: T, bytes: number): void {
    while (this.#length > 0 && (this.#length === this.#capacity || this.#bytes + bytes > this.#maxBytes)) {
      this.#dropFirst();
    }
    const place = (this.#first + this.#length++) % this.#capacity;
    this.#items[place] = item;
    this.#sizes[place] = bytes;
    this.#bytes += bytes;
  }

  /** The items, the newest first. */
  *newestFirst(): Generator<T> {
    for (let i = this.#length - 1; i >= 0; i--) yield this.#items[(this.#first + i) % this.#capacity]!;
  }

  #dropFirst(): void {
    this.#bytes -= this.#sizes[this.#first]!;
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#capacity;
    this.#length--;
  }
}
