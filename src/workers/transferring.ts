/**
 * Results that are handed over instead of copied.
 *
 * @module
 */

import type { Transfer } from "../platform/port.ts";

const transfers = new WeakMap<object, readonly Transfer[]>();

/**
 * Returns `value`, to be returned by a task: what is listed of it (buffers, ports, streams) is handed over instead of
 * copied. Where the task runs inline nothing is.
 *
 * @example A buffer that costs nothing to return
 * ```ts
 * import assert from "node:assert/strict";
 * import { transferring } from "@ballast/runtime/workers";
 *
 * const thumbnail = (size: number) => {
 *   const pixels = new Uint8Array(size * size * 4);
 *   return transferring({ pixels }, [pixels.buffer]);
 * };
 * assert.equal(thumbnail(2).pixels.length, 16);
 * ```
 * @throws {TypeError} when the value is no object
 */
export function transferring<T extends object>(value: T, list: readonly Transfer[]): T {
  transfers.set(value, list);
  return value;
}

/** Adds what is to be handed over of `value`, if anything is. */
export function takeTransfers(value: object, into: Transfer[]): void {
  const list = transfers.get(value);
  if (list !== undefined) into.push(...list);
}
