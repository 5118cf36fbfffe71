/**
 * The open contexts of a tree that have a label, in the order in which they were made.
 *
 * A list that runs through the contexts themselves: every request goes in and out, and a `Set` would cost more than all else that a
 * context does.
 *
 * @module
 */

/** Something that can be listed. */
export interface Listed<T> {
  /** Its neighbours while it is in the list; both are the list's own business. */
  before: T | undefined;
  after: T | undefined;
}

/** A list; every operation takes constant time, and none allocates. */
export class OpenTasks<T extends Listed<T>> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** Puts one that is not in it at the end. */
  add(task: T): void {
    const last = this.#last;
    task.before = last;
    if (last === undefined) this.#first = task;
    else last.after = task;
    this.#last = task;
    this.#size++;
  }

  /** Takes one out; one that is not in it stays where it is. */
  delete(task: T): void {
    const { before, after } = task;
    if (before === undefined && this.#first !== task) return;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    task.before = task.after = undefined;
    this.#size--;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let task = this.#first; task !== undefined; task = task.after) yield task;
  }
}
