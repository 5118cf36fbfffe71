/**
 * A bounded queue that would rather refuse than let wait for nothing.
 *
 * In calm it is first in, first out. When the oldest entry has been waiting for longer than `targetMs` during a whole `intervalMs`, more
 * comes than is served (CoDel, RFC 8289, on the age of the oldest). Then the newest is served first, for it still has somebody
 * who waits for it, and the old are refused at one and a half times the target (Maurer, "Fail at Scale", 2015: adaptive LIFO).
 * Priorities are strict; within one, clients may be served in turn.
 *
 * @module
 */

import { checkInteger, checkNumber } from "../errors.ts";
import { TimerWheel, type WheelTimer } from "../timer_wheel.ts";
import { Lanes } from "./lanes.ts";
import { LinkedList, Place } from "./linked_list.ts";
import { PRIORITIES, type Priority, rankOf } from "./priority.ts";

/** How a queue is bounded. */
export interface QueueOptions {
  /** Entries that may wait; 0 for no queue at all. @default 1000 */
  readonly maxLength?: number;
  /** A wait that is no sign of overload, in milliseconds. @default 20 */
  readonly targetMs?: number;
  /** How long the oldest must have waited longer than that before the queue counts as overloaded. @default 100 */
  readonly intervalMs?: number;
  /**
   * The longest wait. Under overload it is one and a half times `targetMs` for the least important that wait, unless their turn has
   * come.
   *
   * @default 100
   */
  readonly maxWaitMs?: number;
  /** Whether clients of one priority are served in turn, and the one that has most waiting is the first to be refused. @default false */
  readonly fair?: boolean;
}

/** Why an entry was refused by the queue. */
export type QueueRefusal =
  /** There was no room, and it was the least worth keeping. */
  | "full"
  /** It had waited too long. */
  | "age"
  /** It could no longer be done in time. */
  | "deadline";

/** Something that waits. */
export interface Entry<T> {
  /** What it is. */
  readonly value: T;
  /** How much it matters. */
  readonly priority: Priority;
  /** Whose it is; "" where clients are not served in turn. */
  readonly client: string;
  /** When it came, as the clock's `monotonic()` counts. */
  readonly since: number;
}

/** What is to wait. */
export interface EntryOptions<T> {
  /** What it is. */
  readonly value: T;
  /** How much it matters. @default "normal" */
  readonly priority?: Priority;
  /** Whose it is, where clients are served in turn. @default "" */
  readonly client?: string;
  /** When it is refused at the latest, because it could not be done in time. @default never */
  readonly until?: number;
}

/** A queue. Every time is a moment as the clock's `monotonic()` counts; none is read here. */
export interface BoundedQueue<T> {
  /** Entries that wait. */
  readonly size: number;
  /** Whether more comes than is served. */
  readonly overloaded: boolean;
  /** Entries of this priority or a higher one. */
  ahead(priority: Priority): number;
  /** Age of the oldest entry in milliseconds; 0 where there is none. */
  oldestAgeMs(now: number): number;
  /**
   * Takes it in and returns its entry. Where there is no room another one is refused for it, or it itself: then there is no entry.
   *
   * @throws {TypeError} when the priority is none
   */
  push(now: number, options: EntryOptions<T>): Entry<T> | undefined;
  /**
   * The next to be served; undefined when nothing waits. However long it has waited: whose turn has come is not refused because the
   * event loop stood still.
   */
  take(now: number): Entry<T> | undefined;
  /** Takes out one that is not wanted any longer. False when it was out already. */
  remove(entry: Entry<T>): boolean;
  /** Refuses what has waited too long, or cannot be done in time. */
  sweep(now: number): void;
  /** When to sweep next at the latest; Infinity when nothing waits. */
  nextSweep(): number;
  /** Takes out all that wait. */
  drain(): Entry<T>[];
}

