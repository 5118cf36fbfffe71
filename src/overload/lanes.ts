/**
 * What waits with one priority, by client: the clients are served in turn. A client is known only while something of its waits, so that
 * there are never more than the queue has entries.
 *
 * @module
 */

import { LinkedList, type Place } from "./linked_list.ts";

/** The lanes of one priority. */
export class Lanes<T> {
  /** In the order in which they are served: a `Map` is in order of insertion, and whoever was served is inserted anew. */
  readonly #lanes = new Map<string, LinkedList<T>>();

  /** Puts an item at the end of its client's lane. */
  add(client: string, place: Place<T>): void {
    let lane = this.#lanes.get(client);
    if (lane === undefined) this.#lanes.set(client, lane = new LinkedList());
    lane.append(place);
  }

  /** Takes an item out. */
  remove(client: string, place: Place<T>): void {
    const lane = this.#lanes.get(client)!;
    lane.remove(place);
    if (lane.size === 0) this.#lanes.delete(client);
  }

  /** The next item of the client whose turn it is, which then goes to the end. It stays in its lane. */
  next(which: "oldest" | "newest"): T | undefined {
    const [turn] = this.#lanes;
    if (turn === undefined) return undefined;
    const [client, lane] = turn;
    if (this.#lanes.size > 1) {
      this.#lanes.delete(client);
      this.#lanes.set(client, lane);
    }
    return (which === "oldest" ? lane.first : lane.last)!.item;
  }

  /** The oldest item of the client that has most waiting; `newcomer` has one more. There must be an item. */
  oldestOfLongest(newcomer: string | undefined): T {
    let longest: LinkedList<T> | undefined;
    let length = 0;
    for (const [client, lane] of this.#lanes) {
      const own = client === newcomer ? lane.size + 1 : lane.size;
      if (own <= length) continue;
      longest = lane;
      length = own;
    }
    return longest!.first!.item;
  }
}
