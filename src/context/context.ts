/**
 * Contexts: the explicit home of what is otherwise global.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { show } from "../errors.ts";
import { createLog, type Log } from "../log/mod.ts";
import type { ContextStorage } from "../platform/port.ts";
import type { Reporter } from "../report.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import { type Config, isConfig, plainConfig } from "./config.ts";
import { type ContextKey, type Key, type Locals, localsMap } from "./key.ts";
import type { Signalled } from "./lifetime.ts";
import { LiveContext } from "./live_context.ts";
import { OpenTasks } from "./open_tasks.ts";
import { sharedStorage, useStorage } from "./propagation.ts";
import { freeName, register } from "./registry.ts";
import { createRings, type Rings } from "./rings.ts";
import type { ContextSnapshot } from "./snapshot.ts";
import { checkRatio, type RemoteSpan, type Trace } from "./trace.ts";

/** How a context is made. */
export interface ContextOptions {
  /**
   * What it is found by. Where an open context has that name already, a number is added: the second "shop" is
   * "shop-2". So two runtimes of one name may live in one process, and a context that was left open hurts
   * nobody.
   */
  readonly name: string;
  /**
   * Settings, for whoever runs within it: of `defineConfig`, with a listing of where each is from; or any record,
   * which is copied and frozen, and whose values are never shown.
   *
   * @default {}
   */
  readonly config?: Config<object> | Readonly<Record<string, unknown>>;
  /** Locals to begin with. @default none */
  readonly locals?: Locals;
  /** Where things are counted. @default a registry of its own */
  readonly stats?: Stats;
  /** Where things are logged. @default a log of its own, timing into `stats` */
  readonly log?: Log;
  /** What deadlines go by. @default the machine's clock */
  readonly clock?: Clock;
  /** Which share of the traces that begin here is marked as sampled. @default 1 */
  readonly sampleRatio?: number;
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
  readonly locals?: Locals;
  /** The work elsewhere that it is done for, as `extract` reads it. @default it is a part of the parent's work */
  readonly trace?: RemoteSpan;
  /** Ends when this does: a `Request`, whose client may leave. It is asked for its signal only when the child is. @default nothing */
  readonly until?: Signalled;
  /** What it is for; those that have one are listed by name while they are open. @default none */
  readonly label?: string;
}

/** Name, configuration, statistics, log, locals, trace and a deadline: what code runs within. */
export interface Context extends Disposable, Reporter {
  /** What it is found by; a child has its parent's. */
  readonly name: string;
  /** What it is for; undefined unless it was given. */
  readonly label: string | undefined;
  /** What it is a child of; undefined for one of the registry. */
  readonly parent: Context | undefined;
  /** Settings; a child has its parent's. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where things are counted; a child counts with its parent. */
  readonly stats: Stats;
  /** Where things are logged; a child logs with its parent. */
  readonly log: Log;
  /** The last few things of each kind, by name of the ring: `context.recent("slow calls").add(key, call)`. A child's are its parent's. */
  readonly recent: Rings;
  /**
   * Where it stands in its trace: the same for as long as it lives, and made when first asked for. Each child is a span of its own.
   * Undefined for a context of the registry: traces begin with its children.
   */
  readonly trace: Trace | undefined;
  /** When it ends, as its clock's `monotonic()` counts; undefined for never. */
  readonly deadline: number | undefined;
  /** Milliseconds until then: 0 when it has ended, Infinity for never. */
  readonly remainingMs: number;
  /**
   * Aborts with a `BallastError`: of code `TIMEOUT` at the deadline, its own or an ancestor's, of code
   * `CLOSED` when it or an ancestor is closed; or with the reason of `until`. It does not keep the process alive.
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
  /**
   * Runs `fn` within a child that has `deadlineMs`, and closes that. At the deadline the promise rejects with its `TIMEOUT`, whether or not
   * `fn` minds the child's signal; nobody waits for it any longer. The process is kept alive until then.
   *
   * @throws {RangeError} when `deadlineMs` is negative or NaN
   */
  withDeadline<R>(deadlineMs: number, fn: (context: Context) => R | PromiseLike<R>): Promise<R>;
  /** A local, of this context or the nearest ancestor that has it; else the key's default. */
  get<T>(key: Key<T>): T;
  /** A local under a text or symbol, of this context or the nearest ancestor that has it. */
  get<T = unknown>(key: ContextKey): T | undefined;
  /** Sets a local of this context; its ancestors keep theirs. */
  set<T>(key: Key<T>, value: T): void;
  /** Sets a local under a text or symbol. */
  set(key: ContextKey, value: unknown): void;
  /** What is open and set in the tree it belongs to, as plain JSON; no value that may not be shown. */
  snapshot(): ContextSnapshot;
  /** Ends it and all its children: signals abort, and the name is free again. Safe to call twice. */
  close(): void;
}

/**
 * Makes a context and registers it under its name.
 *
 * @throws {TypeError} when the name is no text, or an empty one
 */
export function createContext(options: ContextOptions): Context {
  const { clock = systemClock, storage, config = {} } = options;
  const sampleRatio = checkRatio("sampleRatio", options.sampleRatio ?? 1);
  const name = freeName(checkContextName(options.name));
  const stats = options.stats ?? createStats({ clock });
  const log = options.log ?? createLog({ stats, clock, sampling: false });
  const release = storage && useStorage(storage);
  const context = new LiveContext({
    name,
    config: isConfig(config) ? config : plainConfig(config as Readonly<Record<string, unknown>>),
    stats,
    log,
    clock,
    sampleRatio,
    storage: storage ?? sharedStorage(),
    recent: createRings(clock),
    tasks: new OpenTasks(),
    counts: { made: 0, closed: 0, deadlines: 0 },
    onClose: () => {
      unregister();
      release?.();
    },
  }, { locals: localsMap(options.locals) });
  const unregister = register(context);
  return context;
}

function checkContextName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(`name must be a text of at least one character, got ${show(name)}`);
}
