/**
 * The state of a name: one word for its two records.
 *
 * @module
 */

import type { Tone } from "../report.ts";
import type { NameSnapshot, RecordSnapshot } from "./snapshot.ts";

/** What is held of a record, or of a name. */
export type State = RecordSnapshot["state"];

/** The states, the worst first. */
export const STATES: readonly { readonly state: State; readonly tone: Tone }[] = [
  { state: "failed", tone: "bad" },
  { state: "stale", tone: "warning" },
  { state: "nonexistent", tone: "warning" },
  { state: "unresolved", tone: "neutral" },
  { state: "empty", tone: "neutral" },
  { state: "fresh", tone: "good" },
];

/** How a state feels. */
export function toneOf(state: State): Tone {
  return STATES.find((known) => known.state === state)!.tone;
}

/** The state that matters most to who asks for a name: what is held, before what is missing. */
export function stateOf({ records }: NameSnapshot): State {
  for (const state of ["stale", "fresh", "nonexistent", "failed", "unresolved", "empty"] as const) {
    if (records.some((record) => record.state === state)) return state;
  }
  return "unresolved";
}

/** A record that has nothing while the other one serves is just not there: no trouble, and no news. */
export function isMissing(name: NameSnapshot, record: RecordSnapshot): boolean {
  return record.addresses.length === 0 && name.records.some(({ addresses }) => addresses.length > 0);
}
