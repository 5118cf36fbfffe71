/**
 * Functions off the event loop: one line moves what computes, or blocks, into a pool of workers.
 *
 * Calls of one turn travel together, so that small tasks are cheap; a worker runs one call at a time, so that an abort or a
 * time limit hits that call alone; and when a worker is lost, every call either runs elsewhere or fails with an error that
 * says what is known: it is never run twice unless it may be.
 *
 * @example A pool, and what it says of itself
 * ```ts
 * import assert from "node:assert/strict";
 * import { createWorkerPool } from "@ballast/runtime/workers";
 *
 * await using pool = createWorkerPool({ kind: "cpu", size: 2, recycle: { tasks: 10_000 } });
 * assert.equal(pool.report().summary, "0 workers, 0 calls with them, 0 waiting");
 * ```
 *
 * @module
 */

// Functions
export { cpuBound, cpuBoundIf, ioBound, type TaskFunction } from "./dispatch.ts";
export type { ModuleMeta, PoolKind, TaskOptions } from "./definition.ts";
export { transferring } from "./transferring.ts";

// Pools
export { createWorkerPool } from "./pool.ts";
export type { CallOptions, CloseOptions, WorkerPool } from "./worker_pool.ts";
export type { BackendName, RecycleOptions, WorkerPoolOptions } from "./options.ts";
export type { WaitOptions } from "./queue.ts";
export type { Workers, WorkersOptions, WorkersPoolOptions } from "./workers.ts";

// What goes wrong
export { type LossReason, QueueFullError, WorkerLostError, WorkerStartError } from "./errors.ts";

// What they say of themselves
export type { WorkerEvent } from "./events.ts";
export type { FunctionSnapshot, PoolSnapshot, Quantiles, WorkerSnapshot } from "./snapshot.ts";
export type { CrewTotals } from "./crew.ts";
export type { TaskCounts } from "./pool_function.ts";
export type { TaskOutcome } from "./task.ts";
export type { ThreadState } from "./thread.ts";
