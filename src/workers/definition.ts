/**
 * The functions that may run elsewhere, by module and name: in the main thread what is dispatched, in a worker what is
 * called.
 *
 * @module
 */

import { show } from "../errors.ts";
import type { Priority } from "../overload/mod.ts";
import { detectPlatform } from "../platform/detect.ts";

/** The parts of `import.meta` that are needed. */
export interface ModuleMeta {
  /** Where the module is, for a worker to import it from. */
  readonly url: string;
  /** Whether the program was started with it, where the runtime says so. */
  readonly main?: boolean;
}

/** Which pool runs a function. */
export type PoolKind = "cpu" | "io";

/** How a function is run, whoever calls it. */
export interface TaskOptions<A extends unknown[] = unknown[]> {
  /**
   * How long a call may run, counted from its start: after that it fails with a `BallastError` of code `TIMEOUT`, and its
   * worker is replaced.
   *
   * @default no limit but the context's deadline
   */
  readonly timeoutMs?: number;
  /** How much its calls matter: what matters more leaves the queue first, and is the last to be refused. @default "normal" */
  readonly priority?: Priority;
  /**
   * Whether a call may run twice: then one whose worker is lost runs again, at most twice, instead of failing with
   * `WorkerLostError`.
   *
   * @default false
   */
  readonly idempotent?: boolean;
  /** The size of a call, in whatever counts it, for the statistics. @default not recorded */
  readonly size?: (...args: A) => number;
}

/** A function that may run elsewhere. */
export interface Definition {
  readonly url: string;
  readonly name: string;
  readonly kind: PoolKind;
  // deno-lint-ignore no-explicit-any -- of any function
  readonly fn: (...args: any[]) => unknown;
  // deno-lint-ignore no-explicit-any -- of any function
  readonly options: TaskOptions<any>;
}

const definitions = new Map<string, Definition>();
/** Which exports are definitions: a task has to be found under its own name. */
const wrappers = new WeakMap<object, Definition>();

/**
 * Adds a function under its module and name.
 *
 * @throws {TypeError} when the module or the name is no good, or the name is taken
 */
export function define(definition: Definition, meta: ModuleMeta, isWorker: boolean): void {
  const { url, name } = definition;
  if (!isWorker) checkNotEntry(url, name, meta.main);
  const key = keyOf(url, name);
  if (definitions.has(key)) {
    throw new TypeError(
      `the task ${
        show(name)
      } is defined twice in ${url}: define each task once, at the top level of its module`,
    );
  }
  definitions.set(key, definition);
}

/** Notes what is exported for a definition. */
export function noteWrapper(wrapper: object, definition: Definition): void {
  wrappers.set(wrapper, definition);
}

/** Checks what `cpuBound` and its kin are given. */
export function checkDefinition(meta: ModuleMeta, name: string, fn: unknown): void {
  if (typeof meta?.url !== "string" || meta.url === "") {
    throw new TypeError(`the first argument must be import.meta of the task's module, got ${show(meta)}`);
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`a task's name must be the name it is exported under, got ${show(name)}`);
  }
  if (typeof fn !== "function") {
    throw new TypeError(`the task ${show(name)} must be a function, got ${show(fn)}`);
  }
}

function checkNotEntry(url: string, name: string, main: boolean | undefined): void {
  const isEntry = main ?? detectPlatform().workers?.entry() === url;
  if (!isEntry) return;
  throw new TypeError(
    `the task ${
      show(name)
    } is defined in the program's entry module, ${url}, and a worker would start the program ` +
      "again: put tasks into a module of their own and import it; a bundle needs an entry of its own for them",
  );
}

/**
 * For a worker: loads the module of a task and finds it there.
 *
 * @throws {TypeError} when the module has no such task, or does not export it under its name
 */
export async function findTask(url: string, name: string): Promise<Definition> {
  const module: Record<string, unknown> = await import(url);
  const definition = definitions.get(keyOf(url, name));
  if (definition === undefined) {
    throw new TypeError(
      `${url} defines no task ${
        show(name)
      } when a worker loads it: call cpuBound() or ioBound() at the top level of ` +
        `the module, as in: export const ${name} = cpuBound(import.meta, ${show(name)}, ...)`,
    );
  }
  const exported = module[name];
  if (typeof exported === "function" && wrappers.get(exported) === definition) return definition;
  const other = Object.keys(module).find((key) => {
    const value = module[key];
    return typeof value === "function" && wrappers.get(value) === definition;
  });
  throw new TypeError(
    other === undefined
      ? `the task ${show(name)} of ${url} is not exported: write export const ${name} = ...`
      : `the task ${show(name)} of ${url} is exported as ${
        show(other)
      }: give it the name it is exported under`,
  );
}

function keyOf(url: string, name: string): string {
  return `${url}\n${name}`;
}
