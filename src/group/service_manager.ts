/**
 * Word to the service manager: that the service is ready, alive, reloading or ending. Where there is none, nothing happens.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { PlatformProcesses } from "../platform/process_port.ts";

/** Tells the service manager. */
export interface ServiceManager {
  /** Requests are answered; the watchdog is told so from now on. */
  ready(): void;
  /** The service ends. */
  stopping(): void;
  /** No more is said. */
  close(): void;
}

/** Makes who tells it. `isWell` is asked before each word to the watchdog. */
export function createServiceManager(
  { notify, notifyEveryMs }: PlatformProcesses,
  clock: Clock,
  isWell: () => boolean,
): ServiceManager {
  let timer: Timer | undefined;

  function watch(everyMs: number): void {
    timer = clock.schedule(everyMs, () => {
      if (isWell()) notify?.("WATCHDOG=1");
      watch(everyMs);
    });
  }

  return {
    ready() {
      notify?.("READY=1");
      if (notify !== undefined && notifyEveryMs !== undefined) watch(notifyEveryMs);
    },
    stopping: () => notify?.("STOPPING=1"),
    close: () => timer?.cancel(),
  };
}
