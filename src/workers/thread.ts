/**
 * The near side of one worker: starts it, shakes hands, hands calls over and keeps count of them.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { delay } from "../signal.ts";
import type { ChannelPort, WorkerBackend, WorkerEnd, WorkerHandle } from "../platform/port.ts";
import { type Cell, createCell } from "./cell.ts";
import { Outbox } from "./outbox.ts";
import { BUDGET_MS, REFILL_MS } from "./pool_function.ts";
import { type Hello, NOTHING, type Notice, type Order, PROTOCOL_VERSION, SLOTS } from "./protocol.ts";
import type { Welcome } from "./protocol.ts";
import type { Levels } from "./stats_period.ts";
import type { Task } from "./task.ts";
import { decodeError } from "./wire_error.ts";

/** Whoever knows why a thread has ended says so within this time after it has. */
const END_MS = 1_000;

/** Where a worker is in its life. */
export type ThreadState =
  /** Its module is being loaded. */
  | "starting"
  /** It takes calls. */
  | "ready"
  /** It is to be ended with the call that it runs, and waits for the results before that one. */
  | "condemned"
  /** It takes no more calls, and ends after those it has. */
  | "retiring"
  /** It has ended. */
  | "gone";

/** How a thread is made. */
export interface ThreadOptions {
  readonly id: number;
  readonly name: string;
  /** The module it runs. */
  readonly url: string;
  readonly backend: WorkerBackend;
  readonly maxHeapBytes: number | undefined;
  readonly clock: Clock;
  readonly context: string;
  readonly category: readonly string[];
  readonly beatMs: number;
  readonly levels: Levels;
  readonly nextTurn: () => Promise<void>;
  readonly onReady: (thread: Thread) => void;
  readonly onAnswers: (thread: Thread, values: readonly unknown[]) => void;
  readonly onNotice: (thread: Thread, notice: Notice) => void;
  readonly onEnd: (thread: Thread, end: WorkerEnd) => void;
  /** A thread that was ended has ended indeed. */
  readonly onGone: (thread: Thread) => void;
  /** The call at the head has run for as long as it may. */
  readonly onTimeout: (task: Task) => void;
}

/** One worker. */
export class Thread {
  readonly id: number;
  readonly url: string;
  readonly startedAt: number;
  readonly levels: Levels;
  state: ThreadState = "starting";
  /** Calls answered. */
  done = 0;
  /** Since when it has had nothing to do, and since when its first call has been the first. */
  idleSince: number;
  headSince = 0;
  /** The last sign of life, and when it was seen. */
  beats = 0;
  beatSeenAt: number;
  /** The call it is condemned for. */
  culprit: Task | undefined;
  /** What it was before it was condemned. */
  pardonedTo: ThreadState = "ready";
  /** Whether a replacement is on its way. */
  recycling: string | undefined;
  /** What the calls it has are expected to take. */
  backlogMs = 0;
  readonly #options: ThreadOptions;
  readonly #cell: Cell | undefined;
  readonly #port: ChannelPort;
  readonly #handle: WorkerHandle;
  readonly #window: number;
  /** Calls by number, modulo the length: those from head to tail are there, except what was taken back. */
  readonly #ring: (Task | undefined)[] = new Array(SLOTS).fill(undefined);
  #head = 0;
  #tail = 0;
  readonly #outbox: Outbox;
  /** The last answer, where memory is not shared. */
  #answer = { threw: false, micros: 0 };
  #held = true;
  /** Whether it is being handed calls until it has its budget; then again when little of that is left. */
  #refilling = true;
  #timer: Timer | undefined;
  /** What nobody caught over there. */
  #fatal: { readonly error: unknown } | undefined;

