/**
 * Hands connections to children: the supervisor holds the listeners, so that none is lost while children come and go.
 *
 * @module
 */

import type { HeldConnection, HeldListener, PlatformProcesses } from "../platform/process_port.ts";
import type { GroupListener } from "./listeners.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** What became of connections. */
export interface HandoverSnapshot {
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections that wait for a child now. */
  readonly waiting: number;
  /** Connections that were closed because too many waited. */
  readonly refused: number;
  /** Connections that one child was handed and another served: the first ended before it had them. */
  readonly handedAgain: number;
}

/** A child may have so many connections in hand without having said so: one that is busy is left alone for that long. */
const IN_HAND = 8;

interface Waiting {
  readonly listener: string;
  readonly connection: HeldConnection;
}

/** The listeners of a group, and the connections that no child has yet. */
export class Handover {
  readonly #processes: PlatformProcesses;
  readonly #maxWaiting: number;
  readonly #listeners: HeldListener[] = [];
  readonly #waiting: Waiting[] = [];
  /** The children that take connections; who was given one goes to the end. */
  #ready: SupervisedChild[] = [];
  #accepted = 0;
  #refused = 0;
  #handedAgain = 0;

  /** `maxWaiting` connections may wait for a child; of more, the newest is closed. */
  constructor(processes: PlatformProcesses, maxWaiting: number) {
    this.#processes = processes;
    this.#maxWaiting = maxWaiting;
  }

  /** Listens; gives the port. @throws the system's error */
  async listen({ id, address }: GroupListener): Promise<number> {
    const listener = await this.#processes.listen(address, (connection) => {
      this.#accepted++;
      this.#offer({ listener: id, connection });
    });
    this.#listeners.push(listener);
    return listener.port;
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
  took(): void {
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
      connection.refuse();
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

  #offer(waiting: Waiting): void {
    if (this.#waiting.length === 0 && this.#hand(waiting)) return;
    if (this.#waiting.length < this.#maxWaiting) {
      this.#waiting.push(waiting);
      return;
    }
    this.#refused++;
    waiting.connection.refuse();
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#hand(this.#waiting[0]!)) this.#waiting.shift();
  }

  /** To the child with the fewest in hand; among those to the one that was served least lately. */
  #hand({ listener, connection }: Waiting): boolean {
    const free = this.#ready.filter(({ unacknowledged }) => unacknowledged.size < IN_HAND);
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
