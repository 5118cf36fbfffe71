/**
 * What the runtime monitor reads of a runtime. Types only, as `port.ts`.
 *
 * @module
 */

/** What a runtime tells the monitor of itself. */
export interface PlatformMonitor {
  /** Memory and processor time now: cheap enough for once a second, never throws. */
  usage(): ProcessUsage;
  /** What holds the event loop open, counted by kind; left out where the runtime does not tell. */
  resources?(): Readonly<Record<string, number>>;
  /** How the stack of what blocks the thread is found; left out where there is no way. */
  readonly stacks?: StackWatcher;
}

/** What a process uses; a value that is not told is left out. */
export interface ProcessUsage {
  /** Resident memory. */
  readonly rssBytes?: number;
  /** Live objects and garbage on the heap. */
  readonly heapUsedBytes?: number;
  /** The heap's size. */
  readonly heapTotalBytes?: number;
  /** What the heap may grow to. */
  readonly heapLimitBytes?: number;
  /** Memory outside of the heap that belongs to objects on it. */
  readonly externalBytes?: number;
  /** Of that, array buffers. */
  readonly arrayBuffersBytes?: number;
  /** Processor time used so far, by all threads. */
  readonly cpuMs?: number;
}

/** A way to find the stack of what blocks the thread. */
export interface StackWatcher {
  /** How it is done: `watchdog` (a thread that looks on and stops this one for a moment) or `profiler` (samples, read afterwards). */
  readonly method: "watchdog" | "profiler";
  /** Whether it may be started unasked, after a first pause. */
  readonly unasked: boolean;
  /** Starts to watch. @throws {Error} when the runtime refuses, for want of a permission */
  watch(options: StackWatchOptions): StackWatch;
}

/** What a watch has to know. */
export interface StackWatchOptions {
  /** Between two beats. */
  readonly intervalMs: number;
  /** How long the thread must be silent beyond that to be blocked. */
  readonly pauseMs: number;
  /** Called with what blocked: after the beat named, before the next one. */
  readonly onStack: (beat: number, stack: BlockedStack) => void;
  /** Called when it cannot go on; it is closed then. */
  readonly onFailure: (reason: string) => void;
}

/** A watch that is kept. It keeps no process alive. */
export interface StackWatch {
  /** Says that the loop turns; `beat` grows by one each time. */
  beat(beat: number): void;
  /** Says that the loop was blocked after `beat`, until now, for `blockedMs` at least. */
  paused(beat: number, blockedMs: number): void;
  /** Leaves no thread and no session. Safe to call twice. */
  close(): void;
}

/** Where the thread was while it was blocked. */
export interface BlockedStack {
  /** The innermost call first: `name (file:line:column)`. */
  readonly frames: readonly string[];
  /** How many samples were in the innermost function that is not the runtime's, or below it; 1 of 1 where there is but one. */
  readonly samples: number;
  /** Samples in all. */
  readonly of: number;
}
