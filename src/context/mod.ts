/**
 * Contexts: name, configuration, statistics, log, locals and deadline of the work that is going on, found
 * without being passed along.
 *
 * @example A deadline that everything below a request can see
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, currentContext } from "@ballast/runtime/context";
 *
 * const service = createContext({ name: "shop" });
 * const request = service.child({ deadlineMs: 2_000 });
 * const work = () => currentContext()?.signal.throwIfAborted();
 * request.run(work);
 * request.close();
 * assert.throws(() => request.run(work), /the context "shop" is closed/);
 * service.close();
 * ```
 *
 * @module
 */

export { createContext } from "./context.ts";
export type { ChildOptions, Context, ContextKey, ContextOptions } from "./context.ts";
export { currentContext, synchronousStorage } from "./propagation.ts";
export { contexts } from "./registry.ts";
export type { Contexts } from "./registry.ts";
export { withWaitUntil } from "./wait_until.ts";
export type { ContextStorage, WaitUntil } from "../platform/port.ts";
