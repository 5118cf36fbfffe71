/**
 * Time, as everything in Ballast sees it: injected, so that a week passes in a test within a second, and carried
 * by one real timer however many are pending.
 *
 * The only module that reads the machine's time, sets a real timer or draws a random number.
 *
 * @module
 */

import { checkNumber } from "./errors.ts";
import { TimerWheel, type WheelTimer } from "./timer_wheel.ts";

/** A timer that has been set. */
export interface Timer {
  /** Takes it back; a timer that has fired or was cancelled stays so. */
  cancel(): void;
}

/** How a timer is set. */
export interface ScheduleOptions {
  /**
   * Whether the process stays alive for it. Right for a timer that a caller awaits; a background timer must not.
   *
   * @default false
   */
  readonly keepAlive?: boolean;
}

/** The time, timers and chance of one platform. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch: for people and protocols. It may jump. */
  now(): number;
  /** Milliseconds since some moment, never going back: for ages and durations. */
  monotonic(): number;
  /** A number in [0, 1), for jitter. Not for secrets. */
  random(): number;
  /** Calls `callback` once, no sooner than `delayMs` from now. */
  schedule(delayMs: number, callback: () => void, options?: ScheduleOptions): Timer;
  /**
   * Calls `listener` when the wall clock has moved against the monotonic one by a second or more: the machine was
   * suspended, or its clock was set. Found out within 30 s while any timer is pending. Returns what unsubscribes.
   */
  onJump(listener: (jumpMs: number) => void): () => void;
  /** Timers pending. */
  readonly pending: number;
  /**
   * Runs the background timers that have come due: there where nothing runs between requests, so that whoever looks at what
   * they change has to call it first. Absent where they run by themselves.
   */
  readonly catchUp?: () => void;
}

/** Where a clock takes its time from; {@linkcode createWheelClock} adds the timers. */
export interface TimeSource {
  now(): number;
  monotonic(): number;
  random(): number;
  /** Asks for `wake` to be called in `delayMs`, in place of any wake-up asked for before. */
  arm(delayMs: number, wake: () => void): void;
  /** Takes the wake-up back. */
  disarm(): void;
  /** Says whether the wake-up keeps the process alive, now and when armed again. */
  hold(alive: boolean): void;
}

/** Timers longer than this would be a mistake: a hundred years. */
export const MAX_DELAY_MS = 100 * 365 * 86_400_000;
/** The longest sleep between two looks at the clocks, so that a suspension is noticed. */
const MAX_SLEEP_MS = 30_000;
/** The least difference between the clocks that is a jump, and no drift. */
const JUMP_MS = 1_000;
/** How late a wake-up may be. */
const LOST_MS = 5_000;

/** A clock and the means to move it on, for those who make clocks. */
export interface WheelClock {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Compares the wall clock with the monotonic one and tells the listeners of a jump. */
  checkJump(): void;
}

/** Puts one timer wheel on a source of time. */
export function createWheelClock(source: TimeSource): WheelClock {
  const wheel = new TimerWheel();
  const listeners = new Set<(jumpMs: number) => void>();
  let armedFor = Infinity;
  let held = 0;
  let offset = source.now() - source.monotonic();

  function wake(): void {
    armedFor = Infinity;
    checkJump();
    wheel.advance(source.monotonic());
    arm();
  }

  function arm(): void {
    const next = wheel.nextDeadline();
    const now = source.monotonic();
    // A wake-up long overdue was lost: somebody replaced the timers of the process, and put them back.
    if (next >= armedFor && now < armedFor + LOST_MS) return;
    armedFor = Math.min(next, now + MAX_SLEEP_MS);
    source.arm(Math.max(1, armedFor - now), wake);
  }

  function release(alive: boolean): void {
    if (alive && --held === 0) source.hold(false);
    if (wheel.size === 0 && armedFor !== Infinity) {
      armedFor = Infinity;
      source.disarm();
    }
  }

  function checkJump(): void {
    const seen = source.now() - source.monotonic();
    const jumpMs = seen - offset;
    offset = seen;
    if (Math.abs(jumpMs) < JUMP_MS) return;
    for (const listener of [...listeners]) {
      try {
        listener(jumpMs);
      } catch (error) {
        // Uncaught, as a timer's would be; the timers and the other listeners go on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  const clock: Clock = {
    now: () => source.now(),
    monotonic: () => source.monotonic(),
    random: () => source.random(),
    schedule(delayMs, callback, { keepAlive = false } = {}) {
      checkNumber("delayMs", delayMs, { max: MAX_DELAY_MS });
      if (wheel.size === 0) checkJump();
      if (keepAlive && held++ === 0) source.hold(true);
      const timer: WheelTimer = wheel.insert(source.monotonic() + delayMs, () => {
        release(keepAlive);
        callback();
      });
      arm();
      return {
        cancel() {
          if (wheel.remove(timer)) release(keepAlive);
        },
      };
    },
    onJump(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get pending() {
      return wheel.size;
    },
  };
  return { clock, wheel, checkJump };
}

let runDetached = <R>(fn: () => R): R => fn();

/**
 * Calls `fn` outside of every flow of asynchronous calls, where the runtime follows them: what it sets off belongs to nobody.
 * So the one timer that serves all is set: otherwise each callback would run in the flow of whoever happened to set it,
 * and a refresh in the background would log under the trace of some unlucky request, and keep its locals from being collected.
 */
export function detached<R>(fn: () => R): R {
  return runDetached(fn);
}

/** How that is done: said by the port, when it is loaded. */
export function setDetached(run: <R>(fn: () => R) => R): void {
  runDetached = run;
}

/** A timer handle that can stop holding its process alive: Node's, Bun's and Deno's; on the web it is a number. */
type Handle = { ref?(): void; unref?(): void } | number;

function machineTime(): TimeSource {
  let handle: Handle | undefined;
  let alive = false;
  const apply = () => {
    if (typeof handle === "object") alive ? handle.ref?.() : handle.unref?.();
  };
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    arm(delayMs, wake) {
      if (handle !== undefined) clearTimeout(handle as number);
      const set = () =>
        setTimeout(() => {
          handle = undefined;
          wake();
        }, delayMs) as Handle;
      handle = detached(set);
      apply();
    },
    disarm() {
      if (handle !== undefined) clearTimeout(handle as number);
      handle = undefined;
    },
    hold(value) {
      alive = value;
      apply();
    },
  };
}

/** Time, and timers that are each set by themselves. */
export type TimerSource = Pick<Clock, "now" | "monotonic" | "random" | "schedule">;

/** What `setTimeout` takes; more would come at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's own timers, a real one for each that is set: for runtimes where a timer belongs to the request that set it. */
export function machineTimers(): TimerSource {
  const { now, monotonic, random } = machineTime();
  return {
    now,
    monotonic,
    random,
    schedule(delayMs, callback) {
      checkNumber("delayMs", delayMs, { max: MAX_DELAY_MS });
      const handle = setTimeout(callback, Math.min(Math.ceil(delayMs), MAX_TIMEOUT_MS)) as Handle;
      return { cancel: () => clearTimeout(handle as number) };
    },
  };
}

/** The machine's own clock: one per process, idle (no timer set) until something is scheduled. */
export const systemClock: Clock = createWheelClock(machineTime()).clock;
