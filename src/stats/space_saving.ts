/**
 * Which texts come most often, in constant memory: SpaceSaving (Metwally et al., 2005), merged as Agarwal et al. (2012)
 * show. A text with more than one in `capacity` of all is always among those held.
 *
 * @module
 */

/** A text that comes often. */
export interface HeavyHitter {
  /** The text. */
  readonly key: string;
  /** How often it came: never less than it did. */
  readonly count: number;
  /** By how much that may be too much. */
  readonly error: number;
}

interface Held {
  key: string;
  count: number;
  error: number;
  /** The count by which it stands in the heap; it is put right when it gets to the top. */
  rank: number;
}

/** The most frequent of a stream of texts. */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #held = new Map<string, Held>();
  /** A heap, the least rank first; made once all places are taken. */
  #heap: Held[] = [];
  /** What a text that is not held may have had at most, in streams that were merged. */
  #floor = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Counts a text `count` times. */
  add(key: string, count: number): void {
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.count += count;
    } else if (this.#held.size < this.#capacity) {
      this.#hold(key, count + this.#floor, this.#floor);
    } else {
      this.#replaceLeast(key, count);
    }
  }

  /** All that are held, the most frequent first. */
  read(): HeavyHitter[] {
    return [...this.#held.values()]
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
      .map(({ key, count, error }) => ({ key, count, error }));
  }

  /** What a text that is not held may have had at most. */
  get floor(): number {
    if (this.#held.size < this.#capacity) return this.#floor;
    return Math.max(this.#floor, Math.min(...[...this.#held.values()].map(({ count }) => count)));
  }

  /** Takes in those of another stream, in which texts that are not held had at most `floor`. */
  merge(hitters: readonly HeavyHitter[], floor: number): void {
    const ownFloor = this.floor;
    const others = new Map(hitters.map((hitter) => [hitter.key, hitter]));
    const joined = this.read().map(({ key, count, error }) => {
      const other = others.get(key) ?? { count: floor, error: floor };
      others.delete(key);
      return { key, count: count + other.count, error: error + other.error };
    });
    for (const { key, count, error } of others.values()) {
      joined.push({ key, count: count + ownFloor, error: error + ownFloor });
    }
    joined.sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
    this.clear();
    this.#floor = Math.max(ownFloor + floor, joined[this.#capacity]?.count ?? 0);
    for (const { key, count, error } of joined.slice(0, this.#capacity)) this.#hold(key, count, error);
  }

  /** Forgets everything. */
  clear(): void {
    this.#held.clear();
    this.#heap = [];
    this.#floor = 0;
  }

  #hold(key: string, count: number, error: number): void {
    this.#held.set(key, { key, count, error, rank: count });
  }

  /** A new text takes the place of the rarest one, and its count as the error of its own. */
  #replaceLeast(key: string, count: number): void {
    if (this.#heap.length === 0) {
      for (const held of this.#held.values()) held.rank = held.count;
      this.#heap = [...this.#held.values()].sort((a, b) => a.rank - b.rank);
    }
    // Counts only grow, so whoever is at the top with the right rank is the least.
    for (let top = this.#heap[0]!; top.rank < top.count; top = this.#heap[0]!) {
      top.rank = top.count;
      this.#sink();
    }
    const least = this.#heap[0]!;
    this.#held.delete(least.key);
    least.key = key;
    least.error = Math.max(least.count, this.#floor);
    least.count = least.error + count;
    this.#held.set(key, least);
  }

  /** Lets the top of the heap sink to its place. */
  #sink(): void {
    const heap = this.#heap;
    const sinking = heap[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.rank < heap[child]!.rank) child++;
      if (heap[child]!.rank >= sinking.rank) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = sinking;
  }
}
