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
  /** Whether its value goes along with calls to workers, where the key of the same name has it. */
  readonly travels: boolean;
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

/** How a value is made plain data, and that a value again. One that cannot be does not travel. */
export interface KeyCodec<T> {
  /** What is sent in place of a value: something that structured clone copies. */
  encode(value: T): unknown;
  /** The value that was sent. */
  decode(data: unknown): T;
}

/** How a key is made. */
export interface KeyOptions<T = unknown> {
  /** Whether pages may show its value. @default false */
  readonly shown?: boolean;
  /**
   * Whether its value goes along with calls to workers: copied by structured clone, or by a codec. There it is found under the key of this
   * name, which the same module makes; so a process has one travelling key of a name.
   *
   * @default false
   */
  readonly travels?: boolean | KeyCodec<T>;
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
 * @throws {TypeError} when the name is no text, or an empty one; or the key travels, and another one of the name does
 */
export function createKey<T>(name: string, options: KeyOptions<T> & { readonly default: T }): Key<T>;
/** Makes a key that has no default: what nobody set is undefined. */
export function createKey<T>(name: string, options?: KeyOptions<T>): Key<T | undefined>;
export function createKey<T>(
  name: string,
  options: KeyOptions<T> & { readonly default?: T } = {},
): Key<unknown> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`a key's name must be a text of at least one character, got ${show(name)}`);
  }
  const { shown = false, travels = false } = options;
  if (travels !== false && travelling.has(name)) {
    throw new TypeError(`another key ${show(name)} travels: keys that do need names of their own`);
  }
  const key: Key<unknown> = Object.freeze({
    name,
    default: options.default,
    shown,
    travels: travels !== false,
    of: (value: unknown): Local => [key, value],
  });
  if (travels !== false) travelling.set(name, { key, codec: travels === true ? PLAIN : travels });
  return key;
}

/** A key that travels, and how. */
export interface Traveller {
  /** The key, as it is here. */
  readonly key: Key<unknown>;
  /** Into plain data and back. */
  readonly codec: KeyCodec<unknown>;
}

const PLAIN: KeyCodec<unknown> = { encode: (value) => value, decode: (data) => data };
const travelling = new Map<string, Traveller>();

/** The keys that travel, by name. */
export function travellers(): ReadonlyMap<string, Traveller> {
  return travelling;
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
