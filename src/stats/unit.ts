/**
 * What values count.
 *
 * @module
 */

import { show } from "../errors.ts";

/** What a metric's values count: milliseconds, bytes, or things (`"1"`, as in UCUM). */
export type Unit = "ms" | "bytes" | "1";

/** Every unit there is. */
export const UNITS: readonly Unit[] = ["ms", "bytes", "1"];

/**
 * Returns `unit` when it is one.
 *
 * @throws {TypeError} when it is none
 */
export function checkUnit(unit: unknown): Unit {
  if (unit === "ms" || unit === "bytes" || unit === "1") return unit;
  throw new TypeError(`unit must be "ms", "bytes" or "1", got ${show(unit)}`);
}
