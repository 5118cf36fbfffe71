/**
 * What a process does at its signals.
 *
 * @module
 */

import type { PlatformProcesses, ProcessSignal } from "../platform/process_port.ts";

/** Who is told of signals. */
export interface SignalListener {
  /** The first SIGTERM or SIGINT. */
  end(signal: ProcessSignal): void;
  /** A further one: whoever sends it does not want to wait. */
  endNow(): void;
  /** SIGHUP. */
  hangUp(): void;
}

const NUMBERS: Readonly<Record<ProcessSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Minds the signals of this process; the second to end it ends it at once, with the code that a shell gives for it. Returns what leaves them alone again. */
export function mindSignals(processes: PlatformProcesses, listener: SignalListener): () => void {
  let isEnding = false;
  const end = (signal: ProcessSignal) => () => {
    if (!isEnding) {
      isEnding = true;
      return listener.end(signal);
    }
    try {
      listener.endNow();
    } finally {
      processes.exit(128 + NUMBERS[signal]);
    }
  };
  const undo = [
    processes.onSignal("SIGTERM", end("SIGTERM")),
    processes.onSignal("SIGINT", end("SIGINT")),
    processes.onSignal("SIGHUP", () => listener.hangUp()),
  ];
  return () => {
    for (const each of undo.splice(0)) each();
  };
}
