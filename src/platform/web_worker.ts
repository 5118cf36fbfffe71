/** Web Workers: Deno's, and those of every other runtime that has them. */

import type { ParentLink, SpawnOptions, WorkerBackend, WorkerHandle } from "./port.ts";

/** What the names of our threads begin with. A user's own worker is called otherwise, and is left alone. */
export const WORKER_MARK = "ballast-worker";

/** How Web Workers differ between runtimes. */
export interface WebWorkersOptions {
  /** Lets the process end while the worker is there, where that can be done. */
  readonly unref?: (worker: object) => void;
  /** Whether `terminate()` ends a worker that computes without a pause. @default true */
  readonly endsBusy?: boolean;
}

/** Makes the backend. A Web Worker has no heap limit, and cannot be told how it ended. */
export function webWorkers({ unref = () => {}, endsBusy = true }: WebWorkersOptions = {}): WorkerBackend {
  function spawn({ url, name, onMessage, onEnd }: SpawnOptions): WorkerHandle {
    const worker = new Worker(url, { type: "module", name });
    worker.addEventListener("message", ({ data }) => onMessage(data));
    worker.addEventListener("error", (event) => {
      // Otherwise Deno ends the process.
      event.preventDefault();
      onEnd({ error: new Error(event.message) });
    });
    return {
      post: (message, transfer) => worker.postMessage(message, transfer as Transferable[]),
      terminate: () => worker.terminate(),
      unref: () => unref(worker),
    };
  }
  return { name: "web", containsMemory: false, mayDieSilently: false, endsBusy, tellsExit: false, spawn };
}

/** The parts of a worker's global scope that are used. */
interface WorkerScope {
  readonly name?: unknown;
  postMessage?(message: unknown): void;
  addEventListener?(
    type: "message" | "unload" | "error" | "unhandledrejection",
    listener: (
      event: { readonly data?: unknown; readonly error?: unknown; readonly reason?: unknown },
    ) => void,
    options?: { readonly once: boolean },
  ): void;
}

/** The link of a Web Worker of ours to its parent. */
export function webParent(): ParentLink | undefined {
  const scope = globalThis as unknown as WorkerScope;
  const isWorker = typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function";
  if (!isWorker || typeof scope.name !== "string" || !scope.name.startsWith(WORKER_MARK)) return undefined;
  return {
    post: (message) => scope.postMessage!(message),
    onceMessage: (listener) =>
      scope.addEventListener!("message", ({ data }) => listener(data), { once: true }),
    onFatal: webFatal,
    onExit: (listener) => scope.addEventListener!("unload", listener),
  };
}

/** The events of the web for what nobody catches. */
export function webFatal(listener: (error: unknown) => void): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.addEventListener?.("error", ({ error }) => listener(error));
  scope.addEventListener?.("unhandledrejection", ({ reason }) => listener(reason));
}
