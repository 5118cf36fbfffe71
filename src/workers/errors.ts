/**
 * The errors that callers of a pool catch.
 *
 * @module
 */

import { BallastError, type BallastErrorOptions } from "../errors.ts";

/** The queue of a pool is full: the call was refused, and has not run. */
export class QueueFullError extends BallastError {
  /** Made by a pool. */
  constructor(message: string, options: BallastErrorOptions = {}) {
    super("QUEUE_FULL", message, { retryable: true, ...options });
  }
}

/** How a worker was lost. */
export type LossReason =
  /** By an error that nobody caught, an unhandled rejection, or a heap that hit its limit. */
  | "crashed"
  /** By `process.exit()`, `Deno.exit()` or `self.close()`. */
  | "exited"
  /** It gave no sign of life for `silenceMs`. */
  | "silent"
  /** It was ended because of another call that it ran: one that was aborted or took too long. */
  | "replaced";

/**
 * The worker was lost while it ran the call, or before the result was delivered: the call may have done its work, or a part
 * of it. Calls that had not begun are never told so: they go to another worker. Nor are those marked `idempotent`.
 */
export class WorkerLostError extends BallastError {
  /** How the worker was lost. */
  readonly reason: LossReason;

  /** Made by a pool. */
  constructor(reason: LossReason, message: string, options: BallastErrorOptions = {}) {
    super("WORKER_LOST", message, options);
    this.reason = reason;
  }
}

/** A worker could not be started: its module cannot be loaded, or never came to rest. */
export class WorkerStartError extends BallastError {
  /** The module that the worker was to run. */
  readonly url: string;

  /** Made by a pool. */
  constructor(url: string, message: string, options: BallastErrorOptions = {}) {
    super("WORKER_START_FAILED", message, options);
    this.url = url;
  }
}
