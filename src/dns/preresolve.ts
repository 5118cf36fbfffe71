/**
 * Warming up: many names, a few at a time, and what came of each.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { errorMessage, show } from "../errors.ts";

/** What came of warming up. */
export interface PreresolveReport {
  /** Names that resolve. */
  readonly resolved: readonly string[];
  /** Names that do not, and why. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  /** How long it took. */
  readonly tookMs: number;
}

/** Names resolved at a time. */
const WIDTH = 16;

/**
 * Has every name warmed up, each once. A name that fails is in the report, and stops nothing.
 *
 * @throws {TypeError} when `wanted` is no array
 */
export async function preresolve(
  wanted: readonly string[],
  warmUp: (name: string) => Promise<void>,
  clock: Clock,
): Promise<PreresolveReport> {
  if (!Array.isArray(wanted)) throw new TypeError(`names must be an array, got ${show(wanted)}`);
  const startedAt = clock.monotonic();
  const names = [...new Set(wanted)];
  const failures = new Map<string, string>();
  // One iterator for all: each takes the next name.
  const queue = names.values();
  const worker = async () => {
    for (const name of queue) await warmUp(name).catch((error) => failures.set(name, errorMessage(error)));
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, names.length) }, worker));
  return {
    resolved: names.filter((name) => !failures.has(name)),
    failed: [...failures].map(([name, reason]) => ({ name: String(name), reason })),
    tookMs: clock.monotonic() - startedAt,
  };
}
