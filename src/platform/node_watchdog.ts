/**
 * The stack of what blocks the main thread, on Node: a thread that waits for the main thread's beats, and when they stay away
 * stops it through the inspector for as long as it takes to read the calls (some 20 ms, within a pause that is there anyway).
 *
 * It waits on shared memory, so a beat costs the main thread a store and a wake-up and no message. Where a debugger may be
 * attached it keeps its hands off: what looks like a pause may be a breakpoint, and is not ours to end.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { BlockedStack, StackWatch, StackWatcher, StackWatchOptions } from "./port.ts";

/** A worker of `node:worker_threads`, as far as it is used. */
interface Thread {
  on(event: "message", listener: (message: { beat: number; frames: string[] }) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: () => void): void;
  unref(): void;
  terminate(): Promise<number>;
}
interface Threads {
  readonly isMainThread: boolean;
  readonly Worker: new (source: string, options: Record<string, unknown>) => Thread;
}
interface Inspector {
  url(): string | undefined;
}

/** Places in the shared memory. */
const BEAT = 0, HANDS_OFF = 1, CLOSED = 2;
/** Beats between two looks for a debugger: a look costs 3 to 7 microseconds. */
const DEBUGGER_EVERY = 16;
/** The least time between two stops: an application that pauses all the time is not stopped all the time. */
const GAP_MS = 5_000;
/** Memory of the thread: its messages name every script that is loaded. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 };

/** Makes the watcher, of Node's built-ins. */
export function watchdog(builtin: <T>(id: string) => T): StackWatcher {
  return { method: "watchdog", unasked: true, watch: (options) => watch(builtin, options) };
}

function watch(builtin: <T>(id: string) => T, options: StackWatchOptions): StackWatch {
  const { Worker, isMainThread } = builtin<Threads>("node:worker_threads");
  if (!isMainThread) throw new Error("the main thread alone can be watched");
  const inspector = builtin<Inspector>("node:inspector");
  const shared = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const thread = new Worker(`(${main})(require, ${JSON.stringify({ BEAT, HANDS_OFF, CLOSED })})`, {
    eval: true,
    name: "ballast-watchdog",
    workerData: { shared, silentMs: options.intervalMs + options.pauseMs / 2, gapMs: GAP_MS },
    execArgv: [],
    env: {},
    resourceLimits: RESOURCE_LIMITS,
  });
  let closed = false;
  function end(reason?: string): void {
    if (closed) return;
    closed = true;
    Atomics.store(shared, CLOSED, 1);
    Atomics.notify(shared, BEAT);
    if (reason !== undefined) options.onFailure(reason);
  }
  thread.on("message", ({ beat, frames }) => {
    if (!closed) options.onStack(beat, { frames, samples: 1, of: 1 } satisfies BlockedStack);
  });
  thread.on("error", (error) => end(errorMessage(error)));
  thread.on("exit", () => end("its thread has ended"));
  thread.unref();
  return {
    beat(beat) {
      if (closed) return;
      if (beat % DEBUGGER_EVERY === 0) {
        Atomics.store(shared, HANDS_OFF, inspector.url() === undefined ? 0 : 1);
      }
      Atomics.store(shared, BEAT, beat);
      Atomics.notify(shared, BEAT);
    },
    paused() {},
    close() {
      if (closed) return;
      end();
      void thread.terminate().catch(() => {});
    },
  };
}

/** What is known of a call on the stack. */
interface CallFrame {
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
}
interface Session {
  connectToMainThread(): void;
  disconnect(): void;
  post(method: string): void;
  on(event: string, listener: (message: { readonly params: never }) => void): void;
}

/**
 * The thread's program. Its text is all that reaches the thread: it must use nothing from outside but its parameters.
 */
function main(
  require: (id: string) => unknown,
  at: { readonly BEAT: number; readonly HANDS_OFF: number; readonly CLOSED: number },
): void {
  const { workerData, parentPort } = require("node:worker_threads") as {
    workerData: { shared: Int32Array<SharedArrayBuffer>; silentMs: number; gapMs: number };
    parentPort: { postMessage(message: unknown): void };
  };
  const { Session } = require("node:inspector") as { Session: new () => Session };
  const { performance } = globalThis;
  const { setTimeout: later } = globalThis;
  const { shared, silentMs, gapMs } = workerData;
  let stoppedAt = -Infinity;

  function wait(): void {
    while (Atomics.load(shared, at.CLOSED) === 0) {
      const beat = Atomics.load(shared, at.BEAT);
      if (Atomics.wait(shared, at.BEAT, beat, silentMs) !== "timed-out") continue;
      // The first beat has not come, or a debugger may hold the thread.
      const early = performance["now"]() - stoppedAt < gapMs;
      if (beat !== 0 && !early && Atomics.load(shared, at.HANDS_OFF) === 0) return stop(beat);
      Atomics.wait(shared, at.BEAT, beat, 60_000);
    }
  }

  function stop(beat: number): void {
    const urls = new Map<string, string>();
    const session = new Session();
    let done = false;
    const finish = () => {
      if (done) return;
      done = true;
      session.disconnect();
      // Until the thread beats again there is nothing more to learn.
      Atomics.wait(shared, at.BEAT, beat, 60_000);
      wait();
    };
    session.on("Debugger.scriptParsed", ({ params }) => {
      const { scriptId, url } = params as { scriptId: string; url: string };
      urls.set(scriptId, url);
    });
    session.on("Debugger.paused", ({ params }) => {
      const { callFrames, reason } = params as { callFrames: CallFrame[]; reason: string };
      // A breakpoint, or a stop that came too late, in what follows the pause, would accuse the innocent.
      const ours = reason === "other" && Atomics.load(shared, at.BEAT) === beat;
      const frames = callFrames.slice(0, 32).map(({ functionName, location }) => {
        const place = `${urls.get(location.scriptId) || "?"}:${location.lineNumber + 1}:${
          location.columnNumber + 1
        }`;
        return `${functionName || "(anonymous)"} (${place})`;
      });
      session.post("Debugger.resume");
      if (ours && frames.length > 0) {
        stoppedAt = performance["now"]();
        parentPort.postMessage({ beat, frames });
      }
      finish();
    });
    session.connectToMainThread();
    session.post("Debugger.enable");
    session.post("Debugger.pause");
    // What blocks in native code cannot be stopped until it returns. Leaving takes the request back.
    later(finish, 2_000);
  }

  wait();
}