/** Is told of an entry that is out of the queue unserved, or was never in it. */
export type Refuse<T> = (entry: Entry<T>, reason: QueueRefusal, now: number) => void;

/**
 * Makes a queue.
 *
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createQueue<T>(options: QueueOptions, refuse: Refuse<T>): BoundedQueue<T> {
  return new CoDelQueue(options, refuse);
}

/** Under overload nobody waits longer than so many times the target: who has waited so long would get a late answer, if any. */
const OVERLOADED_WAIT = 1.5;

class Held<T> implements Entry<T> {
  readonly value: T;
  readonly priority: Priority;
  readonly client: string;
  readonly since: number;
  /** Among those of its priority, by age. */
  readonly byAge: Place<Held<T>> = new Place(this);
  /** Among those of its client as well, by age. */
  readonly inLane: Place<Held<T>> = new Place(this);
  timer: WheelTimer | undefined;

  constructor(now: number, { value, priority = "normal", client = "" }: EntryOptions<T>) {
    this.value = value;
    this.priority = priority;
    this.client = client;
    this.since = now;
  }
}

/** What waits with one priority. */
interface Rank<T> {
  readonly byAge: LinkedList<Held<T>>;
  readonly lanes: Lanes<Held<T>>;
}

class CoDelQueue<T> implements BoundedQueue<T> {
  readonly #maxLength: number;
  readonly #targetMs: number;
  readonly #intervalMs: number;
  readonly #maxWaitMs: number;
  readonly #fair: boolean;
  readonly #refuse: Refuse<T>;
  /** By rank, the most important first. */
  readonly #ranks: readonly Rank<T>[] = PRIORITIES.map(() => ({
    byAge: new LinkedList<Held<T>>(),
    lanes: new Lanes<Held<T>>(),
  }));
  readonly #deadlines = new TimerWheel();
  /** Since when the oldest has been older than the target. */
  #standingSince: number | undefined;
  #refusedAt = -Infinity;
  #sweptAt = 0;
  #overloaded = false;

  constructor(options: QueueOptions, refuse: Refuse<T>) {
    this.#maxLength = checkInteger("maxLength", options.maxLength ?? 1000);
    this.#targetMs = checkNumber("targetMs", options.targetMs ?? 20);
    this.#intervalMs = checkNumber("intervalMs", options.intervalMs ?? 100);
    this.#maxWaitMs = checkNumber("maxWaitMs", options.maxWaitMs ?? 100);
    this.#fair = options.fair ?? false;
    this.#refuse = refuse;
  }

  get size(): number {
    return this.#ranks.reduce((sum, { byAge }) => sum + byAge.size, 0);
  }

  get overloaded(): boolean {
    return this.#overloaded;
  }

  ahead(priority: Priority): number {
    return this.#ranks.slice(0, rankOf(priority) + 1).reduce((sum, { byAge }) => sum + byAge.size, 0);
  }

  oldestAgeMs(now: number): number {
    let since = now;
    for (const { byAge } of this.#ranks) {
      if (byAge.first !== undefined && byAge.first.item.since < since) since = byAge.first.item.since;
    }
    return now - since;
  }

  push(now: number, options: EntryOptions<T>): Entry<T> | undefined {
    const held = new Held(now, this.#fair ? options : { ...options, client: "" });
    const rank = rankOf(held.priority);
    if (this.size >= this.#maxLength && !this.#makeRoom(now, held, rank)) {
      this.#turnAway(now, held, "full");
      return undefined;
    }
    this.#ranks[rank]!.byAge.append(held.byAge);
    this.#ranks[rank]!.lanes.add(held.client, held.inLane);
    const { until = Infinity } = options;
    if (until !== Infinity) {
      held.timer = this.#deadlines.insert(until, () => this.#turnAway(this.#sweptAt, held, "deadline"));
    }
    return held;
  }

  take(now: number): Entry<T> | undefined {
    this.#expire(now);
    const rank = this.#ranks.find(({ byAge }) => byAge.size > 0);
    const held = rank?.lanes.next(this.#overloaded ? "newest" : "oldest");
    if (held !== undefined) this.remove(held);
    return held;
  }

  remove(entry: Entry<T>): boolean {
    const held = entry as Held<T>;
    const { byAge, lanes } = this.#ranks[rankOf(held.priority)]!;
    if (held.byAge.list !== byAge) return false;
    byAge.remove(held.byAge);
    lanes.remove(held.client, held.inLane);
    if (held.timer !== undefined) this.#deadlines.remove(held.timer);
    if (this.size === 0) this.#calm();
    return true;
  }

  sweep(now: number): void {
    this.#expire(now);
    for (const rank of this.#ranks) this.#refuseOlder(now, rank, this.#maxWaitMs);
    if (!this.#overloaded) return;
    const least = this.#ranks.findLast(({ byAge }) => byAge.size > 0);
    if (least !== undefined) this.#refuseOlder(now, least, this.#shortWaitMs);
  }

  nextSweep(): number {
    let at = this.#deadlines.nextDeadline();
    let waitMs = this.#overloaded ? this.#shortWaitMs : this.#maxWaitMs;
    // The least important first: it alone is held to the shorter wait.
    for (let rank = this.#ranks.length - 1; rank >= 0; rank--) {
      const oldest = this.#ranks[rank]!.byAge.first;
      if (oldest === undefined) continue;
      at = Math.min(at, oldest.item.since + waitMs);
      waitMs = this.#maxWaitMs;
    }
    return at;
  }

  drain(): Entry<T>[] {
    const drained: Entry<T>[] = [];
    for (const { byAge } of this.#ranks) {
      for (let oldest = byAge.first; oldest !== undefined; oldest = byAge.first) {
        drained.push(oldest.item);
        this.remove(oldest.item);
      }
    }
    return drained;
  }

  get #shortWaitMs(): number {
    return Math.min(OVERLOADED_WAIT * this.#targetMs, this.#maxWaitMs);
  }

  /** Refuses what cannot be done in time. */
  #expire(now: number): void {
    this.#sweptAt = now;
    this.#observe(now);
    this.#deadlines.advance(now);
  }

  #refuseOlder(now: number, { byAge }: Rank<T>, waitMs: number): void {
    for (let oldest = byAge.first; oldest !== undefined; oldest = byAge.first) {
      if (now - oldest.item.since < waitMs) break;
      this.#turnAway(now, oldest.item, "age");
    }
  }

  /** Refuses another one in favour of `held`, if there is one that is less worth keeping. */
  #makeRoom(now: number, held: Held<T>, rank: number): boolean {
    const least = this.#ranks.findLastIndex(({ byAge }) => byAge.size > 0);
    // Nothing waits, and there is no room: there is no queue.
    if (least < rank) return false;
    const victim = this.#ranks[least]!.lanes.oldestOfLongest(least === rank ? held.client : undefined);
    // In calm who came first is served first, so it is the newcomer that is one too many.
    if (least === rank && victim.client === held.client && !this.#overloaded) return false;
    this.#turnAway(now, victim, "full");
    return true;
  }

  #turnAway(now: number, held: Held<T>, reason: QueueRefusal): void {
    this.#refusedAt = now;
    this.remove(held);
    this.#refuse(held, reason, now);
  }

  /** Looks whether the oldest waits too long, and has for an interval. */
  #observe(now: number): void {
    if (this.oldestAgeMs(now) > this.#targetMs) {
      this.#standingSince ??= now;
      if (now - this.#standingSince >= this.#intervalMs) this.#overloaded = true;
    } else if (!this.#overloaded) this.#standingSince = undefined;
    // While some have to be refused, that nobody waits long is due to this alone.
    else if (now - this.#refusedAt >= this.#intervalMs) this.#calm();
  }

  #calm(): void {
    this.#overloaded = false;
    this.#standingSince = undefined;
  }
}
