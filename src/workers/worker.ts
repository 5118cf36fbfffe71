/**
 * The far side: what a worker does. It takes lists of calls, runs them one after the other, and answers in lists.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Context, createContext, currentContext } from "../context/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { ChannelPort, ParentLink } from "../platform/port.ts";
import { isThenable } from "../settle.ts";
import { Answers } from "./answers.ts";
import { type Frame, unpack } from "./carry.ts";
import { Cell } from "./cell.ts";
import { type Definition, findTask } from "./definition.ts";
import { DEFINE, FRAME, type Notice, type Order, SKIP } from "./protocol.ts";
import { type Hello, PROTOCOL_VERSION, type Welcome } from "./protocol.ts";
import { createRecorder, type Recorder } from "./records.ts";
import { encodeError } from "./wire_error.ts";

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
type Known = {
  definition?: Definition;
  failure?: unknown;
  readonly loading: Promise<void>;
  /** Whether the last call was over soon: answers may wait for the next one. */
  isQuick: boolean;
};

/** A call is quick that takes less than this. */
const QUICK_MICROS = 2_000;

class WorkerSide {
  readonly #port: ChannelPort;
  readonly #cell: Cell | undefined;
  readonly #clock: Clock;
  readonly #recorder: Recorder;
  readonly #base: Context;
  readonly #answers: Answers;
  readonly #functions: Known[] = [];
  /** Lists that wait for the one at hand. */
  readonly #lists: unknown[][] = [];
  #list: unknown[] = [];
  #at = 0;
  #frame: Frame | undefined;
  #frameAt = 0;
  #busy = false;
  /** Whether a call is on the stack. */
  #calling = false;
  #leaving = false;

  constructor({ port, memory, entry, context, category, beatMs }: Welcome) {
    const { clock, workers, nextTurn } = detectPlatform();
    this.#port = port;
    this.#cell = memory && new Cell(memory);
    this.#clock = clock;
    this.#answers = new Answers({
      port,
      cell: this.#cell,
      clock,
      nextTurn,
      tell: (notice) => this.tell(notice),
    });
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
    this.#answers.flush();
    this.tell(this.#recorder.take());
    this.tell({ type: "left" });
  }

  /** The thread is about to end: what is done gets out. */
  lastWord(notice?: Notice): void {
    this.#answers.flush();
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
    this.#answers.now = this.#clock.monotonic();
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
    else this.#answers.rest();
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
      this.#frameAt = this.#answers.now;
    } else if (what === SKIP) {
      this.#answers.calls++;
      this.#answers.addSkipped();
    }
    return true;
  }

  #call(fn: number, guarded: boolean, list: unknown[], first: number, argCount: number): boolean {
    const known = this.#functions[fn]!;
    if (known.definition === undefined && known.failure === undefined) {
      // Its module is being loaded; then this entry is taken again.
      this.#at = first - 2;
      this.#answers.flush();
      known.loading.then(this.#resume);
      return false;
    }
    // A call that may be aborted takes its worker with it: what is done must be out of here by then. Nor is it to wait for a long one.
    if (guarded || !known.isQuick) this.#answers.flush();
    const call = this.#answers.calls++;
    if (this.#cell !== undefined && !this.#cell.start(call)) {
      this.#answers.addSkipped();
      return true;
    }
    if (known.definition === undefined) {
      this.#answer(fn, true, encodeError(known.failure));
      return true;
    }
    return this.#run(fn, known.definition, list, first, argCount);
  }

  #run(fn: number, { fn: run }: Definition, list: unknown[], first: number, argCount: number): boolean {
    const context = this.#frame && unpack(this.#base, this.#frame, this.#answers.now - this.#frameAt);
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
    this.#answers.flushSoon();
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

  #answer(fn: number, threw: boolean, value: unknown): void {
    this.#functions[fn]!.isQuick = this.#answers.add(fn, threw, value) < QUICK_MICROS;
  }

  readonly #resume = () => this.#work();
}

function load(url: string, name: string): Known {
  const known: Known = {
    isQuick: false,
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
