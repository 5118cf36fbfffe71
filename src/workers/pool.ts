/**
 * A pool: a bounded queue, and workers that take from it.
 *
 * @module
 */

import { OverloadError } from "../overload/errors.ts";
import type { Priority, QueueRefusal } from "../overload/mod.ts";
import { rankOf } from "../overload/priority.ts";
import { currentContext } from "../context/mod.ts";
import { BallastError, checkNumber } from "../errors.ts";
import { createEvents } from "../events.ts";
import { unknownAction } from "../report.ts";
import { Accounts } from "./accounts.ts";
import { AbortGroups } from "./abort_groups.ts";
import { pack } from "./carry.ts";
import { Crew } from "./crew.ts";
import type { Definition } from "./definition.ts";
import { QueueFullError } from "./errors.ts";
import type { WorkerEvent } from "./events.ts";
import { runInline } from "./inline.ts";
import { settings, type WorkerPoolOptions } from "./options.ts";
import { PoolFunction } from "./pool_function.ts";
import { LIST_LENGTH, type Notice } from "./protocol.ts";
import { TaskQueue } from "./queue.ts";
import { poolReport } from "./report.ts";
import { type PoolSnapshot, snapshotPool } from "./snapshot.ts";
import { mergePeriod } from "./stats_period.ts";
import { Task, type TaskOutcome } from "./task.ts";
import type { Thread } from "./thread.ts";
import { decodeError, type WireError } from "./wire_error.ts";
import { acceptBy, type CallOptions, type CloseOptions, type WorkerPool } from "./worker_pool.ts";

/** A call that is lost while it runs is run again so often, if it may be. */
const MAX_LOSSES = 2;
const GRACE_MS = 500;