  constructor(options: ThreadOptions) {
    const { id, name, url, backend, clock, maxHeapBytes, onEnd } = options;
    this.#options = options;
    this.id = id;
    this.url = url;
    this.levels = options.levels;
    this.startedAt = this.idleSince = this.beatSeenAt = clock.monotonic();
    this.#cell = createCell();
    this.#window = this.#cell === undefined ? 1 : SLOTS;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1 as unknown as ChannelPort;
    this.#outbox = new Outbox(this.#port);
    port1.onmessage = (event: MessageEvent) => this.#take(event.data);
    port1.addEventListener("close", () => void this.#closed());
    this.#handle = backend.spawn({
      url,
      name,
      maxHeapBytes,
      onMessage: (data) => this.#greet(data as Partial<Hello> | null, port2 as unknown as ChannelPort),
      onEnd: (end) => onEnd(this, { ...end, ...this.#fatal }),
    });
  }

  /**
   * The port is closed: every end closes it, those that cause no other event too. Where there is one, it says more, and comes
   * at about the same time.
   */
  async #closed(): Promise<void> {
    const { clock, backend, nextTurn, onEnd, onGone } = this.#options;
    if (this.state === "gone") return onGone(this);
    if (this.#fatal === undefined && (backend.tellsExit || this.state === "starting")) {
      await delay(END_MS, { clock });
    } else await nextTurn();
    onEnd(this, { ...this.#fatal });
  }

  /** Calls that it has and that were not taken back. */
  live = 0;

  /** Calls that it has to answer, those that were taken back included. */
  get count(): number {
    return this.#tail - this.#head;
  }

  /** What it runs now, or will in a moment. */
  get running(): Task | undefined {
    for (let call = this.#head; call < this.#tail; call++) {
      const task = this.#ring[call & (SLOTS - 1)];
      if (task !== undefined) return task;
    }
    return undefined;
  }

  /** Its heap; undefined while it is not known. */
  get heapBytes(): number | undefined {
    return this.#cell?.heapBytes || undefined;
  }

  /** Looks for a sign of life; gives how long there has been none. */
  silentForMs(now: number): number {
    const beats = this.#cell?.beats ?? this.beats + 1;
    if (beats !== this.beats) {
      this.beats = beats;
      this.beatSeenAt = now;
    }
    return now - this.beatSeenAt;
  }

  /** Whether it may be handed one more call: it has less than its budget of work, and is not held up by the first of it. */
  canTake(task: Task, now: number): boolean {
    if (this.state !== "ready") return false;
    const count = this.#tail - this.#head;
    if (count === 0) return true;
    // One more is always there when a call ends.
    const limitMs = this.#refilling || count === 1 ? BUDGET_MS : REFILL_MS;
    return count < this.#window && this.backlogMs < limitMs && now - this.headSince < 2 * BUDGET_MS &&
      task.transfer === undefined;
  }

  /** Hands a call over. It is on its way with the next {@linkcode Thread.flush}. */
  handOver(task: Task, now: number): void {
    const call = this.#tail++;
    this.#cell?.offer(call);
    this.#ring[call & (SLOTS - 1)] = task;
    task.state = "handed";
    task.thread = this;
    task.call = call;
    task.estimateMs = task.fn.estimateMs;
    this.backlogMs += task.estimateMs;
    this.#refilling = this.backlogMs < BUDGET_MS;
    this.live++;
    if (call === this.#head) this.#headIs(task, now);
    if (!this.#held) this.#hold(true);
    this.#outbox.add(task, now);
    if (this.#outbox.isFull) this.flush(now);
  }

  /** Posts what was handed over. */
  flush(now: number): void {
    if (this.#outbox.post(now) && this.#cell !== undefined) this.#cell.posted = this.#tail;
  }

  /** Takes a call back. False when it has begun, or that cannot be known. */
  withdraw(task: Task): boolean {
    if (this.#cell === undefined || !this.#cell.withdraw(task.call)) return false;
    this.#ring[task.call & (SLOTS - 1)] = undefined;
    this.backlogMs -= task.estimateMs;
    this.live--;
    return true;
  }

  /** Takes back calls that have not begun and can be given to another worker: all of them, or the last, down to `keptMs` of work. */
  withdrawAll(keptMs = -Infinity): Task[] {
    const taken: Task[] = [];
    for (let call = this.#tail - 1; call >= this.#head && this.backlogMs > keptMs; call--) {
      const task = this.#ring[call & (SLOTS - 1)];
      if (task === undefined || task.state !== "handed" || task.transfer !== undefined) continue;
      if (this.withdraw(task)) taken.push(task);
    }
    return taken.reverse();
  }

  /** The call that the next answer is for; undefined when it was taken back. */
  shift(): Task | undefined {
    const slot = this.#head++ & (SLOTS - 1);
    const task = this.#ring[slot];
    this.#ring[slot] = undefined;
    this.done++;
    if (task === undefined) return undefined;
    this.backlogMs -= task.estimateMs;
    this.live--;
    return task;
  }

  /** Of the call that was shifted last: whether its value is what it threw, and how long it took. */
  get threw(): boolean {
    return this.#cell?.threw(this.#head - 1) ?? this.#answer.threw;
  }

  /** @see threw */
  get micros(): number {
    return this.#cell?.micros(this.#head - 1) ?? this.#answer.micros;
  }

  /** After the answers of one list. */
  advance(now: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#head < this.#tail) {
      this.#headIs(this.#ring[this.#head & (SLOTS - 1)], now);
      return;
    }
    this.backlogMs = 0;
    this.idleSince = now;
  }

  /** Whether the process stays alive for it, though it has nothing to do: that is looked at now and then, it has its price. */
  get isHeldIdle(): boolean {
    return this.#held && this.count === 0 && this.state === "ready";
  }

  /** Lets the process end. */
  letGo(): void {
    this.#hold(false);
  }

  /** Whether a call is the next to be answered. */
  isNext(task: Task): boolean {
    return task.thread === this && task.call === this.#head;
  }

  /** Whether it runs a call now, as far as can be told. */
  isRunning(task: Task): boolean {
    return task.thread === this && (this.#cell?.isRunning(task.call) ?? true);
  }

  /** Tells it to tell all it has recorded, and to be ended then. */
  leave(): void {
    this.#post({ type: "leave" });
  }

  /**
   * Ends it, whatever it does; gives the calls that it has not answered. One that may go on nevertheless is heard of when it
   * stops.
   */
  end(mayGoOn: boolean): Task[] {
    this.state = "gone";
    this.#timer?.cancel();
    this.#handle.terminate();
    // The port closes when the thread has stopped; nobody waits for that.
    if (mayGoOn) this.#port.unref?.();
    else this.#port.close();
    this.levels.clear();
    const left: Task[] = [];
    for (; this.#head < this.#tail; this.#head++) {
      const task = this.#ring[this.#head & (SLOTS - 1)];
      if (task?.state === "handed" && task.thread === this) left.push(task);
    }
    this.#ring.fill(undefined);
    return left;
  }

  #greet(hello: Partial<Hello> | null, port: ChannelPort): void {
    if (typeof hello?.ballast !== "number" || this.state !== "starting") return;
    if (hello.fatal !== undefined) {
      this.#fatal = { error: decodeError(hello.fatal) };
      return;
    }
    if (hello.ballast !== PROTOCOL_VERSION) {
      const error = new Error("the task's module loads another version of @ballast/runtime than the program");
      return this.#options.onEnd(this, { error });
    }
    const { context, category, beatMs, url } = this.#options;
    const memory = this.#cell?.memory;
    const welcome: Welcome = {
      ballast: PROTOCOL_VERSION,
      port,
      memory,
      entry: url,
      context,
      category,
      beatMs,
    };
    this.#handle.post(welcome, [port]);
    // From here on the port alone says whether the process has to stay.
    this.#handle.unref();
  }

  #take(data: unknown): void {
    if (this.state === "gone") return;
    if (typeof data !== "object" || data === null) {
      return this.#options.onAnswers(this, [data === NOTHING ? undefined : data]);
    }
    if (Array.isArray(data)) return this.#options.onAnswers(this, data);
    const notice = data as Notice;
    if (notice.type === "answer") {
      this.#answer = notice;
      return this.#options.onAnswers(this, [notice.value]);
    }
    if (notice.type === "fatal") {
      this.#fatal = { error: decodeError(notice.error) };
      return;
    }
    if (notice.type === "terminated") {
      const error = Object.assign(new Error("it ran out of memory"), { code: "ERR_WORKER_OUT_OF_MEMORY" });
      return this.#options.onEnd(this, { error });
    }
    if (notice.type !== "ready") return this.#options.onNotice(this, notice);
    if (this.state !== "starting") return;
    this.state = "ready";
    this.idleSince = this.#options.clock.monotonic();
    this.#options.onReady(this);
  }

  #headIs(task: Task | undefined, now: number): void {
    this.headSince = now;
    if (task?.timeoutMs === undefined || task.state !== "handed") return;
    const { clock, onTimeout } = this.#options;
    this.#timer = clock.schedule(task.timeoutMs, () => {
      // Where the machine has too much to do, it may not even have begun.
      if (this.#cell?.isPending(task.call)) this.#headIs(task, clock.monotonic());
      else onTimeout(task);
    });
  }

  /** Whether the process has to stay alive for what this worker does. */
  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (held) this.#port.ref?.();
    else this.#port.unref?.();
  }

  #post(order: Order): void {
    this.#port.postMessage(order);
  }
}
