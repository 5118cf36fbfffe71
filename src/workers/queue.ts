/**
 * The bounded queue of a pool, in the language of `overload/`: strict priorities, and within one first come, first served; where the
 * pool bounds waiting, the newest first once more comes than is done (CoDel, RFC 8289), and the old are refused.
 *
 * It is a queue of its own, for it takes a thousand calls in one turn, and most pools let them wait as long as they must.
 *
 * @module
 */

import type { QueueRefusal } from "../overload/mod.ts";
import { PRIORITIES, type Priority, rankOf } from "../overload/priority.ts";
import type { Task } from "./task.ts";

/** How long calls may wait. Milliseconds; the same as those of an admission. */
export interface WaitOptions {
  /** A wait that is no sign of overload. @default 20 */
  readonly targetMs?: number;
  /** How long the oldest must have waited longer than that before the queue counts as overloaded. @default 100 */
  readonly intervalMs?: number;
  /** The longest wait; under overload one and a half times `targetMs` for the least important. @default 100 */
  readonly maxWaitMs?: number;
}

/** Under overload the least important wait no longer than so many times the target. */
const OVERLOADED_WAIT = 1.5;

/** Calls of one priority: a list with a moving head, so that taking one out costs no shifting. */
class Lane {
  #tasks: (Task | undefined)[] = [];
  #head = 0;
  /** Calls in it that have settled while they waited, and are in the way. */
  #settled = 0;

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** A call in it has settled. Where these are the most, as behind a call that never ends, they are swept out. */
  forget(): void {
    this.#settled++;
    if (this.#settled < 256 || this.#settled * 2 < this.#tasks.length - this.#head) return;
    this.#tasks = this.all;
    this.#head = 0;
    this.#settled = 0;
  }

  unshift(tasks: readonly Task[]): void {
    this.#tasks.splice(0, this.#head, ...tasks);
    this.#head = 0;
  }

  /** The first that still waits; what has settled meanwhile is dropped. */
  peek(): Task | undefined {
    while (this.#head < this.#tasks.length) {
      const task = this.#tasks[this.#head]!;
      if (task.state === "queued") return task;
      this.#settled--;
      this.shift();
    }
    return undefined;
  }

  shift(): void {
    this.#tasks[this.#head++] = undefined;
    if (this.#head === this.#tasks.length) {
      this.#tasks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 4_096 && this.#head * 2 > this.#tasks.length) {
      this.#tasks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** The last that still waits. */
  peekNewest(): Task | undefined {
    while (this.#tasks.length > this.#head) {
      const task = this.#tasks[this.#tasks.length - 1]!;
      if (task.state === "queued") return task;
      this.#settled--;
      this.pop();
    }
    return undefined;
  }

  pop(): void {
    this.#tasks.pop();
    if (this.#head < this.#tasks.length) return;
    this.#tasks.length = 0;
    this.#head = 0;
  }

  get all(): Task[] {
    return this.#tasks.slice(this.#head).filter((task): task is Task => task?.state === "queued");
  }
}

/** The queue. Times are the clock's `monotonic()`. */
export class TaskQueue {
  /** Calls that wait. */
  size = 0;
  /** What they are expected to take, as far as that is known. */
  backlogMs = 0;
  /** By rank, the most important first. */
  readonly #lanes: readonly Lane[] = PRIORITIES.map(() => new Lane());
  readonly #waits: Required<WaitOptions> | undefined;
  #overloaded = false;
  #standingSince: number | undefined;
  #refusedAt = -Infinity;

  constructor(waits: Required<WaitOptions> | undefined) {
    this.#waits = waits;
  }

  /** Whether more comes than is done; never where calls may wait as long as they must. */
  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** Adds a call at the end of its lane. */
  push(task: Task): void {
    this.#lane(task.priority).push(task);
    this.#count(task);
  }

  /** Puts calls back where they came from: before all others. */
  putBack(tasks: readonly Task[]): void {
    for (const priority of PRIORITIES) {
      const own = tasks.filter((task) => task.priority === priority);
      if (own.length > 0) this.#lane(priority).unshift(own);
    }
    for (const task of tasks) this.#count(task);
  }

  /** The call whose turn it is. */
  peek(): Task | undefined {
    for (const lane of this.#lanes) {
      const task = this.#overloaded ? lane.peekNewest() : lane.peek();
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Takes out the call that {@linkcode TaskQueue.peek} gave. */
  shift(task: Task): void {
    const lane = this.#lane(task.priority);
    if (this.#overloaded) lane.pop();
    else lane.shift();
    this.#uncount(task);
  }

  /** A call that waited has settled: it is dropped when its turn comes. */
  forget(task: Task): void {
    this.#uncount(task);
    this.#lane(task.priority).forget();
  }

  /** The call to be refused in favour of one of this priority, where there is no room; undefined when none matters less. */
  victim(priority: Priority): Task | undefined {
    const rank = rankOf(priority);
    for (let least = this.#lanes.length - 1; least > rank || (this.#overloaded && least === rank); least--) {
      const task = this.#lanes[least]!.peek();
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Has those refused that have waited too long: `refuse` settles a call, and has it forgotten. */
  sweep(now: number, refuse: (task: Task, reason: QueueRefusal) => void): void {
    const waits = this.#waits;
    if (waits === undefined) return;
    this.#observe(now, waits);
    let waitMs = this.#overloaded
      ? Math.min(OVERLOADED_WAIT * waits.targetMs, waits.maxWaitMs)
      : waits.maxWaitMs;
    for (let rank = this.#lanes.length - 1; rank >= 0; rank--) {
      const lane = this.#lanes[rank]!;
      const before = lane.peek();
      for (let task = before; task !== undefined && now - task.calledAt >= waitMs; task = lane.peek()) {
        this.#refusedAt = now;
        refuse(task, "age");
      }
      // The least important alone are held to the shorter wait.
      if (before !== undefined) waitMs = waits.maxWaitMs;
    }
  }

  /** Every call that waits. */
  get all(): Task[] {
    return this.#lanes.flatMap((lane) => lane.all);
  }

  #lane(priority: Priority): Lane {
    return this.#lanes[rankOf(priority)]!;
  }

  #count(task: Task): void {
    this.size++;
    task.expectedMs = task.fn.expectedMs;
    this.backlogMs += task.expectedMs;
  }

  #uncount(task: Task): void {
    this.size--;
    this.backlogMs = this.size === 0 ? 0 : this.backlogMs - task.expectedMs;
    if (this.size === 0) this.#calm();
  }

  /** Looks whether the oldest waits too long, and has for an interval. */
  #observe(now: number, { targetMs, intervalMs }: Required<WaitOptions>): void {
    let since = now;
    for (const lane of this.#lanes) since = Math.min(since, lane.peek()?.calledAt ?? now);
    if (now - since > targetMs) {
      this.#standingSince ??= now;
      if (now - this.#standingSince >= intervalMs) this.#overloaded = true;
    } else if (!this.#overloaded) this.#standingSince = undefined;
    // While some have to be refused, that nobody waits long is due to this alone.
    else if (now - this.#refusedAt >= intervalMs) this.#calm();
  }

  #calm(): void {
    this.#overloaded = false;
    this.#standingSince = undefined;
  }
}
