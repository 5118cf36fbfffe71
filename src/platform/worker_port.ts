/**
 * What workers ask of a runtime: threads. Types only, as `port.ts`.
 *
 * @module
 */

/** The threads a runtime can start, and what a module can find out about its own. */
export interface PlatformWorkers {
  /** The kinds of thread there are, the preferred first. */
  readonly backends: readonly WorkerBackend[];
  /** Processors that may be used. */
  cpus(): number;
  /** The module that this program was started with, where that can be known and `import.meta.main` does not say it. */
  entry(): string | undefined;
  /** What a thread of ours can say to the one that started it; undefined in every other thread. */
  parent(): ParentLink | undefined;
  /** Live objects and garbage on the heap of this thread alone. */
  heapUsedBytes(): number | undefined;
}

/** A kind of thread. */
export interface WorkerBackend {
  /** Web Workers, or those of `node:worker_threads`. */
  readonly name: "web" | "threads";
  /** Whether a thread that runs out of memory ends alone; otherwise it takes the process with it. */
  readonly containsMemory: boolean;
  /** Whether a thread may end without anybody being told. */
  readonly mayDieSilently: boolean;
  /** Whether `terminate()` ends a thread that computes without a pause; otherwise that goes on computing, for nobody. */
  readonly endsBusy: boolean;
  /** Whether `onEnd` is called for a thread that ends by itself. */
  readonly tellsExit: boolean;
  /** Starts a thread. */
  spawn(options: SpawnOptions): WorkerHandle;
}

/** How a thread is started. */
export interface SpawnOptions {
  /** The module it runs. */
  readonly url: string;
  /** What it is called; it begins with the mark by which the thread knows whose it is. */
  readonly name: string;
  /** What its heap may grow to. @default the runtime's own limit */
  readonly maxHeapBytes?: number;
  /** Takes what the thread's {@linkcode ParentLink} posts. */
  readonly onMessage: (data: unknown) => void;
  /** Called once when the thread is known to have ended: by an error that nobody caught, or by itself. */
  readonly onEnd: (end: WorkerEnd) => void;
}

/** Why a thread ended. */
export interface WorkerEnd {
  /** What was thrown and not caught. */
  readonly error?: unknown;
  /** What it exited with, where that is known. */
  readonly exitCode?: number;
}

/** What a message can hand over instead of copying it: an `ArrayBuffer`, a `MessagePort`, a stream. */
export type Transfer = object;

/** One end of a channel: what is used of a `MessagePort`, whose type not every runtime's declarations have. */
export interface ChannelPort {
  /** Takes what the other end sends. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** Sends the other end something. */
  postMessage(message: unknown, transfer?: Transfer[]): void;
  /** Ends the channel. */
  close(): void;
  /** Has the process stay alive for it, where that can be said. */
  ref?(): void;
  /** Lets the process end in spite of it. */
  unref?(): void;
}

/** A thread, from outside. */
export interface WorkerHandle {
  /** Sends the thread something. */
  post(message: unknown, transfer: readonly Transfer[]): void;
  /** Ends the thread, whatever it is doing. */
  terminate(): void;
  /** The process need not stay alive for the thread from now on. */
  unref(): void;
}

/** The way from a thread to the one that started it. */
export interface ParentLink {
  /** Sends it something. */
  post(message: unknown): void;
  /** Takes the first message that it sends. */
  onceMessage(listener: (data: unknown) => void): void;
  /** Tells of what nobody catches, just before the thread ends for it. */
  onFatal(listener: (error: unknown) => void): void;
  /** Tells just before the thread ends because something in it asked for that, where it can be told. */
  onExit(listener: () => void): void;
}
