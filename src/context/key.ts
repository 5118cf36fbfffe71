/**
 * Keys of locals that know the type of what is stored under them.
 *
 * @module
 */

import { show } from "../errors.ts";

/** What a local may be stored under besides a {@linkcode Key}. A symbol cannot clash with anybody else's. */
export type ContextKey = string | symbol;

/** What a local is stored under, and the type of it. Two keys of one name are two keys. */
export interface Key<T> {
  /** What it is called, on pages and in texts. */
  readonly name: string;
  /** What is read where nobody has set it. */
  readonly default: T;
  /** Whether pages may show its value: nothing is shown that was not allowed to be. */
  readonly shown: boolean;
  /** A local to begin a context with: `child({ locals: [tenant.of("blue")] })`. */
  of(value: T): Local;
}

/** A local to begin with; made by `key.of(value)`. */
export type Local = readonly [key: AnyKey, value: unknown];

/** Any key: typed, text or symbol. */
// deno-lint-ignore no-explicit-any -- a key of any type: Key<T> is invariant
export type AnyKey = ContextKey | Key<any>;

/** Locals to begin with: typed ones as a list, others by name. */
export type Locals = Readonly<Record<ContextKey, unknown>> | Iterable<Local>;

/** How a key is made. */
export interface KeyOptions {
  /** Whether pages may show its value. @default false */
  readonly shown?: boolean;
}

/**
 * Makes a key.
 *
 * @example A tenant, and a number of retries that is 3 unless it is set
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, createKey } from "@ballast/runtime/context";
 *
 * const tenant = createKey<string>("tenant", { shown: true });
 * const retries = createKey("retries", { default: 3 });
 * const service = createContext({ name: "shop" });
 * const request = service.child({ locals: [tenant.of("blue")] });
 * const name: string | undefined = request.get(tenant);
 * const times: number = request.get(retries);
 * assert.deepEqual([name, times, service.get(tenant)], ["blue", 3, undefined]);
 * service.close();
 * ```
 * @throws {TypeError} when the name is no text, or an empty one
 */
export function createKey<T>(name: string, options: KeyOptions & { readonly default: T }): Key<T>;
/** Makes a key that has no default: what nobody set is undefined. */
export function createKey<T>(name: string, options?: KeyOptions): Key<T | undefined>;
export function createKey<T>(
  name: string,
  options: KeyOptions & { readonly default?: T } = {},
): Key<unknown> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`a key's name must be a text of at least one character, got ${show(name)}`);
  }
  const key: Key<unknown> = Object.freeze({
    name,
    default: options.default,
    shown: options.shown ?? false,
    of: (value: unknown): Local => [key, value],
  });
  return key;
}

/** What a key is called. */
export function keyName(key: AnyKey): string {
  if (typeof key === "string") return key;
  return typeof key === "symbol" ? key.description ?? "symbol" : key.name;
}

/** The locals of a list or a record, as a map; undefined for none. */
export function localsMap(locals: Locals | undefined): Map<AnyKey, unknown> | undefined {
  if (locals === undefined) return undefined;
  if (Symbol.iterator in locals) return new Map(locals as Iterable<Local>);
  const map = new Map<AnyKey, unknown>();
  for (const key of Reflect.ownKeys(locals)) map.set(key, locals[key]);
  return map;
}
