/**
 * How much it matters that something is done.
 *
 * @module
 */

import { show } from "../errors.ts";

/**
 * How much it matters that something is done: `critical` is the last to be refused, `sheddable` the first.
 */
export type Priority = "critical" | "normal" | "sheddable";

/** The most important first. */
export const PRIORITIES: readonly Priority[] = ["critical", "normal", "sheddable"];

/** Whether somebody's text is a priority. */
export function isPriority(value: unknown): value is Priority {
  return PRIORITIES.includes(value as Priority);
}

/** Where a priority stands: 0 for the most important. */
export function rankOf(priority: Priority): number {
  const rank = PRIORITIES.indexOf(priority);
  if (rank >= 0) return rank;
  throw new TypeError(`priority must be one of ${PRIORITIES.join(", ")}, got ${show(priority)}`);
}
