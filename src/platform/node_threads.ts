/**
 * The threads of `node:worker_threads`, for Node and Bun, and for Deno where memory has to be contained.
 *
 * @module
 */

import type {
  ParentLink,
  PlatformWorkers,
  SpawnOptions,
  Transfer,
  WorkerBackend,
  WorkerHandle,
} from "./port.ts";
import { webFatal, WORKER_MARK } from "./web_worker.ts";

/** How a built-in module is got: that of `node.ts`. */
export type Builtin = <T>(id: string) => T;

/** The parts of `node:worker_threads` that are used. */
interface Threads {
  readonly isMainThread: boolean;
  readonly workerData: { readonly mark?: unknown } | null | undefined;
  readonly parentPort: ParentPort | null;
  readonly Worker: new (url: URL, options: Readonly<Record<string, unknown>>) => ThreadWorker;
}

interface ParentPort {
  postMessage(message: unknown): void;
  once(event: "message", listener: (data: unknown) => void): void;
}

interface ThreadWorker {
  on(event: "message" | "error", listener: (value: unknown) => void): void;
  on(event: "exit", listener: (exitCode: number) => void): void;
  postMessage(message: unknown, transfer: readonly Transfer[]): void;
  terminate(): Promise<unknown>;
  unref(): void;
}

/** The parts of `process` that are used. */
interface ThreadProcess {
  readonly argv: readonly string[];
  on(event: "exit" | "uncaughtExceptionMonitor", listener: (value: unknown) => void): void;
}

/** Node's workers, and what a module can find out about its thread. */
export function nodeWorkers(builtin: Builtin): PlatformWorkers {
  return {
    backends: [nodeThreads(builtin, { isDeno: false })],
    cpus: () =>
      attempt(() => builtin<{ availableParallelism(): number }>("node:os").availableParallelism(), 1),
    entry: () => attempt(() => entryUrl(builtin), undefined),
    parent: () => nodeParent(builtin),
    heapUsedBytes: () => nodeHeapUsed(builtin),
  };
}

function entryUrl(builtin: Builtin): string | undefined {
  const path = builtin<ThreadProcess>("node:process").argv[1];
  if (path === undefined) return undefined;
  const { realpathSync } = builtin<{ realpathSync(path: string): string }>("node:fs");
  return builtin<{ pathToFileURL(path: string): URL }>("node:url").pathToFileURL(realpathSync(path)).href;
}

/** The heap of this thread. */
export function nodeHeapUsed(builtin: Builtin): number | undefined {
  type V8 = { getHeapStatistics(): { readonly used_heap_size: number } };
  return attempt(() => builtin<V8>("node:v8").getHeapStatistics().used_heap_size, undefined);
}

/** The link of a thread of ours to its parent. */
export function nodeParent(builtin: Builtin): ParentLink | undefined {
  const { isMainThread, parentPort, workerData } = builtin<Threads>("node:worker_threads");
  if (isMainThread || parentPort === null || workerData?.mark !== WORKER_MARK) return undefined;
  return {
    post: (message) => parentPort.postMessage(message),
    onceMessage: (listener) => parentPort.once("message", listener),
    onFatal(listener) {
      builtin<ThreadProcess>("node:process").on("uncaughtExceptionMonitor", listener);
      // Deno has the events of the web here, too, and not always that one.
      webFatal(listener);
    },
    onExit: (listener) => nodeExit(builtin, listener),
  };
}

/** `process.exit()`, of this thread. */
export function nodeExit(builtin: Builtin, listener: () => void): void {
  builtin<ThreadProcess>("node:process").on("exit", listener);
}

/** How {@linkcode nodeThreads} behave. */
export interface NodeThreadsOptions {
  /** Whether they are Deno's: one that runs out of memory may not be heard of again, and one that is busy cannot be ended. */
  readonly isDeno: boolean;
}

/** The threads of `node:worker_threads`. */
export function nodeThreads(builtin: Builtin, { isDeno }: NodeThreadsOptions): WorkerBackend {
  const spawn = (options: SpawnOptions) => spawnThread(builtin, options);
  return {
    name: "threads",
    containsMemory: true,
    mayDieSilently: isDeno,
    endsBusy: !isDeno,
    tellsExit: true,
    spawn,
  };
}

function spawnThread(builtin: Builtin, options: SpawnOptions): WorkerHandle {
  const { url, name, maxHeapBytes, onMessage, onEnd } = options;
  const { Worker } = builtin<Threads>("node:worker_threads");
  const worker = new Worker(new URL(url), {
    name,
    workerData: { mark: WORKER_MARK },
    ...(maxHeapBytes !== undefined && {
      resourceLimits: { maxOldGenerationSizeMb: Math.max(1, Math.ceil(maxHeapBytes / 2 ** 20)) },
    }),
  });
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  worker.on("message", onMessage);
  worker.on("error", (error: unknown) => failure ??= { error });
  worker.on("exit", (exitCode: number) => {
    if (!ended) onEnd({ ...failure, exitCode });
    ended = true;
  });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => void worker.terminate(),
    unref: () => worker.unref(),
  };
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
