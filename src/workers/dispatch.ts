/**
 * One line that moves a function off the event loop.
 *
 * @module
 */

import {
  checkDefinition,
  define,
  type Definition,
  type ModuleMeta,
  noteWrapper,
  type PoolKind,
  type TaskOptions,
} from "./definition.ts";
import { beWorker } from "./worker.ts";
import { type CallOptions, submitTo } from "./worker_pool.ts";
import { currentWorkers } from "./workers.ts";

/** A function that runs in a worker; within one it runs at once, where it is. */
export interface TaskFunction<A extends unknown[], R> {
  /**
   * Runs it in a worker.
   *
   * @throws {QueueFullError} when too many calls wait already
   * @throws {WorkerLostError} when the worker was lost while it ran the call
   * @throws {BallastError} `TIMEOUT` when it took too long; `CLOSED` when the pool is closed
   */
  (...args: A): Promise<Awaited<R>>;
  /** The function itself: runs it here. */
  readonly inline: (...args: A) => R;
  /**
   * The function with other terms for its calls.
   *
   * @example A call that may take two seconds, and takes its input along instead of copying it
   * ```ts
   * import { cpuBound } from "@ballast/runtime/workers";
   *
   * // in a module of its own: export const resize = cpuBound(import.meta, "resize", ...)
   * export const thumbnail = (resize: ReturnType<typeof cpuBound<[ArrayBuffer], ArrayBuffer>>, image: ArrayBuffer) =>
   *   resize.with({ timeoutMs: 2_000, transfer: [image] })(image);
   * ```
   */
  with(options: CallOptions): (...args: A) => Promise<Awaited<R>>;
}

// Found out when this module is loaded: a thread of ours begins to work here.
const isWorker = beWorker();

/**
 * Makes a function run in a worker of the "cpu" pool: for what computes long enough to hold others up.
 *
 * Write it at the top level of a module of tasks, and export it under the name given: workers load the module and find it
 * there. The module must not be the one the program is started with. Arguments and results are copied (structured clone);
 * large results block the caller while they are, so return summaries, or see `transferring`.
 *
 * @example A module of tasks
 * ```ts ignore
 * // tasks.ts
 * import { cpuBound } from "@ballast/runtime/workers";
 *
 * export const total = cpuBound(import.meta, "total", (text: string) => JSON.parse(text).total as number);
 *
 * // elsewhere
 * import { total } from "./tasks.ts";
 * await total('{"total": 7}'); // 7, and the event loop went on
 * total.inline('{"total": 7}'); // 7, at once and here
 * ```
 * @throws {TypeError} when the module or the name is no good
 */
export function cpuBound<A extends unknown[], R>(
  meta: ModuleMeta,
  name: string,
  fn: (...args: A) => R,
  options: TaskOptions<A> = {},
): TaskFunction<A, R> {
  return makeTask("cpu", meta, name, fn, options);
}

/**
 * Makes a function run in a thread of the "io" pool: for what blocks, as clients without promises, files read at once, and
 * prompts do. As {@linkcode cpuBound} otherwise.
 *
 * @throws {TypeError} when the module or the name is no good
 */
export function ioBound<A extends unknown[], R>(
  meta: ModuleMeta,
  name: string,
  fn: (...args: A) => R,
  options: TaskOptions<A> = {},
): TaskFunction<A, R> {
  return makeTask("io", meta, name, fn, options);
}

/**
 * As {@linkcode cpuBound}, for functions that are quick for small input: only where `predicate` says so, of the arguments,
 * is the way to a worker worth it. Everything else runs here.
 *
 * @throws {TypeError} when the module, the name or the predicate is no good
 */
export function cpuBoundIf<A extends unknown[], R>(
  meta: ModuleMeta,
  name: string,
  predicate: (...args: A) => boolean,
  fn: (...args: A) => R,
  options: TaskOptions<A> = {},
): TaskFunction<A, R> {
  if (typeof predicate !== "function") throw new TypeError(`the predicate of ${name} must be a function`);
  return makeTask("cpu", meta, name, fn, options, predicate);
}

const NO_OPTIONS: CallOptions = {};

function makeTask<A extends unknown[], R>(
  kind: PoolKind,
  meta: ModuleMeta,
  name: string,
  fn: (...args: A) => R,
  options: TaskOptions<A>,
  predicate?: (...args: A) => boolean,
): TaskFunction<A, R> {
  checkDefinition(meta, name, fn);
  const definition: Definition = { url: meta.url, name, kind, fn, options };
  define(definition, meta, isWorker);

  function call(args: A, options: CallOptions): Promise<Awaited<R>> {
    try {
      if (isWorker || (predicate !== undefined && !predicate(...args))) return here(args, options);
      return submitTo(options.pool ?? currentWorkers()[kind])(definition, args, options) as Promise<
        Awaited<R>
      >;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // deno-lint-ignore require-await -- what it throws becomes a rejection
  async function here(args: A, { signal }: CallOptions): Promise<Awaited<R>> {
    signal?.throwIfAborted();
    return fn(...args) as Awaited<R>;
  }

  const task = Object.assign((...args: A) => call(args, NO_OPTIONS), {
    inline: fn,
    with: (options: CallOptions) => (...args: A) => call(args, options),
  });
  Object.defineProperty(task, "name", { value: name });
  noteWrapper(task, definition);
  return task;
}
