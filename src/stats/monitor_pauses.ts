/**
 * The pauses of the event loop: the last ones, with what was known and, where the runtime can tell, what blocked.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { BlockedStack, StackWatch, StackWatcher } from "../platform/port.ts";

/** A time in which the event loop did not turn. */
export interface Pause {
  /** When it had ended, in milliseconds since the epoch. */
  readonly at: number;
  /** How long it took at least: from when the loop should have come round. */
  readonly blockedMs: number;
  /** How long it took at most: from when the loop last came round. */
  readonly atMostMs: number;
  /** What was last told to `note()` before it ended. */
  readonly note?: string;
  /** Where the thread was. */
  readonly stack?: BlockedStack;
}

/** When stacks are watched for. */
export type StackMode =
  /** Never. */
  | "off"
  /** From the first pause on, until there has been none for ten minutes: a service that never pauses pays nothing. */
  | "after-pause"
  /** Always. */
  | "on";

/** Whether stacks can be told, and are watched for now. */
export interface StackState {
  /** How they are found; `none` where there is no way, or it failed. */
  readonly method: StackWatcher["method"] | "none";
  /** When they are watched for. */
  readonly mode: StackMode;
  /** Whether they are watched for now. */
  readonly watching: boolean;
  /** Why there are none, where that is so. */
  readonly reason?: string;
}

/** Pauses that are remembered. */
const KEPT = 50;
/** Without a pause for so long, watching for stacks ends. */
const QUIET_MS = 600_000;

/** What {@linkcode PauseLog} needs. */
export interface PauseLogOptions {
  readonly watcher: StackWatcher | undefined;
  /** Why there is no watcher. */
  readonly reason?: string;
  readonly mode: StackMode;
  readonly intervalMs: number;
  readonly pauseMs: number;
  /** Called when a pause is recorded, and once more when its stack becomes known. */
  readonly onPause: (pause: Pause, isNew: boolean) => void;
}

/** Records pauses, and runs the watch for stacks. Told of every beat and every pause by the monitor. */
export class PauseLog {
  readonly #options: PauseLogOptions;
  readonly #pauses: { beat: number; pause: Pause }[] = [];
  #watch: StackWatch | undefined;
  #early: { readonly beat: number; readonly stack: BlockedStack } | undefined;
  #failure: string | undefined;
  #count = 0;
  #totalMs = 0;
  #lastPauseAt = 0;
  #closed = false;

  constructor(options: PauseLogOptions) {
    this.#options = options;
    this.#failure = options.reason;
    if (options.mode === "on") this.#arm();
  }

  /** Pauses so far. */
  get count(): number {
    return this.#count;
  }

  /** What they took at least, all together. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** The last ones, at most 50, the newest first. */
  recent(): Pause[] {
    return this.#pauses.map(({ pause }) => pause).reverse();
  }

  get stacks(): StackState {
    const { watcher, mode } = this.#options;
    const method = this.#failure === undefined ? watcher?.method ?? "none" : "none";
    return { method, mode, watching: this.#watch !== undefined, reason: this.#failure };
  }

  /** The loop has come round; `now` is monotonic. */
  beat(beat: number, now: number): void {
    this.#watch?.beat(beat);
    if (this.#watch && this.#options.mode === "after-pause" && now - this.#lastPauseAt >= QUIET_MS) {
      this.#disarm();
    }
  }

  /** The loop has come round late, `beat` having been the last time; before the next beat is told. */
  record(beat: number, now: number, pause: Pause): void {
    const early = this.#early?.beat === beat ? this.#early.stack : undefined;
    this.#early = undefined;
    const recorded = early ? { ...pause, stack: early } : pause;
    this.#count++;
    this.#totalMs += pause.blockedMs;
    this.#lastPauseAt = now;
    this.#pauses.push({ beat, pause: recorded });
    if (this.#pauses.length > KEPT) this.#pauses.shift();
    this.#options.onPause(recorded, true);
    if (this.#watch) this.#watch.paused(beat, pause.blockedMs);
    else if (this.#options.mode === "after-pause") this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #arm(): void {
    const { watcher, intervalMs, pauseMs } = this.#options;
    if (watcher === undefined || this.#failure !== undefined || this.#closed) return;
    try {
      this.#watch = watcher.watch({
        intervalMs,
        pauseMs,
        onStack: (beat, stack) => this.#attach(beat, stack),
        onFailure: (reason) => {
          this.#failure = reason;
          this.#watch = undefined;
        },
      });
    } catch (error) {
      this.#failure = errorMessage(error);
    }
  }

  #disarm(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#early = undefined;
  }

  /** A stack may come before its pause is told, or after. */
  #attach(beat: number, stack: BlockedStack): void {
    const found = this.#pauses.findLast((each) => each.beat === beat);
    if (found === undefined) {
      this.#early = { beat, stack };
      return;
    }
    found.pause = { ...found.pause, stack };
    this.#options.onPause(found.pause, false);
  }
}
