/**
 * What a context is inside. Children are made for every request: what is not asked for is not made.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/mod.ts";
import type { ContextStorage } from "../platform/port.ts";
import type { Report } from "../report.ts";
import { checkNumber } from "../errors.ts";
import { abortable } from "../signal.ts";
import type { Stats } from "../stats/mod.ts";
import type { Config } from "./config.ts";
import type { ChildOptions, Context } from "./context.ts";
import { type AnyKey, type ContextKey, type Key, localsMap } from "./key.ts";
import { Lifetime, type Signalled } from "./lifetime.ts";
import type { Listed, OpenTasks } from "./open_tasks.ts";
import { runWith } from "./propagation.ts";
import { contextReport } from "./report.ts";
import type { Rings } from "./rings.ts";
import { type ContextSnapshot, takeSnapshot } from "./snapshot.ts";
import { continueTrace, type RemoteSpan, startTrace, type Trace } from "./trace.ts";

/** What a whole tree of contexts has in common. */
export interface Tree {
  readonly name: string;
  readonly config: Config;
  readonly stats: Stats;
  readonly log: Log;
  readonly clock: Clock;
  readonly sampleRatio: number;
  readonly storage: ContextStorage<unknown>;
  readonly recent: Rings;
  /** Open children that have a label, in the order in which they were made. */
  readonly tasks: OpenTasks<LiveContext>;
  /** Children made, children closed, and open ones that have a deadline of their own. */
  readonly counts: { made: number; closed: number; deadlines: number };
  /** Called when the context of the registry is closed, once. */
  readonly onClose: () => void;
}

/** What one context of a tree has of its own. It may be an object of a class, which is kept: one object for each request, not five. */
export interface Own {
  readonly locals?: Map<AnyKey, unknown> | undefined;
  readonly deadlineMs?: number | undefined;
  readonly trace?: RemoteSpan | undefined;
  readonly until?: Signalled | undefined;
  readonly keepAlive?: boolean | undefined;
  /** What it is for: a function where the text is asked for more rarely than made. */
  readonly label?: string | (() => string) | undefined;
  /** Locals that are worked out when they are asked for; undefined for those it has not. */
  derive?(key: AnyKey): unknown;
}

/** Labelled children listed at most: beyond them they are counted only, since somebody does not close them. */
const MAX_TASKS = 10_000;

/** A context, or the child of one. */
export class LiveContext implements Context, Listed<LiveContext> {
  readonly parent: LiveContext | undefined;
  readonly deadline: number | undefined;
  /** When it was made, as the clock's `monotonic()` counts; read for those that have a label or a deadline. */
  readonly startedAt: number | undefined;
  before: LiveContext | undefined = undefined;
  after: LiveContext | undefined = undefined;
  readonly #tree: Tree;
  readonly #own: Own;
  /** Made when somebody asks for a signal: most contexts live and end without. */
  #lifetime: Lifetime | undefined = undefined;
  #locals: Map<AnyKey, unknown> | undefined;
  #trace: Trace | undefined = undefined;
  #closed = false;
  #children = 0;

  constructor(tree: Tree, own: Own, parent?: LiveContext) {
    const { deadlineMs } = own;
    const labelled = own.label !== undefined;
    const startedAt = labelled || deadlineMs !== undefined ? tree.clock.monotonic() : undefined;
    this.#tree = tree;
    this.#own = own;
    this.parent = parent;
    this.startedAt = startedAt;
    this.deadline = deadlineMs === undefined
      ? parent?.deadline
      : earliest(parent?.deadline, startedAt! + checkNumber("deadlineMs", deadlineMs));
    this.#locals = own.locals;
    if (parent === undefined) return;
    const { counts, tasks } = tree;
    parent.#children++;
    counts.made++;
    if (deadlineMs !== undefined) counts.deadlines++;
    if (labelled && tasks.size < MAX_TASKS) tasks.add(this);
  }

  get name(): string {
    return this.#tree.name;
  }

