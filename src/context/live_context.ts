/**
 * What a context is inside.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/mod.ts";
import type { ContextStorage } from "../platform/port.ts";
import type { Stats } from "../stats/mod.ts";
import type { ChildOptions, Context, ContextKey } from "./context.ts";
import { Lifetime } from "./lifetime.ts";
import { runWith } from "./propagation.ts";

/** What a context is made of, its defaults filled in. */
export interface LiveOptions {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly stats: Stats;
  readonly log: Log;
  readonly clock: Clock;
  readonly storage: ContextStorage<unknown>;
  readonly locals?: Readonly<Record<ContextKey, unknown>>;
  readonly parent?: LiveContext;
  readonly deadlineMs?: number;
  /** Called when it is closed, once. */
  readonly onClose?: () => void;
}

/** A context, or the child of one. */
export class LiveContext implements Context {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly stats: Stats;
  readonly log: Log;
  readonly #options: LiveOptions;
  readonly #locals = new Map<ContextKey, unknown>();
  readonly #lifetime: Lifetime;

  constructor(options: LiveOptions) {
    const { name, config, stats, log, clock, parent, deadlineMs, locals = {} } = options;
    this.name = name;
    this.config = config;
    this.stats = stats;
    this.log = log;
    this.#options = options;
    this.#lifetime = new Lifetime({
      clock,
      deadlineMs,
      what: `the context "${name}"`,
      parent: parent && parent.#lifetime,
    });
    for (const key of Reflect.ownKeys(locals)) this.#locals.set(key, locals[key]);
  }

  get deadline(): number | undefined {
    return this.#lifetime.deadline;
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  run<R>(fn: () => R): R {
    return runWith(this.#options.storage, this, fn);
  }

  child({ deadlineMs, locals }: ChildOptions = {}): Context {
    return new LiveContext({ ...this.#options, deadlineMs, locals, parent: this, onClose: undefined });
  }

  get<T = unknown>(key: ContextKey): T | undefined {
    if (this.#locals.has(key)) return this.#locals.get(key) as T;
    return this.#options.parent?.get(key);
  }

  set(key: ContextKey, value: unknown): void {
    this.#locals.set(key, value);
  }

  close(): void {
    if (this.#lifetime.ended) return;
    this.#lifetime.end();
    this.#options.onClose?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
