/**
 * The far side: what a worker does. It takes lists of calls, runs them one after the other, and answers in lists.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Context, createContext, currentContext } from "../context/mod.ts";
import { errorMessage } from "../errors.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { ChannelPort, ParentLink, Transfer } from "../platform/port.ts";
import { type Frame, unpack } from "./carry.ts";
import { Cell } from "./cell.ts";
import { type Definition, findTask } from "./definition.ts";
import { DEFINE, FRAME, LIST_LENGTH, NOTHING, type Notice, type Order, SKIP } from "./protocol.ts";
import { type Hello, PROTOCOL_VERSION, type Welcome } from "./protocol.ts";
import { createRecorder, type Recorder } from "./records.ts";
import { takeTransfers } from "./transferring.ts";
import { encodeError } from "./wire_error.ts";

/** Results wait no longer than this for others to join them, while calls go on. */
const HOLD_MS = 2;
/** Nor longer than this, once there are fewer calls left than results: the pool is to send more in time. */
const SHORT_HOLD_MS = 0.5;
/** A result that took longer to copy is worth telling; among many small ones it was something else that took the time. */
const SLOW_CLONE_MS = 5;
const SLOW_CLONE_ANSWERS = 4;

/**
 * Begins to work if this is a thread of ours: says hello, and waits for its port. Returns whether it is one. A thread that
 * merely is a worker is none of ours.
 */
export function beWorker(): boolean {
  const { workers } = detectPlatform();
  const parent = workers?.parent();
  if (parent === undefined) return false;
  serve(parent);
  return true;
}

function serve(parent: ParentLink): void {
  let worker: WorkerSide | undefined;
  parent.onFatal((thrown) => {
    const error = encodeError(thrown);
    if (worker !== undefined) worker.lastWord({ type: "fatal", error });
    else parent.post({ ballast: PROTOCOL_VERSION, fatal: error } satisfies Hello);
  });
  parent.onExit(() => worker?.lastWord());
  parent.onceMessage((data) => {
    const welcome = data as Partial<Welcome> | null;
    if (welcome?.ballast !== PROTOCOL_VERSION || welcome.port === undefined) return;
    const side = worker = new WorkerSide(welcome as Welcome);
    side.listen();
  });
  parent.post({ ballast: PROTOCOL_VERSION } satisfies Hello);
}

/** A function on its way: looked up when it is first named, called when it is there. */
type Known = { definition?: Definition; failure?: unknown; readonly loading: Promise<void> };

class WorkerSide {
  readonly #port: ChannelPort;
  readonly #cell: Cell | undefined;
  readonly #clock: Clock;
  readonly #recorder: Recorder;
  readonly #base: Context;
  readonly #functions: Known[] = [];
  /** Lists that wait for the one at hand. */
  readonly #lists: unknown[][] = [];
  #list: unknown[] = [];
  #at = 0;
  /** Calls counted so far: the number of the next one. */
  #calls = 0;
  #frame: Frame | undefined;
  #frameAt = 0;
  #busy = false;
  /** Whether a call is on the stack. */
  #calling = false;
  #leaving = false;
  #answers: unknown[] = [];
  #transfers: Transfer[] = [];
  #answeredFn = 0;
  /** When the last answer was there, and when the oldest that waits was. */
  #now = 0;
  #heldSince = 0;
  #flushDue = false;

