/**
 * The contexts of this process, by name.
 *
 * @module
 */

import type { Context } from "./context.ts";

/** The open contexts of a process. */
export interface Contexts extends Iterable<Context> {
  /** The context of this name, or undefined. */
  get(name: string): Context | undefined;
  /** The names, in the order in which their contexts were made. */
  names(): string[];
}

const open = new Map<string, Context>();

/**
 * The contexts that were made and are not closed; children are not among them.
 *
 * @example See what is there
 * ```ts
 * import assert from "node:assert/strict";
 * import { contexts, createContext } from "@ballast/runtime/context";
 *
 * const context = createContext({ name: "billing" });
 * assert.equal(contexts.get("billing"), context);
 * context.close();
 * assert.equal(contexts.get("billing"), undefined);
 * ```
 */
export const contexts: Contexts = {
  get: (name) => open.get(name),
  names: () => [...open.keys()],
  [Symbol.iterator]: () => [...open.values()][Symbol.iterator](),
};

/** `name`, or `name-2`, `name-3`...: the first that no open context has. */
export function freeName(name: string): string {
  let free = name;
  for (let number = 2; open.has(free); number++) free = `${name}-${number}`;
  return free;
}

/** Puts a context in under its name. Returns what takes it out again. */
export function register(context: Context): () => void {
  open.set(context.name, context);
  return () => void open.delete(context.name);
}
