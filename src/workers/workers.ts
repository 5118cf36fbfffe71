/**
 * The two pools of a runtime, as one part of it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Context, contexts, currentContext } from "../context/mod.ts";
import { createEvents, type Events } from "../events.ts";
import type { Log } from "../log/mod.ts";
import type { Platform } from "../platform/port.ts";
import { type Report, unknownAction } from "../report.ts";
import type { Stats } from "../stats/mod.ts";
import type { WorkerEvent } from "./events.ts";
import type { WorkerPoolOptions } from "./options.ts";
import { createWorkerPool } from "./pool.ts";
import { poolReport } from "./report.ts";
import type { PoolSnapshot } from "./snapshot.ts";
import type { CloseOptions, WorkerPool } from "./worker_pool.ts";

/** What one of the two pools can be told. */
export type WorkersPoolOptions = Omit<
  WorkerPoolOptions,
  "kind" | "name" | "clock" | "platform" | "stats" | "log" | "workerLog" | "context"
>;

/** Options of the workers of a runtime. */
export interface WorkersOptions {
  /** The pool of `cpuBound`. */
  readonly cpu?: WorkersPoolOptions;
  /** The pool of `ioBound`. */
  readonly io?: WorkersPoolOptions;
  /** Keys of the context's locals that travel with calls; their values must be cloneable. @default none */
  readonly carry?: readonly string[];
}

/** Where the workers of a runtime get the rest from. */
export interface WorkersParts {
  readonly platform?: Platform;
  readonly clock?: Clock;
  readonly stats?: Stats;
  /** Of the runtime: what is logged in a worker goes here. */
  readonly log?: Log;
  readonly context?: string;
}

/** The pools of a runtime. */
export interface Workers extends AsyncDisposable {
  /** Runs what `cpuBound` made. */
  readonly cpu: WorkerPool;
  /** Runs what `ioBound` made. */
  readonly io: WorkerPool;
  /** What happens to the workers of both. */
  readonly events: Events<WorkerEvent>;
  /** Both, as plain JSON. */
  snapshot(): { readonly pools: readonly PoolSnapshot[] };
  /** What the meta app shows. */
  report(): Report;
  /** Carries out an action of the report. */
  act(id: string, args?: Readonly<Record<string, string>>): unknown;
  /** Ends both. Safe to call twice. */
  close(options?: CloseOptions): Promise<void>;
}

/** The workers of runtimes, by their contexts in the registry: they are nothing that callers should see among the locals. */
const workersOf = new WeakMap<Context, Workers>();

/** Has calls within a context of the registry, and all below it, run by `workers`. */
export function useWorkers(context: Context, workers: Workers): void {
  workersOf.set(context, workers);
}

/** The workers of calls that are made here: those of the current context's runtime, or those that the process shares. */
export function currentWorkers(): Workers {
  const context = currentContext();
  // A child has the name of the context in the registry that it descends from.
  const root = context && contexts.get(context.name);
  return (root && workersOf.get(root)) ?? (shared ??= createWorkers());
}

/** Makes the pools of a runtime. Neither has a worker before its first call. */
export function createWorkers(options: WorkersOptions = {}, parts: WorkersParts = {}): Workers {
  const { carry } = options;
  const events = createEvents<WorkerEvent>();
  const { log, ...rest } = parts;
  const shared = { carry, ...rest, log: log?.child("workers"), workerLog: log };
  const cpu = createWorkerPool({ ...shared, ...options.cpu, kind: "cpu" });
  const io = createWorkerPool({ ...shared, ...options.io, kind: "io" });
  const pools = [cpu, io];
  for (const pool of pools) pool.events.subscribe((event) => events.emit(event));

  async function end(options?: CloseOptions): Promise<void> {
    await Promise.all(pools.map((pool) => pool.close(options)));
    events.close();
  }
  let closing: Promise<void> | undefined;

  return {
    cpu,
    io,
    events,
    snapshot: () => ({ pools: pools.map((pool) => pool.snapshot()) }),
    report: () => poolReport(pools.map((pool) => pool.snapshot())),
    act(id, args) {
      if (id !== "recycle") throw unknownAction("workers", id);
      return pools.map((pool) => pool.act(id, args));
    },
    close: (options) => closing ??= end(options),
    [Symbol.asyncDispose]: () => closing ??= end(),
  };
}

let shared: Workers | undefined;