  constructor({ port, memory, entry, context, category, beatMs }: Welcome) {
    const { clock, workers } = detectPlatform();
    this.#port = port;
    this.#cell = memory && new Cell(memory);
    this.#clock = clock;
    this.#recorder = createRecorder(clock, category);
    this.#base = createContext({
      name: context,
      clock,
      stats: this.#recorder.stats,
      log: this.#recorder.log,
    });
    const beat = () => {
      if (this.#isTerminated()) return;
      this.#cell?.beat();
      const heap = workers?.heapUsedBytes();
      if (this.#cell && heap !== undefined) this.#cell.heapBytes = heap;
      this.tell(this.#recorder.take());
      clock.schedule(beatMs, beat);
    };
    beat();
    // The module this thread was started with may still be on its way to its end. If it fails, so does the thread.
    const ready = () => this.tell({ type: "ready" });
    import(entry).then(ready, ready);
  }

  /** Takes what comes from now on: within its context, where the runtime calls listeners in the flow that set them. */
  listen(): void {
    this.#base.run(() => this.#port.onmessage = (event) => this.#take(event.data));
  }

  /** Takes a message: a list of calls, or an order. */
  #take(data: unknown): void {
    if (this.#isTerminated()) return;
    if (typeof data === "number") this.#lists.push([data, 0]);
    else if (Array.isArray(data)) this.#lists.push(data);
    else return this.#obey(data as Order);
    if (this.#busy) return;
    if (currentContext() === this.#base) this.#work();
    else this.#base.run(this.#resume);
  }

  /**
   * Whether the runtime has cut a call short, as Deno does where the heap hits its limit: nothing is thrown then, the stack is
   * gone, and the thread goes on as if nothing had been. It must not.
   */
  #isTerminated(): boolean {
    if (this.#calling) this.tell({ type: "terminated" });
    return this.#calling;
  }

  #obey(order: Order): void {
    if (order?.type !== "leave") return;
    this.#leaving = true;
    if (!this.#busy) this.#leave();
  }

  #leave(): void {
    this.#flush();
    this.tell(this.#recorder.take());
    this.tell({ type: "left" });
  }

  /** The thread is about to end: what is done gets out. */
  lastWord(notice?: Notice): void {
    this.#flush();
    this.tell(this.#recorder.take());
    this.tell(notice);
  }

  /** Tells the pool something, if there is something. */
  tell(notice: Notice | undefined): void {
    if (notice === undefined) return;
    try {
      this.#port.postMessage(notice);
    } catch {
      // Somebody else's record that cannot be copied: what is ours always can.
    }
  }

  /** Runs calls until there are none, or one of them has to be waited for. */
  #work(): void {
    this.#busy = true;
    this.#now = this.#clock.monotonic();
    for (;;) {
      if (this.#at >= this.#list.length) {
        const next = this.#lists.shift();
        this.#list = next ?? [];
        this.#at = 0;
        if (next === undefined) break;
        continue;
      }
      if (!this.#step()) return;
    }
    this.#busy = false;
    if (this.#leaving) this.#leave();
    // More calls are on their way: their results may join these.
    else if (this.#left > 0) this.#flushSoon();
    else this.#flush();
  }

  /** One entry of the list. False when it has to be waited for. */
  #step(): boolean {
    const list = this.#list;
    const what = list[this.#at] as number;
    const head = list[this.#at + 1] as number;
    const first = this.#at + 2;
    if (what >= 0) {
      const argCount = head >> 1;
      this.#at = first + argCount;
      return this.#call(what, (head & 1) === 1, list, first, argCount);
    }
    this.#at = first + head;
    if (what === DEFINE) {
      this.#functions[list[first] as number] = load(list[first + 1] as string, list[first + 2] as string);
    } else if (what === FRAME) {
      this.#frame = list[first] as Frame | undefined;
      this.#frameAt = this.#now;
    } else if (what === SKIP) {
      this.#calls++;
      this.#answerSkipped();
    }
    return true;
  }

  #call(fn: number, guarded: boolean, list: unknown[], first: number, argCount: number): boolean {
    const known = this.#functions[fn]!;
    if (known.definition === undefined && known.failure === undefined) {
      // Its module is being loaded; then this entry is taken again.
      this.#at = first - 2;
      this.#flush();
      known.loading.then(this.#resume);
      return false;
    }
    // A call that may be aborted takes its worker with it: what is done must be out of here by then.
    if (guarded) this.#flush();
    const call = this.#calls++;
    if (this.#cell !== undefined && !this.#cell.start(call)) {
      this.#answerSkipped();
      return true;
    }
    if (known.definition === undefined) {
      this.#answer(fn, true, encodeError(known.failure));
      return true;
    }
    return this.#run(fn, known.definition, list, first, argCount);
  }

  #run(fn: number, { fn: run }: Definition, list: unknown[], first: number, argCount: number): boolean {
    const context = this.#frame && unpack(this.#base, this.#frame, this.#now - this.#frameAt);
    let result: unknown;
    this.#calling = true;
    try {
      result = context === undefined
        ? apply(run, list, first, argCount)
        : context.run(() => apply(run, list, first, argCount));
    } catch (error) {
      this.#calling = false;
      context?.close();
      this.#answer(fn, true, encodeError(error));
      return true;
    }
    this.#calling = false;
    if (!isThenable(result)) {
      context?.close();
      this.#answer(fn, false, result);
      return true;
    }
    this.#flushSoon();
    // What is thenable may be anything: a promise of ours calls back once, and later.
    Promise.resolve(result).then((value) => this.#settled(fn, context, false, value), (error) => {
      this.#settled(fn, context, true, encodeError(error));
    });
    return false;
  }

  #settled(fn: number, context: Context | undefined, threw: boolean, value: unknown): void {
    context?.close();
    this.#answer(fn, threw, value);
    this.#work();
  }

  readonly #resume = () => this.#work();

  /** Lets what is done go out, if the call that is waited for takes longer than this turn. */
  #flushSoon(): void {
    if (this.#answers.length === 0 || this.#flushDue) return;
    this.#flushDue = true;
    void detectPlatform().nextTurn().then(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  /** The call that was counted last is answered. */
  #answer(fn: number, threw: boolean, value: unknown): void {
    const now = this.#clock.monotonic();
    const micros = Math.round((now - this.#now) * 1000);
    this.#now = now;
    this.#answeredFn = fn;
    if (typeof value === "object" && value !== null) takeTransfers(value, this.#transfers);
    if (this.#cell === undefined) return this.#answerAlone(threw, micros, value);
    this.#cell.finish(this.#calls - 1, threw, micros);
    this.#push(value, now);
  }

  /** A call that was taken back still has its turn. */
  #answerSkipped(): void {
    if (this.#cell === undefined) this.#answerAlone(false, 0, undefined);
    else this.#push(undefined, this.#now);
  }

  #push(value: unknown, now: number): void {
    const answers = this.#answers;
    if (answers.length === 0) this.#heldSince = now;
    answers.push(value);
    const heldMs = now - this.#heldSince;
    if (
      answers.length >= LIST_LENGTH || heldMs >= HOLD_MS ||
      (heldMs >= SHORT_HOLD_MS && answers.length >= this.#left)
    ) this.#flush();
  }

  /** Calls that it has to answer, those that have not arrived included; 0 where that cannot be known. */
  get #left(): number {
    return this.#cell === undefined ? 0 : (this.#cell.posted - this.#calls) | 0;
  }

  #answerAlone(threw: boolean, micros: number, value: unknown): void {
    const transfers = this.#transfers;
    this.#transfers = [];
    try {
      this.#port.postMessage({ type: "answer", threw, micros, value } satisfies Notice, transfers);
    } catch (error) {
      this.tell({ type: "answer", threw: true, micros, value: encodeError(uncloneable(error)) });
    }
  }

  #flush(): void {
    const answers = this.#answers;
    if (answers.length === 0) return;
    const transfers = this.#transfers;
    this.#answers = [];
    this.#transfers = [];
    const first = this.#calls - answers.length;
    try {
      if (transfers.length > 0) this.#port.postMessage(answers, transfers);
      else this.#port.postMessage(answers.length === 1 ? alone(answers) : answers);
    } catch {
      this.#flushSingly(answers, transfers, first);
    }
    const now = this.#clock.monotonic();
    if (now - this.#now >= SLOW_CLONE_MS && answers.length <= SLOW_CLONE_ANSWERS) {
      this.tell({ type: "clone", fn: this.#answeredFn, tookMs: now - this.#now });
    }
    this.#now = now;
  }

  /** One of them cannot be copied: that one is answered with why, the others as they are. */
  #flushSingly(answers: readonly unknown[], transfers: readonly Transfer[], first: number): void {
    for (const [index, value] of answers.entries()) {
      const own: Transfer[] = [];
      if (typeof value === "object" && value !== null && transfers.length > 0) takeTransfers(value, own);
      try {
        this.#port.postMessage([value], own);
      } catch (error) {
        const call = first + index;
        this.#cell!.finish(call, true, this.#cell!.micros(call));
        this.#port.postMessage([encodeError(uncloneable(error))]);
      }
    }
  }
}

/** One answer, in the cheapest form: Deno turns an undefined that is posted alone into null. */
function alone(answers: readonly unknown[]): unknown {
  const [value] = answers;
  if (value === undefined) return NOTHING;
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : answers;
}

function uncloneable(error: unknown): TypeError {
  return new TypeError(
    `the result cannot be sent back from the worker: ${errorMessage(error)}; ` +
      "return plain data, without functions, symbols or live objects",
  );
}

function load(url: string, name: string): Known {
  const known: Known = {
    loading: findTask(url, name).then((definition) => {
      known.definition = definition;
    }, (error) => {
      known.failure = error ?? new Error(`${url} cannot be loaded`);
    }),
  };
  return known;
}

function apply(
  run: (...args: unknown[]) => unknown,
  list: unknown[],
  first: number,
  argCount: number,
): unknown {
  if (argCount === 0) return run();
  if (argCount === 1) return run(list[first]);
  if (argCount === 2) return run(list[first], list[first + 1]);
  return run(...list.slice(first, first + argCount));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
