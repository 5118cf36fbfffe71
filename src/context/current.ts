/**
 * What the running context has, for those who were not passed one.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import type { Context } from "./context.ts";
import { currentContext } from "./propagation.ts";
import type { Trace } from "./trace.ts";

/** The trace of the running context; undefined outside of any, and in a service's own. */
export function currentTrace(): Trace | undefined {
  return currentContext()?.trace;
}

/** The signal of the running context; undefined outside of any. */
export function currentSignal(): AbortSignal | undefined {
  return currentContext()?.signal;
}

/**
 * Runs `fn` within a child of the running context that has `deadlineMs`: see `context.withDeadline`.
 *
 * @example Give a part of a request 20 ms
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, withDeadline } from "@ballast/runtime/context";
 *
 * const service = createContext({ name: "shop" });
 * await assert.rejects(
 *   service.run(() => withDeadline(20, () => new Promise(() => {}))),
 *   { code: "TIMEOUT" },
 * );
 * service.close();
 * ```
 * @throws {BallastError} `NO_CONTEXT` outside of any: use `context.withDeadline` there
 */
export async function withDeadline<R>(
  deadlineMs: number,
  fn: (context: Context) => R | PromiseLike<R>,
): Promise<R> {
  const context = currentContext();
  if (context !== undefined) return await context.withDeadline(deadlineMs, fn);
  const message = "withDeadline() was called outside of any context: call it within context.run(), or " +
    "context.withDeadline()";
  throw new BallastError("NO_CONTEXT", message);
}
