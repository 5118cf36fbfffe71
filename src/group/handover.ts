/**
 * Hands connections to children: the supervisor holds the listeners, so that none is lost while children come and go.
 *
 * @module
 */

import type { ListeningSocket, PlatformServers } from "../platform/server_port.ts";
import type { GroupListener } from "./listeners.ts";
import type { InHand, SupervisedChild } from "./supervised_child.ts";

/** What became of connections. */
export interface HandoverSnapshot {
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections that wait for a child now. */
  readonly waiting: number;
  /** Connections that were closed because too many waited. */
  readonly refused: number;
  /** Connections that one child was handed and another served: the first ended, or its message came without. */
  readonly handedAgain: number;
}

/** The listeners of a group, and the connections that no child has yet. */
export class Handover {
  readonly #servers: PlatformServers;
  readonly #maxWaiting: number;
  readonly #listeners: ListeningSocket[] = [];
  readonly #waiting: InHand[] = [];
  /** The children that take connections; who was given one goes to the end. */
  #ready: SupervisedChild[] = [];
  #accepted = 0;
  #refused = 0;
  #handedAgain = 0;

  /** `maxWaiting` connections may wait for a child; of more, the newest is closed. */
  constructor(servers: PlatformServers, maxWaiting: number) {
    this.#servers = servers;
    this.#maxWaiting = maxWaiting;
  }

  /** Listens. @throws the system's error */
  async listen({ id, at }: GroupListener): Promise<ListeningSocket> {
    const listener = await this.#servers.listen(at, (connection) => {
      this.#accepted++;
      this.#offer({ listener: id.name, connection });
    });
    this.#listeners.push(listener);
    return listener;
  }

  /** A child takes connections from now on. */
  add(child: SupervisedChild): void {
    this.#ready.push(child);
    this.#next();
  }

  /** A child takes no further ones. */
  remove(child: SupervisedChild): void {
    this.#ready = this.#ready.filter((other) => other !== child);
  }

  /** A child has room again. */
  free(): void {
    this.#next();
  }

  /** A connection got lost on its way to a child: it is handed on before all that came later. */
  missed(connection: InHand): void {
    this.#handedAgain++;
    this.#waiting.unshift(connection);
    this.#next();
  }

  /** A child has ended: what it did not take is served by another, before all that came later. */
  lost(child: SupervisedChild): void {
    this.remove(child);
    const left = [...child.unacknowledged.values()];
    child.unacknowledged.clear();
    this.#handedAgain += left.length;
    this.#waiting.unshift(...left);
    this.#next();
  }

  /** Stops listening. Those that wait are still served, while there are children. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }

  /** Closes what still waits: nobody will take it. */
  refuseAll(): void {
    for (const { connection } of this.#waiting.splice(0)) {
      this.#refused++;
      connection.destroy();
    }
  }

  /** Whether there are connections that no child has said to have. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#ready.some(({ unacknowledged }) => unacknowledged.size > 0);
  }

  /** What became of connections. */
  snapshot(): HandoverSnapshot {
    return {
      accepted: this.#accepted,
      waiting: this.#waiting.length,
      refused: this.#refused,
      handedAgain: this.#handedAgain,
    };
  }

  #offer(waiting: InHand): void {
    if (this.#waiting.length === 0 && this.#hand(waiting)) return;
    if (this.#waiting.length < this.#maxWaiting) {
      this.#waiting.push(waiting);
      return;
    }
    this.#refused++;
    waiting.connection.destroy();
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#hand(this.#waiting[0]!)) this.#waiting.shift();
  }

  /** To the child with the fewest in hand; among those to the one that was served least lately. */
  #hand({ listener, connection }: InHand): boolean {
    const free = this.#ready.filter(({ isFree }) => isFree);
    while (free.length > 0) {
      const child = free.reduce((best, other) =>
        other.unacknowledged.size < best.unacknowledged.size ? other : best
      );
      if (child.hand(listener, connection)) {
        this.#ready.push(this.#ready.splice(this.#ready.indexOf(child), 1)[0]!);
        return true;
      }
      // Its channel is gone; that it has ended will be told.
      free.splice(free.indexOf(child), 1);
    }
    return false;
  }
}
