/**
 * What a pool can be told, and what it assumes when it is not.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError, checkInteger, checkNumber, show } from "../errors.ts";
import { createLog, type Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform, WorkerBackend } from "../platform/port.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import type { PoolKind } from "./definition.ts";
import type { WaitOptions } from "./queue.ts";

/** What runs the calls: Web Workers, `node:worker_threads`, or nobody but the caller. */
export type BackendName = "web" | "threads" | "inline";

/** When a worker is replaced, before it hurts. The replacement is ready first. */
export interface RecycleOptions {
  /** After so many calls. @default never */
  readonly tasks?: number;
  /** At this age, give or take a tenth. @default never */
  readonly ageMs?: number;
  /** When its heap is larger. @default never */
  readonly heapBytes?: number;
}

/** Options of {@linkcode createWorkerPool}, all but the kind of which may be left out. */
export interface WorkerPoolOptions {
  /** What it is for: computing, or calls that block. */
  readonly kind: PoolKind;
  /** What it is called, in statistics and on pages. @default its kind */
  readonly name?: string;
  /** Workers at most. @default one less than there are processors, at least 1, for "cpu"; 10 for "io" */
  readonly size?: number;
  /** Workers that stay when there is nothing to do. @default 0 */
  readonly minSize?: number;
  /**
   * What runs the calls.
   *
   * @default Web Workers where there are any, `node:worker_threads` on Node and where `maxHeapBytes` is given, "inline"
   * where there is neither
   */
  readonly backend?: BackendName;
  /** Calls that may wait; beyond that they are refused with `QueueFullError`. @default 1024 */
  readonly maxQueue?: number;
  /**
   * How long calls may wait. Where it is given, calls are refused with an `OverloadError` that have waited too long, and while more
   * comes than is done the newest go first: right for what somebody waits for, wrong for batches.
   *
   * @default as long as it takes; a call with a deadline is refused at once in any case, if it cannot begin in time
   */
  readonly waits?: WaitOptions;
  /** What the heap of a worker may grow to; one that needs more ends, alone. @default the runtime's own limit */
  readonly maxHeapBytes?: number;
  /** When workers are replaced. @default never */
  readonly recycle?: RecycleOptions;
  /** A worker that has had nothing to do for so long is ended. @default 30000 */
  readonly idleMs?: number;
  /** How long a worker may take to load its module. @default 30000 */
  readonly startMs?: number;
  /**
   * A worker that has a call and gives no sign of life for so long counts as lost. A call that computes longer than that,
   * without once returning to its event loop, looks the same.
   *
   * @default 60000 where a worker may end without a trace (`node:worker_threads` under Deno), never elsewhere
   */
  readonly silenceMs?: number;
  /** Keys of the context's locals that travel with calls; their values must be cloneable. @default none */
  readonly carry?: readonly string[];
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
  /** Where statistics go, those of the workers too. @default a registry of its own */
  readonly stats?: Stats;
  /** Where records go. @default a log of its own, category `ballast.workers` */
  readonly log?: Log;
  /** Where records go that are made in workers. @default `log` */
  readonly workerLog?: Log;
  /** What the context in a worker is called. @default "worker" */
  readonly context?: string;
}

/** No time span longer than a year: it would be a mistake. */
const SPAN = { min: 1, max: 365 * 86_400_000 };
/** Workers beat and tell what they have recorded about so often. */
const BEAT_MS = 250;

/** Options with nothing left open. */
export interface Settings {
  readonly kind: PoolKind;
  readonly name: string;
  readonly size: number;
  readonly minSize: number;
  /** Undefined: calls run inline. */
  readonly backend: WorkerBackend | undefined;
  readonly maxQueue: number;
  readonly waits: Required<WaitOptions> | undefined;
  readonly maxHeapBytes: number | undefined;
  readonly recycle: RecycleOptions;
  readonly idleMs: number;
  readonly startMs: number;
  readonly silenceMs: number;
  readonly beatMs: number;
  readonly carry: readonly string[];
  readonly clock: Clock;
  readonly platform: Platform;
  readonly stats: Stats;
  readonly log: Log;
  readonly workerLog: Log;
  readonly context: string;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError | RangeError} when one of them makes no sense
 * @throws {BallastError} `UNSUPPORTED` when this runtime has no such backend
 */