  get label(): string | undefined {
    const { label } = this.#own;
    return typeof label === "function" ? label.call(this.#own) : label;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#tree.config.values;
  }

  get stats(): Stats {
    return this.#tree.stats;
  }

  get log(): Log {
    return this.#tree.log;
  }

  get recent(): Rings {
    return this.#tree.recent;
  }

  get remainingMs(): number {
    if (this.#lifetime !== undefined) return this.#lifetime.remainingMs;
    if (this.#closed) return 0;
    return this.deadline === undefined ? Infinity : Math.max(0, this.deadline - this.#tree.clock.monotonic());
  }

  get signal(): AbortSignal {
    return this.#life().signal;
  }

  get trace(): Trace | undefined {
    return this.#trace ??= this.#makeTrace();
  }

  /** The trace, if somebody has asked for it. */
  get knownTrace(): Trace | undefined {
    return this.#trace;
  }

  /** Children made of it and not closed. */
  get children(): number {
    return this.#children;
  }

  /** Children made in its tree so far. */
  get made(): number {
    return this.#tree.counts.made;
  }

  /** How long it has been open; 0 for one that has neither label nor deadline. */
  get ageMs(): number {
    return this.startedAt === undefined ? 0 : this.#tree.clock.monotonic() - this.startedAt;
  }

  /** Whether somebody holds its signal, and would hear of its end. */
  get watched(): boolean {
    return this.#lifetime?.watched ?? false;
  }

  /** Its own locals, by key. */
  get locals(): ReadonlyMap<AnyKey, unknown> {
    return this.#locals ?? new Map();
  }

  run<R>(fn: () => R): R {
    return runWith(this.#tree.storage, this, fn);
  }

  child({ locals, ...options }: ChildOptions = {}): LiveContext {
    return this.open({ ...options, locals: localsMap(locals) });
  }

  /** A child, as the parts of this folder make one. */
  open(own: Own): LiveContext {
    return new LiveContext(this.#tree, own, this);
  }

  async withDeadline<R>(deadlineMs: number, fn: (context: Context) => R | PromiseLike<R>): Promise<R> {
    const child = this.open({ deadlineMs, keepAlive: true });
    try {
      const { signal } = child;
      signal.throwIfAborted();
      return await abortable(Promise.resolve(child.run(() => fn(child))), signal);
    } finally {
      child.close();
    }
  }

  get<T>(key: Key<T>): T;
  get<T = unknown>(key: ContextKey): T | undefined;
  get(key: AnyKey): unknown {
    // deno-lint-ignore no-this-alias -- a walk up the tree that begins here
    let context: LiveContext | undefined = this;
    for (; context !== undefined; context = context.parent) {
      if (context.#locals?.has(key)) return context.#locals.get(key);
      const derived = context.#own.derive?.(key);
      if (derived !== undefined) return derived;
    }
    return typeof key === "object" ? key.default : undefined;
  }

  set(key: AnyKey, value: unknown): void {
    (this.#locals ??= new Map()).set(key, value);
  }

  snapshot(): ContextSnapshot {
    return takeSnapshot(this.#root(), this.#tree);
  }

  report(): Report {
    return contextReport(this.snapshot());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lifetime?.close();
    const { counts, tasks, onClose } = this.#tree;
    if (this.parent === undefined) return onClose();
    this.parent.#children--;
    counts.closed++;
    if (this.#own.deadlineMs !== undefined) counts.deadlines--;
    if (this.#own.label !== undefined) tasks.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #life(): Lifetime {
    if (this.#lifetime !== undefined) return this.#lifetime;
    const { clock, name } = this.#tree;
    const { deadlineMs, until, keepAlive } = this.#own;
    const parent = this.parent === undefined ? undefined : this.parent.#life();
    this.#lifetime = new Lifetime({
      clock,
      name,
      deadline: this.deadline,
      deadlineMs,
      until,
      keepAlive,
      parent,
    });
    if (this.#closed) this.#lifetime.close();
    return this.#lifetime;
  }

  #root(): LiveContext {
    return this.parent === undefined ? this : this.parent.#root();
  }

  #makeTrace(): Trace | undefined {
    if (this.#own.trace !== undefined) return continueTrace(this.#own.trace);
    if (this.parent === undefined) return undefined;
    const cause = this.parent.trace;
    return cause === undefined ? startTrace(this.#tree.sampleRatio) : continueTrace(cause);
  }
}

function earliest(inherited: number | undefined, own: number): number | undefined {
  const deadline = inherited === undefined ? own : Math.min(own, inherited);
  return deadline === Infinity ? undefined : deadline;
}
