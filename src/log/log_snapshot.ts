/**
 * A log at one moment.
 *
 * @module
 */

import type { Core } from "./core.ts";
import type { Level, LogRecord } from "./record.ts";

/** A log at one moment: plain JSON. */
export interface LogSnapshot {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** Records so far that their level let through, by level: those that were suppressed, too. */
  readonly totals: Readonly<Record<Level, number>>;
  /** Of them, those that repeated others, and were counted and not kept. */
  readonly suppressed: number;
  /** Secrets taken out: values, and texts with secrets in them. */
  readonly redacted: number;
  /** Times the logger threw, or rejected: those records are in memory alone. */
  readonly loggerErrors: number;
  /** Records not handed on, since a thousand writes of the logger were under way. */
  readonly dropped: number;
  /** Writes of the logger under way. */
  readonly inFlight: number;
  /** Of the writes timed, one in 16, those that held the thread for 50 ms or more. */
  readonly slowWrites: number;
  /** Times a transaction could not be timed, its event being the name of some other metric. */
  readonly statsErrors: number;
  /** Times `ambient` threw: those records lack its fields. */
  readonly ambientErrors: number;
  /** Records from elsewhere that were none, and were not taken in. */
  readonly refused: number;
  /** Records in memory, those of level "warn" and above counted twice, and about the bytes they take. */
  readonly memory: { readonly records: number; readonly bytes: number };
  /** The last 100 records, the newest first. */
  readonly recent: readonly LogRecord[];
}

/** Takes a snapshot. */
export function logSnapshot(core: Core): LogSnapshot {
  const { outlet, sampler, redactor, journal } = core.parts;
  return {
    at: core.clock.now(),
    totals: { ...core.totals },
    suppressed: sampler.suppressed,
    redacted: redactor.redacted,
    loggerErrors: outlet.errors,
    dropped: outlet.dropped,
    inFlight: outlet.inFlight,
    slowWrites: outlet.slow,
    statsErrors: core.statsErrors,
    ambientErrors: core.ambientErrors,
    refused: core.refused,
    memory: { records: journal.length, bytes: journal.bytes },
    recent: journal.recent(),
  };
}
