/**
 * What is wrong with a pool, from what, and what helps.
 *
 * @module
 */

import type { Finding } from "../report.ts";
import type { FunctionSnapshot, PoolSnapshot } from "./snapshot.ts";

/** A call that runs longer than this is worth a look. */
const LONG_MS = 30_000;
/** This share of a function's results has to be slow to copy before it counts against the function. */
const SLOW_CLONES = 0.05;
/** A queue this full is about to refuse calls. */
const NEARLY_FULL = 0.8;

/** The findings of one pool. */
export function poolFindings(pool: PoolSnapshot): Finding[] {
  return [
    ...lossFindings(pool),
    ...abandonedFindings(pool),
    ...queueFindings(pool),
    ...runningFindings(pool),
    ...pool.functions.flatMap((fn) => functionFindings(pool, fn)),
  ];
}

function lossFindings(
  { name, recentLosses, brakedForMs, totals, functions, size, workers }: PoolSnapshot,
): Finding[] {
  if (recentLosses === 0) return [];
  const lost = functions.filter(({ counts }) => counts.lost > 0).map(({ name, counts }) =>
    `${name}() ${counts.lost}`
  );
  const critical = brakedForMs > 0 && workers.length < size;
  return [{
    id: `workers-${name}-lost`,
    severity: critical ? "critical" : "warning",
    title: `Workers of the pool "${name}" are being lost${
      brakedForMs > 0 ? ", and new ones are held back" : ""
    }`,
    evidence: `${recentLosses} within 30 s; so far ${totals.crashed} crashed, ${totals.exited} exited, ` +
      `${totals.silent} fell silent, ${totals.startFailures} could not be started` +
      `${lost.length > 0 ? `; calls lost: ${lost.join(", ")}` : ""}.`,
    likelyCause:
      "A task throws where nobody catches it (a timer, a promise nobody awaits), exits, or needs more memory " +
      "than its heap may have; or a task's module cannot be loaded.",
    remedy:
      "Read the log of this pool for the error. Calls that had not begun are run by other workers; mark tasks that " +
      "may run twice as idempotent.",
  }];
}

function abandonedFindings({ name, abandoned }: PoolSnapshot): Finding[] {
  if (abandoned === 0) return [];
  return [{
    id: `workers-${name}-abandoned`,
    severity: "critical",
    title: `${abandoned} ended worker${
      abandoned === 1 ? "" : "s"
    } of the pool "${name}" may still be computing`,
    evidence: `${abandoned} threads were ended in the middle of a call, and have not been heard to stop.`,
    likelyCause:
      "A call loops for ever, or for very long: this runtime cannot stop a thread that computes without a pause.",
    remedy:
      "Mend the function, or have it look at a deadline now and then. Until this process is restarted each of those " +
      "threads takes a processor; when there are too many no more workers are started.",
  }];
}

function queueFindings({ name, waiting, maxQueue, functions, size }: PoolSnapshot): Finding[] {
  const refused = functions.reduce((sum, { counts }) => sum + counts.rejected, 0);
  const isFull = waiting >= NEARLY_FULL * maxQueue;
  if (!isFull && refused === 0) return [];
  return [{
    id: `workers-${name}-queue`,
    severity: isFull ? "critical" : "info",
    title: isFull ? `The queue of the pool "${name}" is nearly full` : `The pool "${name}" has refused calls`,
    evidence: `${waiting} of ${maxQueue} calls wait; ${refused} were refused so far.`,
    likelyCause: "More is asked for than the workers can do, or single calls take very long.",
    remedy:
      `Shed load earlier, give the pool more than ${size} workers if there are processors for them, or make the ` +
      "calls smaller.",
  }];
}

function runningFindings({ name, workers }: PoolSnapshot): Finding[] {
  return workers.filter(({ runningForMs = 0 }) => runningForMs > LONG_MS).map((worker) => ({
    id: `workers-${name}-long-${worker.id}`,
    severity: "warning",
    title: `${worker.running}() has been running for ${Math.round(worker.runningForMs! / 1_000)} s`,
    evidence: `Worker ${worker.id} of the pool "${name}", ${worker.handed - 1} calls behind it.`,
    likelyCause: "It loops for ever, waits for something that does not come, or simply has much to do.",
    remedy:
      "Give the function a timeoutMs, or its callers a signal: the call is ended then, and the worker replaced.",
  }));
}

function functionFindings({ name: pool }: PoolSnapshot, fn: FunctionSnapshot): Finding[] {
  const { name, counts, slowestCloneMs, slowCloneMs } = fn;
  // A machine with too much to do makes some copies slow whatever they are of.
  if (counts.slowClones === 0 || counts.slowClones < SLOW_CLONES * counts.succeeded) return [];
  return [{
    id: `workers-${pool}-clone-${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`,
    severity: "warning",
    title: `Results of ${name}() block the main thread about ${
      Math.round(slowestCloneMs)
    } ms while they are copied`,
    evidence:
      `${counts.slowClones} results took ${Math.round(slowCloneMs)} ms to copy in the worker, the slowest ` +
      `${Math.round(slowestCloneMs)} ms; reading the copy takes about as long in the main thread.`,
    likelyCause: "It returns large objects.",
    remedy:
      `Have ${name}() return a summary, or buffers by transferring(): they are handed over, not copied.`,
  }];
}
