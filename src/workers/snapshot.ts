/**
 * All there is to know of a pool, as plain JSON.
 *
 * @module
 */

import type { Distribution } from "../stats/mod.ts";
import type { Crew, CrewTotals } from "./crew.ts";
import type { PoolKind } from "./definition.ts";
import type { BackendName, Settings } from "./options.ts";
import type { PoolFunction, TaskCounts } from "./pool_function.ts";
import type { TaskQueue } from "./queue.ts";
import type { Thread, ThreadState } from "./thread.ts";

/** A pool, at one moment. */
export interface PoolSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** What the pool is called. */
  readonly name: string;
  /** What it is for. */
  readonly kind: PoolKind;
  /** What runs its calls. */
  readonly backend: BackendName;
  /** Whether a worker that runs out of memory ends alone. */
  readonly containsMemory: boolean;
  /** Workers at most. */
  readonly size: number;
  /** Calls that may wait, at most. */
  readonly maxQueue: number;
  /** Calls that wait. */
  readonly waiting: number;
  /** Calls in the hands of workers. */
  readonly handed: number;
  /** For how long no worker is started, after too many losses. */
  readonly brakedForMs: number;
  /** Threads that were ended and still compute, where the runtime cannot stop a busy one. */
  readonly abandoned: number;
  /** Workers lost within the last 30 s. */
  readonly recentLosses: number;
  /** What became of workers. */
  readonly totals: Readonly<CrewTotals>;
  /** The workers there are. */
  readonly workers: readonly WorkerSnapshot[];
  /** The functions that were called. */
  readonly functions: readonly FunctionSnapshot[];
}

/** A worker. */
export interface WorkerSnapshot {
  /** Its number. */
  readonly id: number;
  /** Where it is in its life. */
  readonly state: ThreadState | "busy" | "idle";
  /** Since it was started. */
  readonly ageMs: number;
  /** Calls it has answered. */
  readonly done: number;
  /** Calls it has. */
  readonly handed: number;
  /** What it runs, if anything, and for how long. */
  readonly running?: string;
  /** For how long. */
  readonly runningForMs?: number;
  /** Its heap, where that is known. */
  readonly heapBytes?: number;
}

/** A function. */
export interface FunctionSnapshot {
  /** What it is called. */
  readonly name: string;
  /** Where it is. */
  readonly module: string;
  /** What became of its calls. */
  readonly counts: Readonly<TaskCounts>;
  /** From a call to its start, the way back included. */
  readonly queuedMs: Quantiles;
  /** What a call took. */
  readonly durationMs: Quantiles;
  /** Calls that waited when one was made. */
  readonly depth: Quantiles;
  /** The size of calls, where the function says it. */
  readonly size?: Quantiles;
  /** The longest that copying its results took, and all that were slow together. */
  readonly slowestCloneMs: number;
  /** All that were slow, together. */
  readonly slowCloneMs: number;
}

/** A distribution in short; null while it is empty. */
export interface Quantiles {
  /** The median. */
  readonly p50: number | null;
  /** Only one in a hundred is above. */
  readonly p99: number | null;
  /** The largest. */
  readonly max: number | null;
}

/** What a snapshot is made of. */
export interface SnapshotSources {
  readonly settings: Settings;
  readonly queue: TaskQueue;
  readonly crew: Crew;
  readonly functions: readonly PoolFunction[];
}

/** Takes one. */
export function snapshotPool({ settings, queue, crew, functions }: SnapshotSources): PoolSnapshot {
  const { name, kind, backend, size, maxQueue, clock } = settings;
  const now = clock.monotonic();
  return {
    at: clock.now(),
    name,
    kind,
    backend: backend?.name ?? "inline",
    containsMemory: backend?.containsMemory ?? false,
    size,
    maxQueue,
    waiting: queue.size,
    handed: crew.threads.reduce((sum, { live }) => sum + live, 0),
    brakedForMs: crew.brake.leftMs(now),
    abandoned: crew.abandoned,
    recentLosses: crew.brake.recent(now),
    totals: { ...crew.totals },
    workers: crew.threads.map((thread) => workerSnapshot(thread, now)),
    functions: functions.map(functionSnapshot),
  };
}

function workerSnapshot(thread: Thread, now: number): WorkerSnapshot {
  const { id, state, done, live, heapBytes, running } = thread;
  return {
    id,
    state: state === "ready" ? (live > 0 ? "busy" : "idle") : state,
    ageMs: now - thread.startedAt,
    done,
    handed: live,
    ...(running && { running: running.fn.definition.name, runningForMs: now - thread.headSince }),
    ...(heapBytes !== undefined && { heapBytes }),
  };
}

function functionSnapshot(fn: PoolFunction): FunctionSnapshot {
  const { definition, counts, slowestCloneMs, slowCloneMs } = fn;
  return {
    name: definition.name,
    module: definition.url,
    counts: { ...counts },
    queuedMs: quantiles(fn.queued),
    durationMs: quantiles(fn.duration),
    depth: quantiles(fn.depth),
    ...(fn.size && { size: quantiles(fn.size) }),
    slowestCloneMs,
    slowCloneMs,
  };
}

function quantiles(distribution: Distribution): Quantiles {
  if (distribution.count === 0) return { p50: null, p99: null, max: null };
  return { p50: distribution.quantile(0.5), p99: distribution.quantile(0.99), max: distribution.max };
}
