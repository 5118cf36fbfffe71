/**
 * The workers of a pool: started when there is work, watched while they do it, replaced when they are lost, and before they
 * hurt.
 *
 * @module
 */

import { detached, type Timer } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { EventSource } from "../events.ts";
import type { WorkerEnd } from "../platform/port.ts";
import { CrashBrake } from "./brake.ts";
import { type LossReason, WorkerLostError, WorkerStartError } from "./errors.ts";
import type { WorkerEvent } from "./events.ts";
import type { Settings } from "./options.ts";
import type { Notice } from "./protocol.ts";
import { Levels } from "./stats_period.ts";
import type { Task } from "./task.ts";
import { Thread } from "./thread.ts";

/** How often workers are looked at: while they work, and while they do not. */
const BUSY_TICK_MS = 50;
const IDLE_TICK_MS = 1_000;
/** Results that are on their way get so long to arrive before their worker is ended. */
const CONDEMNED_MS = 100;
/** A call that has been the first of its worker for so long holds up those behind it. */
const STUCK_MS = 10;
/** A worker that has so much to do shares it with one that has nothing. */
const MUCH_MS = 2;
/** So many threads may go on computing for nobody, at least, before no more workers are started. */
const MIN_ABANDONED = 8;
/** A call is given to a worker so often, if all of them are lost before it begins. */
const MAX_RETURNS = 10;
/** A worker that leaves gets so long to tell what it has recorded. */
const LEAVE_MS = 250;

/** What a crew asks of its pool. */
export interface CrewHost {
  /** The module of the call whose turn it is, if one waits; and how many wait. */
  nextUrl(): string | undefined;
  readonly waiting: number;
  readonly closed: boolean;
  /** There may be room for calls. */
  pump(): void;
  /** These calls have not begun: they go back to the head of the queue. */
  putBack(tasks: readonly Task[]): void;
  /** This call had begun when its worker was lost. */
  lose(task: Task, error: WorkerLostError): void;
  /** No worker can be started for this module. */
  startFailed(url: string, error: WorkerStartError): void;
  onAnswers(thread: Thread, values: readonly unknown[]): void;
  onTimeout(task: Task): void;
  onNotice(thread: Thread, notice: Notice): void;
}

/** What happened to the workers so far. */
export interface CrewTotals {
  /** Became ready. */
  started: number;
  /** Could not be started. */
  startFailures: number;
  /** Ended by an error that nobody caught, or a full heap. */
  crashed: number;
  /** Ended themselves. */
  exited: number;
  /** Gave no sign of life. */
  silent: number;
  /** Were ended with a call that was aborted or took too long. */
  replaced: number;
  /** Were replaced before they could hurt. */
  recycled: number;
  /** Were ended because there was nothing to do. */
  retired: number;
}

/** The workers of one pool. */
export class Crew {
  readonly threads: Thread[] = [];
  readonly totals: CrewTotals = {
    started: 0,
    startFailures: 0,
    crashed: 0,
    exited: 0,
    silent: 0,
    replaced: 0,
    recycled: 0,
    retired: 0,
  };
  readonly brake = new CrashBrake();
  /** Threads that were ended and still compute. */
  readonly #abandoned = new Set<Thread>();
  readonly #settings: Settings;
  readonly #events: EventSource<WorkerEvent>;
  readonly #host: CrewHost;
  #lastId = 0;
  #tick: Timer | undefined;
  #tickMs = 0;
  #release: Timer | undefined;
  #lastUrl = "";

  constructor(settings: Settings, events: EventSource<WorkerEvent>, host: CrewHost) {
    this.#settings = settings;
    this.#events = events;
    this.#host = host;
  }

