/** How a set of listeners comes to rest. */

import type { Clock } from "../clock.ts";
import type { Platform } from "../platform/port.ts";
import type { Listener } from "./listener.ts";
import type { DrainReport } from "./options.ts";

/** How a drain is made. */
export interface DrainOptions {
  /** After this, what is left is cut. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly platform: Pick<Platform, "nextPoll" | "nextTurn">;
  /** Is told of every connection that has gone. Returns what unsubscribes. */
  readonly onLeft: (listener: () => void) => () => void;
}

/** Turns of the event loop in which what the kernel has accepted already is taken in. */
const LAST_TURNS = 4;

/** Stops accepting, waits for what is under way, and cuts what is left in the end. */
export async function drainListeners(
  listeners: readonly Listener[],
  options: DrainOptions,
): Promise<DrainReport> {
  const { timeoutMs, clock, platform, onLeft } = options;
  const startedAt = clock.monotonic();
  const sum = (read: (listener: Listener) => number) =>
    listeners.reduce((total, listener) => total + read(listener), 0);
  const before = sum(({ counts }) => counts.requests);
  // Closing a listener resets what is in its kernel queue.
  const arrivals = () => sum(({ counts }) => counts.accepted);
  for (let turn = 0; turn < LAST_TURNS; turn++) {
    await (platform.nextPoll?.(arrivals, () => false) ?? platform.nextTurn());
  }
  await Promise.all(listeners.map((listener) => listener.stop()));
  // A request that was sent already is found before its connection counts as idle.
  await (platform.nextPoll?.(arrivals, () => false) ?? platform.nextTurn());
  for (const listener of listeners) listener.wind();
  await emptied(() => sum(({ size }) => size) === 0, timeoutMs, clock, onLeft);

  const cut: Record<string, number> = {};
  const finished = sum(({ counts }) => counts.requests) - before;
  for (const listener of listeners) {
    const count = listener.cut();
    if (count > 0) cut[listener.id.name] = count;
  }
  return { finished, cut, tookMs: clock.monotonic() - startedAt };
}

function emptied(
  isEmpty: () => boolean,
  timeoutMs: number,
  clock: Clock,
  onLeft: DrainOptions["onLeft"],
): Promise<void> {
  return new Promise((resolve) => {
    if (isEmpty()) return resolve();
    const settle = () => {
      timer.cancel();
      unsubscribe();
      resolve();
    };
    const timer = clock.schedule(timeoutMs, settle, { keepAlive: true });
    const unsubscribe = onLeft(() => {
      if (isEmpty()) settle();
    });
  });
}
