/**
 * What is wrong with the logging itself.
 *
 * @module
 */

import type { Finding } from "../report.ts";
import { durationText } from "./duration.ts";
import type { LogSnapshot } from "./log_snapshot.ts";
import { type OutletState, SLOW_MS } from "./outlet.ts";

/** What is wrong, by the counts of a log. */
export function logFindings(snapshot: LogSnapshot, outlet: OutletState): Finding[] {
  const { loggerErrors, dropped, inFlight, slowWrites, statsErrors, ambientErrors, refused } = snapshot;
  return [
    ...loggerErrors > 0 ? [throwingLogger(loggerErrors)] : [],
    ...dropped > 0 ? [hangingLogger(dropped, inFlight)] : [],
    ...slowWrites > 0 ? [blockingLogger(slowWrites, outlet.longestMs)] : [],
    ...statsErrors > 0 ? [untimedTransactions(statsErrors)] : [],
    ...ambientErrors > 0 ? [failingAmbient(ambientErrors)] : [],
    ...refused > 0 ? [refusedRecords(refused)] : [],
  ];
}

function throwingLogger(times: number): Finding {
  return {
    id: "logger-throws",
    severity: "warning",
    title: "The logger throws",
    evidence: `${times} records could not be handed on; they are in memory alone.`,
    likelyCause: "The logger that was given to the log, or one of its handlers, fails.",
    remedy: "Write to that logger directly to see its error.",
  };
}

function hangingLogger(dropped: number, inFlight: number): Finding {
  return {
    id: "logger-hangs",
    severity: "warning",
    title: "The logger does not keep up",
    evidence: `${dropped} records were not handed on; ${inFlight} writes have not settled.`,
    likelyCause: "The sink waits for something slow or gone, a disk or a collector, without a time limit.",
    remedy: "Give its writes a time limit, or let it take batches; raise the levels of talkative categories.",
  };
}

function blockingLogger(times: number, longestMs: number): Finding {
  return {
    id: "logger-blocks",
    severity: "warning",
    title: "The logger blocks the event loop",
    evidence: `${times} of the writes timed (one in 16) took ${SLOW_MS} ms or more, the longest ${
      durationText(longestMs)
    }; nothing else runs meanwhile.`,
    likelyCause: "The sink writes synchronously to a slow disk, or to a terminal or pipe that nobody reads.",
    remedy: "Use a sink that buffers and writes in the background; raise the levels of talkative categories.",
  };
}

function untimedTransactions(times: number): Finding {
  return {
    id: "transactions-not-timed",
    severity: "warning",
    title: "Some transactions are not timed",
    evidence: `${times} durations could not be counted.`,
    likelyCause:
      "An event has the name of a metric of another kind, or a field that cannot be a label is named as one.",
    remedy: "Give the event a name of its own, and labels names of letters, digits and underscores.",
  };
}

function failingAmbient(times: number): Finding {
  return {
    id: "ambient-fields-fail",
    severity: "warning",
    title: "Records lack the fields of their flow",
    evidence: `${times} times the function given as "ambient" threw.`,
    likelyCause: "It reads something that is not there outside of a request.",
    remedy: "Let it return undefined where there is nothing to say.",
  };
}

function refusedRecords(times: number): Finding {
  return {
    id: "records-refused",
    severity: "info",
    title: "Records from elsewhere were refused",
    evidence: `${times} things given to ingest() were no records.`,
    likelyCause: "A worker or child process runs another version, or something else writes to its channel.",
    remedy: "Bring all processes to one version.",
  };
}
