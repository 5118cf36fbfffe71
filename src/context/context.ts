/**
 * Contexts: the explicit home of what is otherwise global.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { show } from "../errors.ts";
import { createLog, type Log } from "../log/mod.ts";
import type { ContextStorage } from "../platform/port.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import { LiveContext } from "./live_context.ts";
import { sharedStorage, useStorage } from "./propagation.ts";
import { freeName, register } from "./registry.ts";

/** What a local is stored under. A symbol cannot clash with anybody else's. */
export type ContextKey = string | symbol;

/** How a context is made. */
export interface ContextOptions {
  /**
   * What it is found by. Where an open context has that name already, a number is added: the second "shop" is
   * "shop-2". So two runtimes of one name may live in one process, and a context that was left open hurts
   * nobody.
   */
  readonly name: string;
  /** Settings, for whoever runs within it; copied and frozen. @default {} */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Locals to begin with. @default none */
  readonly locals?: Readonly<Record<ContextKey, unknown>>;
  /** Where things are counted. @default a registry of its own */
  readonly stats?: Stats;
  /** Where things are logged. @default a log of its own, timing into `stats` */
  readonly log?: Log;
  /** What deadlines go by. @default the machine's clock */
  readonly clock?: Clock;
  /**
   * What carries the running context along: an `AsyncLocalStorage`, or what is shaped like it. Once the
   * context is closed, code that still runs within it is no longer told so by `currentContext()`.
   *
   * @default the platform's, one for all contexts of the process; where it has none, `synchronousStorage()`
   */
  readonly storage?: ContextStorage<unknown>;
}

/** How a child is made. */
export interface ChildOptions {
  /** Milliseconds from now; the parent's deadline holds if it is earlier. @default the parent's */
  readonly deadlineMs?: number;
  /** Locals of its own; all others are read from the parent. @default none */
  readonly locals?: Readonly<Record<ContextKey, unknown>>;
}

/** Name, configuration, statistics, log, locals and a deadline: what code runs within. */
export interface Context extends Disposable {
  /** What it is found by; a child has its parent's. */
  readonly name: string;
  /** Settings; a child has its parent's. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where things are counted; a child counts with its parent. */
  readonly stats: Stats;
  /** Where things are logged; a child logs with its parent. */
  readonly log: Log;
  /** When it ends, as its clock's `monotonic()` counts; undefined for never. */
  readonly deadline: number | undefined;
  /**
   * Aborts with a `BallastError`: of code `TIMEOUT` at the deadline, its own or an ancestor's, of code
   * `CLOSED` when it or an ancestor is closed. It does not keep the process alive.
   */
  readonly signal: AbortSignal;
  /**
   * Calls `fn` within: there, and in all it calls or awaits, `currentContext()` is this one. Returns what
   * `fn` does.
   */
  run<R>(fn: () => R): R;
  /**
   * A context for a part of the work: a request, a task. Close it when the work is done.
   *
   * @example A request with two seconds, and the tenant it is for
   * ```ts
   * import assert from "node:assert/strict";
   * import { createContext, currentContext } from "@ballast/runtime/context";
   *
   * const service = createContext({ name: "shop", locals: { region: "eu" } });
   * const request = service.child({ deadlineMs: 2_000, locals: { tenant: "blue" } });
   * const seen = await request.run(async () => {
   *   await Promise.resolve();
   *   return ["region", "tenant"].map((key) => currentContext()?.get(key));
   * });
   * assert.deepEqual(seen, ["eu", "blue"]);
   * request.close();
   * assert.ok(request.signal.aborted);
   * service.close();
   * ```
   * @throws {RangeError} when `deadlineMs` is negative or NaN
   */
  child(options?: ChildOptions): Context;
  /** A local, of this context or the nearest ancestor that has it. */
  get<T = unknown>(key: ContextKey): T | undefined;
  /** Sets a local of this context; its ancestors keep theirs. */
  set(key: ContextKey, value: unknown): void;
  /** Ends it and all its children: signals abort, and the name is free again. Safe to call twice. */
  close(): void;
}

/**
 * Makes a context and registers it under its name.
 *
 * @throws {TypeError} when the name is no text, or an empty one
 */
export function createContext(options: ContextOptions): Context {
  const { clock = systemClock, storage } = options;
  const name = freeName(checkContextName(options.name));
  const stats = options.stats ?? createStats({ clock });
  const log = options.log ?? createLog({ stats, clock, sampling: false });
  const release = storage && useStorage(storage);
  const context = new LiveContext({
    name,
    config: Object.freeze({ ...options.config }),
    stats,
    log,
    clock,
    storage: storage ?? sharedStorage(),
    locals: options.locals,
    onClose: () => {
      unregister();
      release?.();
    },
  });
  const unregister = register(context);
  return context;
}

function checkContextName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(`name must be a text of at least one character, got ${show(name)}`);
}
