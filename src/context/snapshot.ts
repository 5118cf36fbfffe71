/**
 * What is open and set in a tree of contexts, as plain JSON.
 *
 * @module
 */

import type { Cell } from "../report.ts";
import type { ConfigEntry } from "./config.ts";
import { type AnyKey, keyName } from "./key.ts";
import type { LiveContext, Tree } from "./live_context.ts";
import type { RecentSnapshot } from "./recent.ts";
import { contexts } from "./registry.ts";

/** A local: its name, and its value if its key allows that to be shown. */
export interface LocalSnapshot {
  /** What its key is called. */
  readonly name: string;
  /** Its value, if that may be shown. */
  readonly value?: string | number | boolean;
}

/** An open child that has a label. */
export interface TaskSnapshot {
  /** What it is for. */
  readonly label: string;
  /** How long it has been open. */
  readonly ageMs: number;
  /** How long it may be, still; undefined for ever. */
  readonly remainingMs?: number;
  /** Its trace, if anybody has asked for it. */
  readonly traceId?: string;
  /** Open children of its own. */
  readonly children: number;
  /** Its own locals. */
  readonly locals: readonly LocalSnapshot[];
}

/** One recent thing, as far as it may be shown. */
export interface RecentThing {
  /** When it was added, milliseconds since the epoch. */
  readonly at: number;
  /** What it was kept under. */
  readonly key: string;
  /** What is shown of it. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** A recent ring. */
export interface RingSnapshot extends RecentSnapshot {
  /** What it is called. */
  readonly name: string;
  /** The newest things in it; at most 50. */
  readonly latest: readonly RecentThing[];
}

/** What is open and set in a tree of contexts. */
export interface ContextSnapshot {
  /** What the tree is called in the registry. */
  readonly name: string;
  /** All contexts of the registry, by name. */
  readonly registry: readonly { readonly name: string; readonly children: number; readonly made: number }[];
  /** Children that are open, at any depth. Those that were dropped without being closed are among them. */
  readonly open: number;
  /** Children made so far. */
  readonly made: number;
  /** Open children that have a deadline of their own. */
  readonly deadlines: number;
  /** Open children that have a label, the oldest first; at most 100. */
  readonly tasks: readonly TaskSnapshot[];
  /** Open children that have a label. */
  readonly tasksOpen: number;
  /** What is set, and where from. */
  readonly config: readonly ConfigEntry[];
  /** The locals that all children inherit. */
  readonly locals: readonly LocalSnapshot[];
  /** What was kept of late. */
  readonly recent: readonly RingSnapshot[];
}

const MAX_TASKS = 100;
const MAX_THINGS = 50;

/** Takes the snapshot of a tree. */
export function takeSnapshot(root: LiveContext, tree: Tree): ContextSnapshot {
  const { counts, tasks, config, recent } = tree;
  return {
    name: tree.name,
    registry: [...contexts].map((context) => ({ name: context.name, ...countsOf(context as LiveContext) })),
    open: counts.made - counts.closed,
    made: counts.made,
    deadlines: counts.deadlines,
    tasks: take(tasks, MAX_TASKS).map(taskSnapshot),
    tasksOpen: tasks.size,
    config: config.listing,
    locals: localSnapshots(root.locals),
    recent: [...recent.all].map(([name, ring]) => ({
      name,
      ...ring.snapshot(),
      latest: ring.latest(MAX_THINGS).map(({ at, key, value }) => ({ at, key, cells: ring.cells(value) })),
    })),
  };
}

function countsOf(context: LiveContext): { children: number; made: number } {
  return { children: context.children, made: context.made };
}

function taskSnapshot(task: LiveContext): TaskSnapshot {
  const { label, ageMs, remainingMs, knownTrace, children, locals } = task;
  return {
    label: label!,
    ageMs,
    remainingMs: remainingMs === Infinity ? undefined : remainingMs,
    traceId: knownTrace?.traceId,
    children,
    locals: localSnapshots(locals),
  };
}

function localSnapshots(locals: ReadonlyMap<AnyKey, unknown>): LocalSnapshot[] {
  return [...locals].map(([key, value]) => {
    const shown = typeof key === "object" && key.shown && isPlain(value);
    return shown ? { name: keyName(key), value } : { name: keyName(key) };
  });
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function take<T>(all: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const one of all) {
    if (taken.length === most) break;
    taken.push(one);
  }
  return taken;
}
