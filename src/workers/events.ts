import type { LossReason } from "./errors.ts";

/** What happens in a pool, for programs. Workers are told by their number. */
export type WorkerEvent =
  /** A worker is ready for calls. */
  | { readonly type: "started"; readonly pool: string; readonly worker: number; readonly tookMs: number }
  /** A worker could not be started. */
  | { readonly type: "startFailed"; readonly pool: string; readonly module: string; readonly message: string }
  /** A worker is gone that should not be; calls that had begun and were not answered are lost. */
  | {
    readonly type: "lost";
    readonly pool: string;
    readonly worker: number;
    readonly reason: LossReason;
    readonly message: string;
    /** The function that ran, if one did. */
    readonly function: string | undefined;
    readonly callsLost: number;
  }
  /** A worker was replaced by a new one before it could hurt. */
  | {
    readonly type: "recycled";
    readonly pool: string;
    readonly worker: number;
    readonly why: "tasks" | "age" | "heap" | "asked";
  }
  /** A worker had nothing to do, and was ended. */
  | { readonly type: "retired"; readonly pool: string; readonly worker: number }
  /** Workers were lost so often that the next one is not started at once. */
  | { readonly type: "braked"; readonly pool: string; readonly forMs: number }
  /** A result took long to copy, here as in the worker. */
  | { readonly type: "slowClone"; readonly pool: string; readonly function: string; readonly tookMs: number };