  /** Threads that were ended, and still compute where that cannot be stopped. */
  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** The worker that a call is best handed to now: the one with the least to do. */
  pick(task: Task, now: number): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.threads) {
      if (thread.canTake(task, now) && (best === undefined || thread.backlogMs < best.backlogMs)) {
        best = thread;
      }
    }
    return best;
  }

  /** A worker that has nothing to do. */
  idle(): Thread | undefined {
    return this.threads.find(({ state, count }) => count === 0 && state === "ready");
  }

  /** Starts workers for the calls that wait, if there is room for more. */
  staff(now: number): void {
    const { size } = this.#settings;
    let starting = 0;
    let serving = 0;
    for (const { state, recycling } of this.threads) {
      if (state === "starting") starting++;
      if (state === "starting" || (state === "ready" && recycling === undefined)) serving++;
    }
    // Each of them takes a processor away: there must not be more and more.
    if (this.#abandoned.size >= Math.max(MIN_ABANDONED, 2 * size)) return;
    while (serving < size && starting < this.#host.waiting) {
      const leftMs = this.brake.leftMs(now);
      if (leftMs > 0) return this.#releaseIn(leftMs);
      const url = this.#host.nextUrl();
      if (url === undefined || !this.#spawn(url)) return;
      serving++;
      starting++;
    }
  }

  /** Starts workers ahead of the first call. */
  warm(url: string, count: number): void {
    for (let missing = count - this.threads.length; missing > 0; missing--) this.#spawn(url);
  }

  /** A call that runs is to be ended, and its worker with it. */
  condemn(thread: Thread, culprit: Task): void {
    if (thread.state !== "ready" && thread.state !== "retiring") return;
    thread.pardonedTo = thread.state;
    thread.state = "condemned";
    thread.culprit = culprit;
    this.#host.putBack(thread.withdrawAll());
    // From here on nothing begins. If the call has ended meanwhile, and only its answer is on its way, nothing is to be ended.
    if (!thread.isRunning(culprit)) return this.#pardon(thread);
    // What it has done before was posted before the call began: those results are here, or will be in a moment.
    if (thread.isNext(culprit)) return this.#execute(thread);
    this.#settings.clock.schedule(CONDEMNED_MS, () => this.#execute(thread));
  }

  /** After answers: what they change for their worker. */
  answered(thread: Thread, now: number): void {
    const { culprit } = thread;
    if (thread.state === "condemned" && culprit !== undefined) {
      if (!thread.isRunning(culprit)) this.#pardon(thread);
      else if (thread.isNext(culprit)) return this.#execute(thread);
      else return;
    }
    const { tasks } = this.#settings.recycle;
    if (tasks !== undefined && thread.done >= tasks) this.recycle(thread, "tasks");
    if (thread.count > 0) return;
    if (thread.state === "retiring") thread.leave();
    else if (this.#host.waiting === 0) this.#relieve(now);
  }

  /** Replaces a worker, once there is another in its place. One at a time. */
  recycle(thread: Thread, why: "tasks" | "age" | "heap" | "asked"): void {
    if (thread.state !== "ready" || thread.recycling !== undefined || this.#host.closed) return;
    if (this.threads.some(({ recycling }) => recycling !== undefined)) return;
    if (this.brake.leftMs(this.#settings.clock.monotonic()) > 0) return;
    thread.recycling = why;
    this.#spawn(thread.url);
  }

  /** Ends every worker; gives the calls that they had. Those that have nothing to do may tell what they recorded. */
  async end(): Promise<Task[]> {
    const left: Task[] = [];
    const leaving: Thread[] = [];
    for (const thread of [...this.threads]) {
      if (thread.count === 0 && (thread.state === "ready" || thread.state === "retiring")) {
        thread.state = "retiring";
        thread.leave();
        leaving.push(thread);
      } else left.push(...this.#remove(thread));
    }
    this.#tick?.cancel();
    this.#release?.cancel();
    if (leaving.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#settings.clock.schedule(LEAVE_MS, resolve, { keepAlive: true });
        this.#allGone = () => {
          timer.cancel();
          resolve();
        };
      });
      for (const thread of [...this.threads]) left.push(...this.#remove(thread));
    }
    return left;
  }

  #allGone = () => {};

  #spawn(url: string): boolean {
    const { backend, clock, platform, stats, workerLog, name, context, beatMs, maxHeapBytes } =
      this.#settings;
    this.#lastUrl = url;
    const id = ++this.#lastId;
    let ended = false;
    try {
      const thread = detached(() =>
        new Thread({
          id,
          name: `ballast-worker-${name}-${id}`,
          url,
          backend: backend!,
          maxHeapBytes,
          clock,
          context,
          category: workerLog.category,
          beatMs,
          levels: new Levels(stats),
          nextTurn: platform.nextTurn,
          onReady: (thread) => this.#ready(thread),
          onAnswers: (thread, values) => this.#host.onAnswers(thread, values),
          onNotice: (thread, notice) => this.#notice(thread, notice),
          onTimeout: (task) => this.#host.onTimeout(task),
          onGone: (thread) => this.#abandoned.delete(thread) && this.#host.pump(),
          onEnd: (thread, end) => {
            if (ended) return;
            ended = true;
            this.#ended(thread, end);
          },
        })
      );
      this.threads.push(thread);
      this.#watch();
      return true;
    } catch (error) {
      this.#startFailed(url, error);
      return false;
    }
  }

  #ready(thread: Thread): void {
    const now = this.#settings.clock.monotonic();
    const tookMs = now - thread.startedAt;
    this.totals.started++;
    this.#events.emit({ type: "started", pool: this.#settings.name, worker: thread.id, tookMs });
    const replaced = this.threads.find(({ recycling, state }) =>
      recycling !== undefined && state === "ready"
    );
    if (replaced !== undefined) {
      replaced.state = "retiring";
      if (replaced.count === 0) replaced.leave();
    }
    this.#host.pump();
    if (thread.count === 0) this.#relieve(now);
  }

  #notice(thread: Thread, notice: Notice): void {
    if (notice.type !== "left") return this.#host.onNotice(thread, notice);
    if (thread.state !== "retiring" || thread.count > 0) return;
    const { name, log } = this.#settings;
    const why = thread.recycling;
    this.#remove(thread);
    if (this.#host.closed) return;
    if (why !== undefined) {
      this.totals.recycled++;
      this.#events.emit({ type: "recycled", pool: name, worker: thread.id, why: why as "tasks" });
      log.info("a worker was recycled", { pool: name, worker: thread.id, why, calls: thread.done });
    } else {
      this.totals.retired++;
      this.#events.emit({ type: "retired", pool: name, worker: thread.id });
    }
    this.#host.pump();
  }

  /** The call that a worker was condemned for has ended by itself. */
  #pardon(thread: Thread): void {
    thread.state = thread.pardonedTo;
    thread.culprit = undefined;
    this.#host.pump();
  }

  /** Ends a condemned worker. */
  #execute(thread: Thread): void {
    if (thread.state !== "condemned") return;
    if (thread.culprit !== undefined && !thread.isRunning(thread.culprit)) return this.#pardon(thread);
    const name = thread.culprit?.fn.definition.name;
    this.#lose(thread, "replaced", `a call of ${name}() was ended while it ran`);
    this.#host.pump();
  }

  /** A worker has ended, and nobody asked it to. */
  async #ended(thread: Thread, { error, exitCode }: WorkerEnd): Promise<void> {
    if (thread.state === "gone") return;
    // Results that it posted before may be on their way.
    if (thread.count > 0) await this.#settings.platform.nextTurn();
    if (this.#isGone(thread)) return;
    if (thread.state === "starting") {
      this.#remove(thread);
      return this.#startFailed(
        thread.url,
        error ?? new Error(`it exited${codeText(exitCode)} while it was loaded`),
      );
    }
    if (thread.state === "retiring" && thread.count === 0 && error === undefined) {
      return this.#notice(thread, { type: "left" });
    }
    const message = error === undefined ? `it exited${codeText(exitCode)}` : errorMessage(error);
    this.#lose(thread, error === undefined ? "exited" : "crashed", message, error);
    this.#host.pump();
  }

  #isGone(thread: Thread): boolean {
    return thread.state === "gone";
  }

  /** A worker is lost: what had begun with it, what had not is put back. */
  #lose(thread: Thread, reason: LossReason, why: string, cause?: unknown): void {
    const { name, log, clock } = this.#settings;
    const running = thread.running;
    const unbegun = thread.withdrawAll();
    const lost = this.#remove(thread, reason === "crashed" || reason === "exited");
    // Workers that are lost before a call can begin would go on like that for ever.
    if (reason !== "replaced") {
      for (const task of unbegun) {
        if (++task.returns > MAX_RETURNS) lost.push(task);
      }
    }
    this.#host.putBack(unbegun.filter(({ returns }) => returns <= MAX_RETURNS));
    const runningName = running?.fn.definition.name;
    this.totals[reason]++;
    const message = `worker ${thread.id} of the pool "${name}" was lost: ${why}`;
    for (const task of lost) {
      const ran = task.returns > MAX_RETURNS ? "time and again, before it ran" : "and may have run";
      const text = `${task.fn.definition.name}() was lost with its worker, ${ran}: ${why}`;
      this.#host.lose(
        task,
        new WorkerLostError(reason, text, { cause, data: { pool: name, worker: thread.id } }),
      );
    }
    const event = { pool: name, worker: thread.id, reason, message: why, callsLost: lost.length };
    this.#events.emit({ type: "lost", ...event, function: runningName });
    const fields = { ...event, function: runningName };
    if (reason === "replaced") return log.debug(message, fields);
    log.warn(message, fields);
    this.#brake(clock.monotonic());
  }

  #startFailed(url: string, cause: unknown): void {
    const { name, log, clock } = this.#settings;
    const message = errorMessage(cause);
    this.totals.startFailures++;
    for (const thread of this.threads) {
      thread.recycling = thread.state === "ready" ? undefined : thread.recycling;
    }
    this.#events.emit({ type: "startFailed", pool: name, module: url, message });
    log.error("a worker cannot be started", { pool: name, module: url, reason: message });
    this.#brake(clock.monotonic());
    const text = `no worker of the pool "${name}" can be started for ${url}: ${message}`;
    this.#host.startFailed(url, new WorkerStartError(url, text, { cause }));
    this.#host.pump();
  }

  #brake(now: number): void {
    const forMs = this.brake.lost(now);
    if (forMs > 0) this.#events.emit({ type: "braked", pool: this.#settings.name, forMs });
  }

  #releaseIn(ms: number): void {
    this.#release?.cancel();
    // Somebody awaits the calls that wait for this.
    this.#release = this.#settings.clock.schedule(ms, () => {
      this.#release = undefined;
      this.#host.pump();
    }, { keepAlive: true });
  }

  /** Takes a worker out, and ends it unless it `hasEnded`; gives the calls that it has not answered. */
  #remove(thread: Thread, hasEnded = false): Task[] {
    const at = this.threads.indexOf(thread);
    if (at < 0) return [];
    this.threads.splice(at, 1);
    if (this.threads.length === 0) this.#allGone();
    const goesOn = !hasEnded && !this.#settings.backend!.endsBusy && thread.running !== undefined;
    if (goesOn) this.#abandoned.add(thread);
    return thread.end(goesOn);
  }

  /** Somebody has nothing to do: calls that are stuck behind a long one are taken back for it, or half of what one has too much. */
  #relieve(now: number): void {
    if (this.threads.length < 2 || this.idle() === undefined) return;
    for (const thread of this.threads) {
      if (thread.state !== "ready" || thread.live < 2) continue;
      const isStuck = now - thread.headSince > STUCK_MS;
      if (!isStuck && thread.backlogMs < MUCH_MS) continue;
      const taken = thread.withdrawAll(isStuck ? undefined : thread.backlogMs / 2);
      if (taken.length === 0) continue;
      this.#host.putBack(taken);
      return this.#host.pump();
    }
  }

  /** Has the workers looked at, soon while they work. */
  #watch(): void {
    const busy = this.threads.some((thread) =>
      thread.count > 0 || thread.state !== "ready" || thread.isHeldIdle
    );
    const ms = busy ? BUSY_TICK_MS : Math.min(IDLE_TICK_MS, this.#settings.idleMs);
    if (this.#tick !== undefined && this.#tickMs <= ms) return;
    this.#tick?.cancel();
    this.#tickMs = ms;
    this.#tick = this.#settings.clock.schedule(ms, () => {
      this.#tick = undefined;
      this.#look(this.#settings.clock.monotonic());
      if (this.threads.length > 0) this.#watch();
    });
  }

  /** Work has begun: it is looked at soon. */
  working(): void {
    if (this.#tickMs !== BUSY_TICK_MS || this.#tick === undefined) this.#watch();
  }

  #look(now: number): void {
    const { idleMs, minSize, silenceMs, startMs } = this.#settings;
    let spare = this.threads.filter(({ state }) => state === "ready").length - minSize;
    for (const thread of [...this.threads]) {
      if (thread.isHeldIdle) thread.letGo();
      if (thread.state === "starting" && now - thread.startedAt > startMs) {
        this.#remove(thread);
        this.#startFailed(thread.url, new Error(`it was not loaded within ${startMs} ms`));
      } else if (thread.count > 0 && thread.silentForMs(now) > silenceMs) {
        this.#lose(thread, "silent", `it has given no sign of life for ${silenceMs} ms`);
        this.#host.pump();
      } else if (thread.state === "ready") {
        this.#recycleIfDue(thread, now);
        if (thread.count === 0 && now - thread.idleSince >= idleMs && spare-- > 0) {
          thread.state = "retiring";
          thread.leave();
        }
      }
    }
    if (this.#host.waiting === 0) this.#relieve(now);
    else this.#host.pump();
  }

  #recycleIfDue(thread: Thread, now: number): void {
    const { recycle: { ageMs, heapBytes } } = this.#settings;
    // Not all at once: each has an age limit of its own, within a tenth.
    if (ageMs !== undefined && now - thread.startedAt >= ageMs * (0.9 + (thread.id * 0.37 % 1) / 5)) {
      this.recycle(thread, "age");
    } else if (heapBytes !== undefined && (thread.heapBytes ?? 0) > heapBytes) this.recycle(thread, "heap");
  }
}

function codeText(exitCode: number | undefined): string {
  return exitCode === undefined ? "" : ` with code ${exitCode}`;
}
