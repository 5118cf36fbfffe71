/**
 * How long state machines of one kind stay in each state, and how they go from one to another.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger } from "../errors.ts";
import { createDistribution, type Distribution } from "./distribution.ts";
import { checkStates, type StateSnapshot, type StatesSnapshot, type Transition } from "./state_snapshot.ts";
import { shorten } from "./shorten.ts";

/** How state statistics are made. */
export interface StateStatsOptions {
  /** Where the time is taken from, unless it is given. @default the machine's clock */
  readonly clock?: Pick<Clock, "now" | "monotonic">;
  /** States that are told apart; all further ones are "other". @default 32 */
  readonly maxStates?: number;
}

/** One state machine under way. Moments are of the clock's monotonic time, in milliseconds; now, where none is given. */
export interface TimedMachine {
  /** The state it is in; the last one, once it has ended. */
  readonly state: string;
  /** It goes into another state, or into the same one again. Once it has ended, nothing happens. */
  to(state: string, monotonicMs?: number): void;
  /** It is no more. Only the first call counts. */
  end(monotonicMs?: number): void;
}

/** The states of many machines of one kind, and the time they spend in each. */
export interface StateStats {
  /** Machines under way here. */
  readonly machines: number;
  /** A machine begins, in `state`. Nothing keeps hold of it: one that is forgotten stays in its last state for good. */
  start(state: string, monotonicMs?: number): TimedMachine;
  /**
   * Adds the snapshot of others. Counts are exact, times within rounding.
   *
   * @throws {TypeError} when it is no snapshot
   */
  merge(other: StateStats | StatesSnapshot): void;
  /**
   * Counts machines that are under way elsewhere as current, by their states; `read` is called whenever somebody looks. Their times and
   * transitions come by {@linkcode StateStats.merge}. Returns what ends that.
   */
  observe(read: () => Iterable<readonly [state: string, current: number]>): () => void;
  /** Forgets all times and counts, but not the machines under way: their time goes on from here. */
  reset(): void;
  /** Everything, as plain JSON. The times of all states together are the lifetimes of all machines together. */
  snapshot(): StatesSnapshot;
}

/** Longer names of states are cut. */
const MAX_STATE_LENGTH = 50;

interface State {
  readonly name: string;
  readonly stays: Distribution;
  /** By the name of the state that was entered next. */
  readonly transitions: Map<string, number>;
  current: number;
  entered: number;
  /** Machines of merged snapshots that were in it then; their time does not go on here. */
  elsewhere: number;
  /** Of all machines together, up to `countedTo`. */
  totalMs: number;
  countedTo: number;
}

/**
 * Makes empty state statistics.
 *
 * @example Where do connections spend their time?
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStateStats } from "@ballast/runtime/stats";
 * import { simulatedClock } from "@ballast/runtime/testing";
 *
 * const clock = simulatedClock();
 * const connections = createStateStats({ clock });
 * const connection = connections.start("connecting");
 * await clock.advance(30);
 * connection.to("pooled");
 * await clock.advance(70);
 * const { states, lifetimeMs } = connections.snapshot();
 * assert.deepEqual(states.map(({ state, totalMs }) => [state, totalMs]), [["connecting", 30], ["pooled", 70]]);
 * assert.equal(lifetimeMs, 100);
 * ```
 */
