/**
 * Who waits for a lookup. It is for all of them, and not for longer than the last of them.
 *
 * @module
 */

import { abortable } from "../signal.ts";

/** A lookup under way, as those who wait for it share it. */
export interface Shared {
  /** Aborts when it is given up; undefined for one that goes on whoever leaves. */
  readonly signal: AbortSignal | undefined;
  /** How many wait for it. */
  waiting: number;
  /** Ends it: nobody waits any longer. */
  giveUp(): void;
}

/** Makes one that nobody waits for yet. Without `onGivenUp` it goes on whoever leaves. */
export function createShared(onGivenUp?: () => void): Shared {
  const controller = onGivenUp && new AbortController();
  return {
    signal: controller?.signal,
    waiting: 0,
    giveUp() {
      onGivenUp?.();
      controller?.abort();
    },
  };
}

/** Waits for `landed`, which comes of `lookups`; a signal that aborts first ends those that nobody else waits for. */
export async function shareWith(
  lookups: readonly Shared[],
  landed: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const lookup of lookups) lookup.waiting++;
  try {
    await abortable(landed, signal);
    for (const lookup of lookups) lookup.waiting--;
  } catch (error) {
    for (const lookup of lookups) if (--lookup.waiting === 0) lookup.giveUp();
    throw error;
  }
}
