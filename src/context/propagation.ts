/**
 * Which context is running: the one whose `run` was entered last on this flow of calls.
 *
 * @module
 */

import { detectPlatform } from "../platform/detect.ts";
import type { ContextStorage } from "../platform/port.ts";
import type { Context } from "./context.ts";

/** That a context was entered. Entries are numbered in the order in which they are made. */
class Entered {
  readonly context: Context;
  readonly number: number;

  constructor(context: Context, number: number) {
    this.context = context;
    this.number = number;
  }
}

let entries = 0;
let shared: ContextStorage<unknown> | undefined;
/** Storages that contexts were given, and by how many open ones each is in use. */
const given = new Map<ContextStorage<unknown>, number>();

/**
 * The storage of all contexts that are given none: the platform's, or one for synchronous calls where it has
 * none.
 */
export function sharedStorage(): ContextStorage<unknown> {
  return shared ??= detectPlatform().createStorage<unknown>() ?? synchronousStorage();
}

/** Has {@linkcode currentContext} look into `storage`, too. Returns what ends that. */
export function useStorage(storage: ContextStorage<unknown>): () => void {
  given.set(storage, (given.get(storage) ?? 0) + 1);
  return () => {
    const users = given.get(storage)! - 1;
    if (users > 0) given.set(storage, users);
    else given.delete(storage);
  };
}

/** Calls `fn` with `context` as the running one. */
export function runWith<R>(storage: ContextStorage<unknown>, context: Context, fn: () => R): R {
  return storage.run(new Entered(context, ++entries), fn);
}

/**
 * The context that is running: that of the innermost `context.run(...)` around this call, across `await`
 * where the platform follows it. Undefined outside of any.
 *
 * @example Find it where nobody passed it
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, currentContext } from "@ballast/runtime/context";
 *
 * const context = createContext({ name: "shop", locals: { tenant: "blue" } });
 * const tenant = () => currentContext()?.get("tenant");
 * assert.equal(context.run(tenant), "blue");
 * assert.equal(tenant(), undefined);
 * context.close();
 * ```
 */
export function currentContext(): Context | undefined {
  const entered = sharedStorage().getStore();
  let innermost = entered instanceof Entered ? entered : undefined;
  // Flows nest: of several storages, the one entered last holds the innermost.
  if (given.size === 0) return innermost?.context;
  for (const storage of given.keys()) {
    const entered = storage.getStore();
    if (entered instanceof Entered && entered.number > (innermost?.number ?? 0)) innermost = entered;
  }
  return innermost?.context;
}

/** What is left where nothing follows asynchronous calls: up to the first `await`, and no further. */
export function synchronousStorage<T>(): ContextStorage<T> {
  let current: T | undefined;
  return {
    getStore: () => current,
    run(store, fn) {
      const outer = current;
      current = store;
      try {
        return fn();
      } finally {
        current = outer;
      }
    },
  };
}
