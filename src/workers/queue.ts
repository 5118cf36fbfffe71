/**
 * The bounded queue of a pool: by priority, and within one first come, first served.
 *
 * @module
 */

import type { Task } from "./task.ts";

/** Calls of one priority: a list with a moving head, so that taking one out costs no shifting. */
class Lane {
  readonly priority: number;
  #tasks: (Task | undefined)[] = [];
  #head = 0;
  /** Calls in it that have settled while they waited, and are in the way. */
  #settled = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

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

  get all(): Task[] {
    return this.#tasks.slice(this.#head).filter((task): task is Task => task?.state === "queued");
  }
}

/** The queue. */
export class TaskQueue {
  /** Calls that wait. */
  size = 0;
  /** By falling priority. */
  readonly #lanes: Lane[] = [];

  /** Adds a call at the end of its lane. */
  push(task: Task): void {
    this.#lane(task.priority).push(task);
    this.size++;
  }

  /** Puts calls back where they came from: before all others. */
  putBack(tasks: readonly Task[]): void {
    for (let end = tasks.length; end > 0;) {
      let start = end - 1;
      while (start > 0 && tasks[start - 1]!.priority === tasks[end - 1]!.priority) start--;
      this.#lane(tasks[start]!.priority).unshift(tasks.slice(start, end));
      end = start;
    }
    this.size += tasks.length;
  }

  /** The call whose turn it is. */
  peek(): Task | undefined {
    for (const lane of this.#lanes) {
      const task = lane.peek();
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Takes out the call that {@linkcode TaskQueue.peek} gave. */
  shift(task: Task): void {
    this.#lane(task.priority).shift();
    this.size--;
  }

  /** A call that waited has settled: it is dropped when its turn comes. */
  forget(task: Task): void {
    this.size--;
    this.#lane(task.priority).forget();
  }

  /** Every call that waits. */
  get all(): Task[] {
    return this.#lanes.flatMap((lane) => lane.all);
  }

  #lane(priority: number): Lane {
    let at = 0;
    for (const lane of this.#lanes) {
      if (lane.priority === priority) return lane;
      if (lane.priority > priority) at++;
    }
    const lane = new Lane(priority);
    this.#lanes.splice(at, 0, lane);
    return lane;
  }
}