/**
 * Makes a pool of its own. Most programs need none: `createRuntime()` has a pool of each kind.
 *
 * @example A pool that contains the memory of its workers
 * ```ts
 * import assert from "node:assert/strict";
 * import { createWorkerPool } from "@ballast/runtime/workers";
 *
 * await using pool = createWorkerPool({ kind: "cpu", size: 2, maxHeapBytes: 256 * 2 ** 20 });
 * assert.equal(pool.backend, "threads");
 * assert.deepEqual(pool.snapshot().workers, []); // none, as long as nobody calls
 * ```
 * @throws {BallastError} `UNSUPPORTED` when this runtime has no such workers
 */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const given = settings(options);
  const { name, kind, backend, maxQueue, waits, carry, clock, stats, log, workerLog } = given;
  const events = createEvents<WorkerEvent>();
  const queue = new TaskQueue(waits);
  const functions = new Map<Definition, PoolFunction>();
  const accounts = new Accounts();
  const groups = new AbortGroups<Task>(abort);
  let pumpDue = false;
  /** Calls made since workers were last given some. */
  let unpumped = 0;
  let turnTime: number | undefined;
  let closing: Promise<void> | undefined;
  let onDrained: (() => void) | undefined;
  const crew = new Crew(given, events, {
    nextUrl: () => queue.peek()?.fn.definition.url,
    get waiting() {
      return queue.size;
    },
    get closed() {
      return closing !== undefined;
    },
    pump,
    putBack,
    lose,
    startFailed(url, error) {
      for (const task of queue.all) {
        if (task.fn.definition.url !== url) continue;
        queue.forget(task);
        task.fail("failed", error);
      }
    },
    onAnswers,
    onNotice,
    onTimeout(task) {
      const { name } = task.fn.definition;
      const { timeoutMs } = task;
      abort(
        task,
        new BallastError("TIMEOUT", `${name}() ran longer than ${timeoutMs} ms`, {
          retryable: true,
          data: { timeoutMs },
        }),
      );
    },
  });

  function functionOf(definition: Definition): PoolFunction {
    let fn = functions.get(definition);
    if (fn === undefined) {
      fn = new PoolFunction(functions.size, name, definition, stats);
      functions.set(definition, fn);
    }
    return fn;
  }

  function submit(definition: Definition, args: readonly unknown[], call: CallOptions): Promise<unknown> {
    const fn = functionOf(definition);
    fn.counts.calls++;
    if (closing !== undefined) return refuse(fn, closedError());
    const context = currentContext();
    const { signal } = call;
    const contextSignal = context?.signal;
    const aborted = signal?.aborted ? signal : contextSignal?.aborted ? contextSignal : undefined;
    if (aborted !== undefined) {
      fn.counts[outcomeOf(aborted.reason)]++;
      return Promise.reject(aborted.reason);
    }
    fn.measure(args);
    if (backend === undefined) {
      return runInline(fn, args, { signal, contextSignal, clock, timeoutMs: call.timeoutMs });
    }
    const { timeoutMs = definition.options.timeoutMs, priority = definition.options.priority ?? "normal" } =
      call;
    if (timeoutMs !== undefined) checkNumber("timeoutMs", timeoutMs, { min: 0 });
    if (priority !== "normal") rankOf(priority);
    if (queue.size >= maxQueue && !makeRoom(priority)) return refuse(fn, queueFull(definition));
    if (context?.deadline !== undefined && queue.size > 0 && isTooLate(context.remainingMs)) {
      return refuse(fn, refusal(definition, { reason: "deadline", priority, waitedMs: 0 }));
    }
    const options = {
      fn,
      args,
      priority,
      timeoutMs,
      transfer: call.transfer?.length ? call.transfer : undefined,
      luggage: pack(context, carry),
      guarded: timeoutMs !== undefined || signal !== undefined || context?.deadline !== undefined,
      calledAt: turnTime ??= clock.monotonic(),
    };
    return new Promise((resolve, reject) => {
      const task = new Task(options, resolve, reject);
      if (signal !== undefined || contextSignal !== undefined) attach(task, signal, contextSignal);
      if (queue.size === 0) {
        const idle = crew.idle();
        if (idle !== undefined) {
          idle.handOver(task, options.calledAt);
          idle.flush(options.calledAt);
          crew.working();
          fn.depth.add(0);
          turnTime = undefined;
          return;
        }
      }
      fn.depth.add(queue.size);
      queue.push(task);
      if (++unpumped >= LIST_LENGTH) return pump();
      if (pumpDue) return;
      pumpDue = true;
      queueMicrotask(pump);
    });
  }

  /** Whether there is room for one more, once those that matter less, or the oldest under overload, have made it. */
  function makeRoom(priority: Priority): boolean {
    pump();
    if (queue.size < maxQueue) return true;
    const victim = queue.victim(priority);
    if (victim === undefined) return false;
    queue.forget(victim);
    victim.fail("rejected", queueFull(victim.fn.definition));
    return true;
  }

  /** Whether a call that has so long could not even begin by then. */
  function isTooLate(remainingMs: number): boolean {
    const ready = crew.threads.filter(({ state }) => state === "ready").length;
    return ready > 0 && queue.backlogMs / ready > remainingMs;
  }

  function refuseWaiting(task: Task, reason: QueueRefusal, now: number): void {
    const { fn: { definition }, priority, calledAt } = task;
    queue.forget(task);
    task.fail("rejected", refusal(definition, { reason, priority, waitedMs: now - calledAt }));
  }

  function refusal(
    { name: called }: Definition,
    refused: { readonly reason: QueueRefusal; readonly priority: Priority; readonly waitedMs: number },
  ): OverloadError {
    return new OverloadError(`the pool "${name}", asked for ${called}(),`, { admitted: false, ...refused });
  }

  function attach(task: Task, signal: AbortSignal | undefined, contextSignal: AbortSignal | undefined): void {
    if (signal !== undefined) groups.add(signal, task);
    if (contextSignal !== undefined) groups.add(contextSignal, task);
    task.release = () => {
      if (signal !== undefined) groups.remove(signal, task);
      if (contextSignal !== undefined) groups.remove(contextSignal, task);
    };
  }

  /** Hands over what the workers can take. What is called in one turn goes out in one list, or in a few if it is much. */
  function pump(): void {
    pumpDue = false;
    unpumped = 0;
    turnTime = undefined;
    if (queue.size === 0) return settled();
    const now = clock.monotonic();
    for (let task = queue.peek(); task !== undefined; task = queue.peek()) {
      const thread = crew.pick(task, now);
      if (thread === undefined) break;
      queue.shift(task);
      thread.handOver(task, now);
    }
    for (const thread of crew.threads) thread.flush(now);
    // That the first worker is still being started is no overload.
    if (waits !== undefined && crew.threads.some(({ state }) => state === "ready")) {
      queue.sweep(now, (task, reason) => refuseWaiting(task, reason, now));
    }
    crew.working();
    if (queue.size > 0) crew.staff(now);
  }

  function settled(): void {
    if (onDrained !== undefined && queue.size === 0 && crew.threads.every(({ count }) => count === 0)) {
      onDrained();
    }
  }

  function onAnswers(thread: Thread, values: readonly unknown[]): void {
    const now = clock.monotonic();
    for (let at = 0; at < values.length; at++) {
      const task = thread.shift();
      // It was taken back, could not be sent, or was aborted in the moment it ended.
      if (task === undefined || task.state !== "handed") continue;
      const tookMs = thread.micros / 1000;
      task.fn.learn(tookMs);
      accounts.note(task.fn, tookMs, Math.max(0, now - task.calledAt - tookMs));
      if (thread.threw) task.fail("failed", decodeError(values[at] as WireError));
      else task.succeed(values[at]);
    }
    thread.advance(now);
    crew.answered(thread, now);
    if (queue.size > 0) pump();
    else settled();
  }

  function onNotice(thread: Thread, notice: Notice): void {
    if (notice.type === "records") {
      mergePeriod(stats, notice.metrics, thread.levels);
      for (const record of notice.logs) workerLog.ingest(record, { worker: thread.id });
      if (notice.lost > 0) {
        log.warn("records of a worker were lost: there were too many", { lost: notice.lost });
      }
    } else if (notice.type === "clone") {
      const fn = [...functions.values()][notice.fn];
      if (fn === undefined) return;
      fn.counts.slowClones++;
      fn.slowCloneMs += notice.tookMs;
      fn.slowestCloneMs = Math.max(fn.slowestCloneMs, notice.tookMs);
      events.emit({ type: "slowClone", pool: name, function: fn.definition.name, tookMs: notice.tookMs });
    }
  }

  function putBack(tasks: readonly Task[]): void {
    const waiting = tasks.filter(({ state }) => state === "handed");
    for (const task of waiting) {
      task.state = "queued";
      task.thread = undefined;
    }
    queue.putBack(waiting);
  }

  function lose(task: Task, error: BallastError): void {
    if (task.fn.definition.options.idempotent && task.transfer === undefined && task.losses++ < MAX_LOSSES) {
      putBack([task]);
    } else task.fail("lost", error);
  }

  function abort(task: Task, reason: unknown): void {
    const outcome = outcomeOf(reason);
    if (task.state === "queued") {
      queue.forget(task);
      task.fail(outcome, reason);
    } else if (task.state === "handed") {
      const thread = task.thread!;
      const withdrawn = thread.withdraw(task);
      task.fail(outcome, reason);
      if (!withdrawn) crew.condemn(thread, task);
    }
    settled();
  }

  function refuse(fn: PoolFunction, error: BallastError): Promise<never> {
    fn.counts.rejected++;
    return Promise.reject(error);
  }

  function queueFull({ name: called }: Definition): QueueFullError {
    return new QueueFullError(
      `${called}() was refused: ${queue.size} calls wait for the pool "${name}" already (maxQueue)`,
      { data: { pool: name, waiting: queue.size, maxQueue } },
    );
  }

  function closedError(): BallastError {
    return new BallastError("CLOSED", `the worker pool "${name}" is closed`);
  }

  async function end(
    { finish = false, graceMs = finish ? Infinity : GRACE_MS }: CloseOptions,
  ): Promise<void> {
    checkNumber("graceMs", graceMs);
    if (!finish) cancel();
    if (queue.size > 0 || crew.threads.some(({ count }) => count > 0)) {
      pump();
      await drained(graceMs);
      cancel();
    }
    for (const task of await crew.end()) task.fail("cancelled", closedError());
    accounts.enter();
    for (const fn of functions.values()) fn.dispose();
    disposeStats();
    events.close();
  }

  /** Ends what has not begun. */
  function cancel(): void {
    for (const thread of crew.threads) {
      for (const task of thread.withdrawAll()) task.fail("cancelled", closedError());
    }
    for (const task of queue.all) {
      queue.forget(task);
      task.fail("cancelled", closedError());
    }
  }

  function drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = graceMs === Infinity ? undefined : clock.schedule(graceMs, resolve, { keepAlive: true });
      onDrained = () => {
        timer?.cancel();
        resolve();
      };
    });
  }

  function snapshot(): PoolSnapshot {
    accounts.enter();
    return snapshotPool({ settings: given, queue, crew, functions: [...functions.values()] });
  }

  const removers = [
    stats.observe(
      "workers.waiting",
      { kind: "gauge", labels: { pool: name }, help: "Calls that wait" },
      () => queue.size,
    ),
    stats.observe(
      "workers.alive",
      { kind: "gauge", labels: { pool: name }, help: "Workers there are" },
      () => crew.threads.length,
    ),
    ...Object.keys(crew.totals).map((what) =>
      stats.observe("workers.workers", {
        kind: "counter",
        labels: { pool: name, what: what.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) },
        help: "Workers, by what became of them",
      }, () => crew.totals[what as keyof typeof crew.totals])
    ),
  ];
  const disposeStats = () => removers.forEach((remove) => remove());

  const pool: WorkerPool = {
    name,
    kind,
    backend: backend?.name ?? "inline",
    events,
    snapshot,
    report: () => poolReport([snapshot()]),
    act(id) {
      if (id !== "recycle") throw unknownAction("workers", id);
      const ready = crew.threads.filter(({ state }) => state === "ready");
      for (const thread of ready) crew.recycle(thread, "asked");
      return { workers: ready.length };
    },
    close: (options = {}) => closing ??= end(options),
    [Symbol.asyncDispose]: () => closing ??= end({}),
  };
  acceptBy(pool, submit);
  return pool;
}

function outcomeOf(reason: unknown): Extract<TaskOutcome, "timedOut" | "aborted"> {
  const { code, name } = (reason ?? {}) as { code?: unknown; name?: unknown };
  return code === "TIMEOUT" || name === "TimeoutError" ? "timedOut" : "aborted";
}
