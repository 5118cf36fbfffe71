/**
 * What a pool is to those who use it, and the way of calls into it.
 *
 * @module
 */

import type { Events } from "../events.ts";
import type { Priority } from "../overload/mod.ts";
import type { Transfer } from "../platform/port.ts";
import type { Report } from "../report.ts";
import type { Definition, PoolKind } from "./definition.ts";
import type { WorkerEvent } from "./events.ts";
import type { BackendName } from "./options.ts";
import type { PoolSnapshot } from "./snapshot.ts";

/** How one call is made. */
export interface CallOptions {
  /** Ends the call: one that waits is never run, one that runs is ended with its worker. */
  readonly signal?: AbortSignal;
  /** How long it may run, counted from its start. @default the function's `timeoutMs` */
  readonly timeoutMs?: number;
  /** What of the arguments is handed over instead of copied. @default nothing */
  readonly transfer?: readonly Transfer[];
  /** How much it matters: what matters more leaves the queue first, and is the last to be refused. @default the function's */
  readonly priority?: Priority;
  /** Who runs it. @default the pool of the current context's runtime, or else one shared by the process */
  readonly pool?: WorkerPool;
}

/** How a pool is closed. */
export interface CloseOptions {
  /** Whether calls that wait are run first; otherwise they fail with a `BallastError` of code `CLOSED`. @default false */
  readonly finish?: boolean;
  /** How long calls may go on: those that run, and with `finish` those that wait. @default 500, without end with `finish` */
  readonly graceMs?: number;
}

/** A pool of workers. Without a call it has none. */
export interface WorkerPool extends AsyncDisposable {
  /** What it is called. */
  readonly name: string;
  /** What it is for. */
  readonly kind: PoolKind;
  /** What runs its calls. */
  readonly backend: BackendName;
  /** What happens to its workers. */
  readonly events: Events<WorkerEvent>;
  /** Everything there is to know, as plain JSON. */
  snapshot(): PoolSnapshot;
  /** What the meta app shows. */
  report(): Report;
  /** Carries out an action of the report: `recycle` replaces the workers, one after the other. */
  act(id: string, args?: Readonly<Record<string, string>>): unknown;
  /** Ends it: at once, or when everything is done. Safe to call twice. */
  close(options?: CloseOptions): Promise<void>;
}

/** Hands a call to a pool. */
export type Submit = (
  definition: Definition,
  args: readonly unknown[],
  options: CallOptions,
) => Promise<unknown>;

const submits = new WeakMap<WorkerPool, Submit>();

/** Says how calls get into a pool. */
export function acceptBy(pool: WorkerPool, submit: Submit): void {
  submits.set(pool, submit);
}

/** The way into a pool. */
export function submitTo(pool: WorkerPool): Submit {
  const submit = submits.get(pool);
  if (submit === undefined) throw new TypeError("pool must be one that createWorkerPool() made");
  return submit;
}
