/**
 * Contexts: name, configuration, statistics, log, locals, trace and deadline of the work that is going on, found
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

// Contexts, and the one that is running
export { createContext } from "./context.ts";
export type { ChildOptions, Context, ContextOptions } from "./context.ts";
export type { Signalled } from "./lifetime.ts";
export { contexts } from "./registry.ts";
export type { Contexts } from "./registry.ts";
export { currentContext, synchronousStorage } from "./propagation.ts";
export { currentSignal, currentTrace, withDeadline } from "./current.ts";
export { withWaitUntil } from "./wait_until.ts";
export type { ContextStorage, WaitUntil } from "../platform/port.ts";

// What they hold: locals, configuration, recent things
export { createKey } from "./key.ts";
export type { AnyKey, ContextKey, Key, KeyCodec, KeyOptions, Local, Locals } from "./key.ts";
export { defineConfig } from "./config.ts";
export type { Config, ConfigEntry, ConfigSources, Schema, Setting } from "./config.ts";
export type { SettingSource, SettingType, ValueOf, ValuesOf } from "./config.ts";
export { createRecent } from "./recent.ts";
export type { Recent, RecentEntry, RecentRingOptions, RecentSnapshot } from "./recent.ts";
export type { Rings } from "./rings.ts";

// From one service to the next
export { createRequestContexts, requestMethod, requestRoute } from "./requests.ts";
export type {
  HandlerContext,
  RequestContextOptions,
  RequestContexts,
  RequestMiddleware,
} from "./requests.ts";
export { DEADLINE_HEADER, extract, inject } from "./headers.ts";
export type { HeaderOptions, InjectOptions, ReadableHeaders, WritableHeaders } from "./headers.ts";
export { formatTraceparent, parseTraceparent } from "./trace.ts";
export type { RemoteSpan, Trace } from "./trace.ts";

// For pages
export type { ContextSnapshot, LocalSnapshot, RecentThing, RingSnapshot, TaskSnapshot } from "./snapshot.ts";
