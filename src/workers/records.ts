/**
 * In a worker: what is counted and logged there, on its way to the main thread.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { currentTrace } from "../context/mod.ts";
import { createLog, type Log, type LogRecord } from "../log/mod.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import type { Notice } from "./protocol.ts";
import { StatsPeriod } from "./stats_period.ts";

/** Records that wait to be told; the oldest go when there are more. */
const MAX_LOGS = 256;
/** Records that the worker itself remembers. */
const CAPACITY = 64;

/** Statistics and log of a worker. */
export interface Recorder {
  readonly stats: Stats;
  readonly log: Log;
  /** What there is to tell; undefined for nothing. */
  take(): Extract<Notice, { type: "records" }> | undefined;
}

function traceFields(): { readonly traceId: string; readonly spanId: string } | undefined {
  const trace = currentTrace();
  return trace && { traceId: trace.traceId, spanId: trace.spanId };
}

/** Makes them. */
export function createRecorder(clock: Clock, category: readonly string[]): Recorder {
  const stats = createStats({ clock });
  let logs: LogRecord[] = [];
  let lost = 0;
  const period = new StatsPeriod(stats);

  // Timed here and told with the statistics: the main thread does not time them once more.
  const log = createLog({ category, stats, clock, capacity: CAPACITY, ambient: traceFields });
  log.events.subscribe(({ record }) => {
    if (logs.length >= MAX_LOGS) {
      logs.shift();
      lost++;
    }
    logs.push(record);
  });

  return {
    stats,
    log,
    take() {
      const metrics = period.take();
      if (metrics.length === 0 && logs.length === 0 && lost === 0) return undefined;
      const notice = { type: "records", metrics, logs, lost } as const;
      logs = [];
      lost = 0;
      return notice;
    },
  };
}
