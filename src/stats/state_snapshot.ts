/**
 * State statistics as plain JSON.
 *
 * @module
 */

import { checkInteger, checkNumber, show } from "../errors.ts";
import { checkSnapshot, type DistributionSnapshot } from "./distribution_snapshot.ts";

/** One state, and what was spent in it. */
export interface StateSnapshot {
  /** Its name. */
  readonly state: string;
  /** Machines in it. */
  readonly current: number;
  /** How often one came into it. */
  readonly entered: number;
  /** The time of all machines in it together, those that still are in it included. */
  readonly totalMs: number;
  /** How long the stays were that have ended. */
  readonly stays: DistributionSnapshot;
}

/** How often machines went from one state to another. */
export interface Transition {
  /** The state that was left. */
  readonly from: string;
  /** The state that was entered. */
  readonly to: string;
  /** How often. */
  readonly count: number;
}

/** The states of many machines at one moment. */
export interface StatesSnapshot {
  /** Machines that began. */
  readonly started: number;
  /** Machines that ended. */
  readonly ended: number;
  /** How long all of them have been there, together: what the times of the states add up to. */
  readonly lifetimeMs: number;
  /** The states, in the order in which they came up. */
  readonly states: readonly StateSnapshot[];
  /** What led from one to another. */
  readonly transitions: readonly Transition[];
}

/** A snapshot has no more states than this. */
const MAX_STATES = 1_001;
/** Nor is a name longer than this. */
const MAX_NAME = 51;

/**
 * Returns what came over a wire as the snapshot it claims to be.
 *
 * @throws {TypeError} when it is none
 * @throws {RangeError} when a number in it is out of bounds
 */
export function checkStates(given: unknown): StatesSnapshot {
  if (given === null || typeof given !== "object") {
    throw new TypeError(`a snapshot of states must be an object, got ${show(given)}`);
  }
  const snapshot = given as StatesSnapshot;
  checkInteger("started", snapshot.started);
  checkInteger("ended", snapshot.ended);
  checkFinite("lifetimeMs", snapshot.lifetimeMs);
  for (const list of ["states", "transitions"] as const) {
    if (!Array.isArray(snapshot[list])) {
      throw new TypeError(`${list} must be a list, got ${show(snapshot[list])}`);
    }
  }
  const names = new Set<string>();
  checkInteger("the number of states", snapshot.states.length, { max: MAX_STATES });
  for (const state of snapshot.states) {
    names.add(checkText("state", state?.state));
    checkInteger("current", state.current);
    checkInteger("entered", state.entered);
    checkFinite("totalMs", state.totalMs);
    if (checkSnapshot(state.stays).unit !== "ms") throw new TypeError(`stays must be in "ms"`);
  }
  checkInteger("the number of transitions", snapshot.transitions.length, { max: names.size ** 2 });
  for (const transition of snapshot.transitions) {
    for (const end of [checkText("from", transition?.from), checkText("to", transition.to)]) {
      if (!names.has(end)) throw new TypeError(`a transition must be between the states, got ${show(end)}`);
    }
    checkInteger("count", transition.count);
  }
  return snapshot;
}

function checkFinite(name: string, value: unknown): number {
  return checkNumber(name, value, { max: Number.MAX_VALUE });
}

function checkText(name: string, value: unknown): string {
  if (typeof value === "string" && value.length <= MAX_NAME) return value;
  throw new TypeError(`${name} must be a text of at most ${MAX_NAME} characters, got ${show(value)}`);
}