export function createStateStats(options: StateStatsOptions = {}): StateStats {
  const { clock = systemClock } = options;
  const maxStates = checkInteger("maxStates", options.maxStates ?? 32, { min: 1, max: 1_000 });
  const states = new Map<string, State>();
  const observed = new Set<() => Iterable<readonly [state: string, current: number]>>();
  let started = 0;
  let ended = 0;
  let machines = 0;
  let lifetimeMs = 0;
  /** One time for all, which never goes back: otherwise the same second would count in two states. */
  let now = -Infinity;

  function advance(monotonicMs: number | undefined): void {
    const given = monotonicMs ?? clock.monotonic();
    if (!(given > now)) return;
    if (machines > 0) lifetimeMs += machines * (given - now);
    now = given;
  }

  function stateOf(name: string): State {
    const wanted = shorten(String(name), MAX_STATE_LENGTH);
    const key = states.has(wanted) || states.size < maxStates ? wanted : "other";
    let state = states.get(key);
    if (state === undefined) {
      const stays = createDistribution({ unit: "ms", clock });
      const counts = { current: 0, entered: 0, elsewhere: 0, totalMs: 0, countedTo: now };
      state = { name: key, stays, transitions: new Map(), ...counts };
      states.set(key, state);
    }
    return state;
  }

  function countUp(state: State): State {
    if (state.current > 0) state.totalMs += state.current * (now - state.countedTo);
    state.countedTo = now;
    return state;
  }

  function enter(name: string): State {
    const state = countUp(stateOf(name));
    state.current++;
    state.entered++;
    return state;
  }

  function leave(state: State, since: number): void {
    countUp(state).current--;
    state.stays.add(now - since);
  }

  function start(first: string, monotonicMs?: number): TimedMachine {
    advance(monotonicMs);
    started++;
    machines++;
    let state = enter(first);
    let since = now;
    let isOver = false;
    return {
      get state() {
        return state.name;
      },
      to(next, monotonicMs) {
        if (isOver) return;
        advance(monotonicMs);
        leave(state, since);
        const entered = enter(next);
        state.transitions.set(entered.name, (state.transitions.get(entered.name) ?? 0) + 1);
        state = entered;
        since = now;
      },
      end(monotonicMs) {
        if (isOver) return;
        advance(monotonicMs);
        leave(state, since);
        isOver = true;
        machines--;
        ended++;
      },
    };
  }

  function merge(other: StateStats | StatesSnapshot): void {
    const merged = checkStates("start" in other ? other.snapshot() : other);
    advance(undefined);
    started += merged.started;
    ended += merged.ended;
    lifetimeMs += merged.lifetimeMs;
    for (const { state: name, current, entered, totalMs, stays } of merged.states) {
      const state = stateOf(name);
      state.elsewhere += current;
      state.entered += entered;
      state.totalMs += totalMs;
      state.stays.merge(stays);
    }
    for (const { from, to, count } of merged.transitions) {
      const { transitions } = stateOf(from);
      const { name } = stateOf(to);
      transitions.set(name, (transitions.get(name) ?? 0) + count);
    }
  }

  function observedByState(): Map<State, number> {
    const counts = new Map<State, number>();
    for (const read of observed) {
      for (const [name, current] of read()) {
        const state = stateOf(name);
        counts.set(state, (counts.get(state) ?? 0) + current);
      }
    }
    return counts;
  }

  function reset(): void {
    advance(undefined);
    started = ended = lifetimeMs = 0;
    for (const [name, state] of states) {
      if (state.current === 0) {
        states.delete(name);
        continue;
      }
      state.stays.reset();
      state.transitions.clear();
      state.entered = state.elsewhere = state.totalMs = 0;
      state.countedTo = now;
    }
  }

  return {
    get machines() {
      return machines;
    },
    start,
    merge,
    observe(read) {
      observed.add(read);
      return () => void observed.delete(read);
    },
    reset,
    snapshot() {
      advance(undefined);
      const others = observedByState();
      const all = [...states.values()].map(countUp);
      return {
        started,
        ended,
        lifetimeMs,
        states: all.map((state) => snapshotOf(state, others.get(state) ?? 0)),
        transitions: all.flatMap(transitionsOf),
      };
    },
  };
}

function snapshotOf(
  { name, current, elsewhere, entered, totalMs, stays }: State,
  observed: number,
): StateSnapshot {
  return { state: name, current: current + elsewhere + observed, entered, totalMs, stays: stays.snapshot() };
}

function transitionsOf({ name, transitions }: State): Transition[] {
  return [...transitions].map(([to, count]) => ({ from: name, to, count }));
}
