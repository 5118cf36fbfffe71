/**
 * The calls for one worker, on their way out: they travel in lists, each with what the worker has to know before.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { ChannelPort } from "../platform/port.ts";
import { type Luggage, sameLuggage, toFrame } from "./carry.ts";
import { DEFINE, FRAME, LIST_LENGTH, SKIP } from "./protocol.ts";
import type { Task } from "./task.ts";

/** The list that is being written for one worker. */
export class Outbox {
  readonly #port: ChannelPort;
  #list: unknown[] = [];
  /** The calls in it. */
  #tasks: Task[] = [];
  /** The functions that the worker has been told of, and what the calls before took along. */
  readonly #defined: boolean[] = [];
  #luggage: Luggage | undefined;

  constructor(port: ChannelPort) {
    this.#port = port;
  }

  /** Whether it has to be posted before more is written: it is long enough, or hands something over. */
  get isFull(): boolean {
    return this.#tasks.length >= LIST_LENGTH || this.#tasks[0]?.transfer !== undefined;
  }

  /** Writes a call. */
  add(task: Task, now: number): void {
    this.#tasks.push(task);
    this.#write(this.#list, task, now);
  }

  /** Posts what was written; false when there was nothing. A call that cannot be copied fails. */
  post(now: number): boolean {
    const tasks = this.#tasks;
    if (tasks.length === 0) return false;
    const list = this.#list;
    this.#list = [];
    this.#tasks = [];
    // A call with a transfer list is the only one of its list: nothing else is spoilt if it cannot be sent.
    const transfer = tasks[0]!.transfer;
    try {
      if (transfer === undefined) this.#port.postMessage(isBare(list) ? list[0] : list);
      else this.#port.postMessage(list, [...transfer]);
    } catch {
      this.#postSingly(tasks, now);
    }
    return true;
  }

  /** Writes a call, and what the worker has to know for it. */
  #write(into: unknown[], { fn, args, luggage, guarded }: Task, now: number): void {
    if (this.#defined[fn.id] !== true) {
      this.#defined[fn.id] = true;
      into.push(DEFINE, 3, fn.id, fn.definition.url, fn.definition.name);
    }
    if (!sameLuggage(this.#luggage, luggage)) {
      into.push(FRAME, 1, luggage && toFrame(luggage, now));
      this.#luggage = luggage;
    }
    into.push(fn.id, args.length * 2 + (guarded ? 1 : 0));
    for (let index = 0; index < args.length; index++) into.push(args[index]);
  }

  /** Something in the list cannot be copied: each call goes alone, and those that cannot go fail. */
  #postSingly(tasks: readonly Task[], now: number): void {
    // What the list would have told the worker was lost with it.
    this.#defined.length = 0;
    for (const task of tasks) {
      try {
        this.#postLuggage(task.luggage, now);
        const list: unknown[] = [];
        this.#write(list, task, now);
        this.#port.postMessage(list, [...task.transfer ?? []]);
      } catch (error) {
        this.#defined.length = 0;
        this.#port.postMessage([SKIP, 0]);
        task.fail("failed", uncloneable(task, error));
      }
    }
  }

  #postLuggage(luggage: Luggage | undefined, now: number): void {
    const frame = luggage && toFrame(luggage, now);
    const locals = frame?.locals.filter(([, value]) => isCloneable(value));
    this.#port.postMessage([FRAME, 1, frame && { ...frame, locals }]);
    this.#luggage = luggage;
  }
}

/** Whether a list is nothing but a call without arguments. */
function isBare(list: readonly unknown[]): boolean {
  return list.length === 2 && list[1] === 0 && (list[0] as number) >= 0;
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function uncloneable({ fn, args, transfer }: Task, error: unknown): TypeError {
  const { name } = fn.definition;
  const index = transfer === undefined ? args.findIndex((arg) => !isCloneable(arg)) : -1;
  const what = index < 0 ? "an argument" : `argument ${index + 1}`;
  return new TypeError(
    `${what} of ${name}() cannot be sent to a worker: ${
      errorMessage(error)
    }; pass plain data, without functions, ` +
      `symbols or live objects, or call ${name}.inline()`,
    { cause: error },
  );
}
