/**
 * Who asks most, in bounded memory: the space-saving algorithm of Metwally, Agrawal and El Abbadi (2005).
 *
 * @module
 */

/** What is known of one client. */
export interface ClientSnapshot {
  /** What it is called. */
  readonly client: string;
  /** Times it asked, at most: one that came in for another may be counted too high. */
  readonly asked: number;
  /** Times it was refused while it was known. */
  readonly refused: number;
}

interface Known {
  asked: number;
  refused: number;
}

/** Clients known; a client with a larger share than one in so many is always among them. */
const MAX_CLIENTS = 64;
/** What is kept of a client's name. */
const MAX_NAME = 100;

/** Counts clients. */
export class Clients {
  readonly #known = new Map<string, Known>();

  /** Notes that one asked. */
  ask(client: string): void {
    this.#of(client.slice(0, MAX_NAME)).asked++;
  }

  /** Notes that one was refused. */
  refuse(client: string): void {
    const known = this.#known.get(client.slice(0, MAX_NAME));
    if (known !== undefined) known.refused++;
  }

  /** Who asked most, first. */
  top(count: number): ClientSnapshot[] {
    return [...this.#known].map(([client, { asked, refused }]) => ({ client, asked, refused }))
      .sort((a, b) => b.asked - a.asked || (a.client < b.client ? -1 : 1)).slice(0, count);
  }

  #of(client: string): Known {
    let known = this.#known.get(client);
    if (known !== undefined) return known;
    known = { asked: 0, refused: 0 };
    if (this.#known.size >= MAX_CLIENTS) {
      let least: string | undefined;
      let fewest = Infinity;
      for (const [name, { asked }] of this.#known) if (asked < fewest) [least, fewest] = [name, asked];
      this.#known.delete(least!);
      // It may have asked as often before it was known: so no client that asks often is missed.
      known.asked = fewest;
    }
    this.#known.set(client, known);
    return known;
  }
}