export function settings(options: WorkerPoolOptions): Settings {
  const platform = options.platform ?? detectPlatform();
  const clock = options.clock ?? platform.clock;
  const stats = options.stats ?? createStats({ clock });
  const log = options.log ?? createLog({ category: ["ballast", "workers"], stats, clock });
  const kind = checkKind(options.kind);
  const maxHeapBytes = options.maxHeapBytes === undefined
    ? undefined
    : checkInteger("maxHeapBytes", options.maxHeapBytes, { min: 8 * 2 ** 20 });
  const backend = chooseBackend(platform, options.backend, maxHeapBytes);
  const size = checkInteger("size", options.size ?? defaultSize(kind, platform), { min: 1, max: 1_000 });
  const silenceMs = options.silenceMs === undefined
    ? (backend?.mayDieSilently ? 60_000 : Infinity)
    : checkNumber("silenceMs", options.silenceMs, SPAN);
  return {
    kind,
    name: checkName(options.name ?? kind),
    size,
    minSize: checkInteger("minSize", options.minSize ?? 0, { max: size }),
    backend,
    maxQueue: checkInteger("maxQueue", options.maxQueue ?? 1_024, { min: 1 }),
    waits: options.waits && checkWaits(options.waits),
    maxHeapBytes,
    recycle: checkRecycle(options.recycle ?? {}),
    idleMs: checkNumber("idleMs", options.idleMs ?? 30_000, SPAN),
    startMs: checkNumber("startMs", options.startMs ?? 30_000, SPAN),
    silenceMs,
    beatMs: Math.min(BEAT_MS, silenceMs / 4),
    carry: checkKeys(options.carry ?? []),
    clock,
    platform,
    stats,
    log,
    workerLog: options.workerLog ?? log,
    context: options.context ?? "worker",
  };
}

function checkKind(kind: unknown): PoolKind {
  if (kind === "cpu" || kind === "io") return kind;
  throw new TypeError(`kind must be "cpu" or "io", got ${show(kind)}`);
}

function checkName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(`name must be a text of at least one character, got ${show(name)}`);
}

function checkKeys(keys: readonly string[]): readonly string[] {
  if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) return keys;
  throw new TypeError(`carry must be a list of the keys of locals, got ${show(keys)}`);
}

function checkWaits(
  { targetMs = 20, intervalMs = 100, maxWaitMs = 100 }: WaitOptions,
): Required<WaitOptions> {
  return {
    targetMs: checkNumber("waits.targetMs", targetMs),
    intervalMs: checkNumber("waits.intervalMs", intervalMs),
    maxWaitMs: checkNumber("waits.maxWaitMs", maxWaitMs),
  };
}

function checkRecycle({ tasks, ageMs, heapBytes }: RecycleOptions): RecycleOptions {
  return {
    tasks: tasks === undefined ? undefined : checkInteger("recycle.tasks", tasks, { min: 1 }),
    ageMs: ageMs === undefined ? undefined : checkNumber("recycle.ageMs", ageMs, SPAN),
    heapBytes: heapBytes === undefined ? undefined : checkInteger("recycle.heapBytes", heapBytes, { min: 1 }),
  };
}

function defaultSize(kind: PoolKind, { workers }: Platform): number {
  return kind === "io" ? 10 : Math.max(1, (workers?.cpus() ?? 1) - 1);
}

function chooseBackend(
  { name, workers }: Platform,
  wanted: BackendName | undefined,
  maxHeapBytes: number | undefined,
): WorkerBackend | undefined {
  if (wanted === "inline") return undefined;
  const { backends = [] } = workers ?? {};
  const found = wanted === undefined
    ? backends.find(({ containsMemory }) => containsMemory || maxHeapBytes === undefined)
    : backends.find((backend) => backend.name === wanted);
  if (found === undefined && wanted === undefined && maxHeapBytes === undefined) return undefined;
  if (found === undefined) {
    throw new BallastError(
      "UNSUPPORTED",
      `${name} has no workers ${wanted ? `of the kind "${wanted}"` : "with a heap limit"}`,
    );
  }
  if (maxHeapBytes !== undefined && !found.containsMemory) {
    throw new BallastError(
      "UNSUPPORTED",
      `maxHeapBytes cannot be kept by the backend "${found.name}": it does not contain memory, "threads" does`,
    );
  }
  return found;
}
