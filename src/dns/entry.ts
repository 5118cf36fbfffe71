/**
 * The state machine of one record: what is held for one name and one record type, and what becomes of it when a query
 * settles or time passes. Pure: no timers, no queries; times are `clock.monotonic()`.
 *
 * ```text
 * unresolved --addresses--> fresh --staleAt--> stale --expiresAt--> unresolved
 *      |                      ^  ^               |
 *      |                      |  +---addresses---+          (a failure changes neither fresh nor stale)
 *      +--nonexistent/empty--> absent --until--> unresolved  (a held answer too, once confirmed)
 *      +--failed/ambiguous---> failed --until--> unresolved
 * ```
 *
 * @module
 */

import type { DnsAnswer } from "../platform/port.ts";

/** What is held for one name and record type. */
export type Entry =
  | { readonly state: "unresolved" }
  | Held<"fresh">
  | Held<"stale">
  | { readonly state: "absent"; readonly verdict: "nonexistent" | "empty"; readonly until: number }
  | { readonly state: "failed"; readonly failure: Failure; readonly until: number };

/** An answer with addresses. */
export interface Held<State extends "fresh" | "stale" = "fresh" | "stale"> {
  readonly state: State;
  /** At least one. */
  readonly addresses: readonly string[];
  /** When it was last confirmed. */
  readonly since: number;
  /** When it ceases to be fresh. */
  readonly staleAt: number;
  /** When it may no longer be used (RFC 8767). */
  readonly expiresAt: number;
}

/** Why there is no answer. */
export interface Failure {
  /** `ambiguous`: the name may not exist, or its servers may fail; the resolver cannot tell. */
  readonly verdict: "failed" | "ambiguous";
  readonly reason: string;
  readonly timedOut: boolean;
}

/** What came of one lookup, all its attempts included. */
export type Outcome = Exclude<DnsAnswer, { verdict: "failed" | "ambiguous" }> | Failure;

/** How long what is known for. All in milliseconds. */
export interface Policy {
  readonly refreshMs: number;
  readonly maxStaleMs: number;
  readonly negativeMs: number;
  readonly failureMs: number;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
}

/** Where every record starts. */
export const UNRESOLVED: Entry = { state: "unresolved" };

/** Whether there are addresses to give. */
export function isHeld(entry: Entry): entry is Held {
  return entry.state === "fresh" || entry.state === "stale";
}

/** What is held once a lookup has settled. */
export function settle(entry: Entry, outcome: Outcome, now: number, policy: Policy): Entry {
  switch (outcome.verdict) {
    case "addresses": {
      const staleAt = now + lifetime(outcome.ttlMs, policy);
      const { addresses } = outcome;
      return { state: "fresh", addresses, since: now, staleAt, expiresAt: staleAt + policy.maxStaleMs };
    }
    case "nonexistent":
    case "empty": {
      // RFC 2308, 5: the negative TTL of the zone, but no longer than ours.
      const until = now + Math.min(outcome.ttlMs ?? Infinity, policy.negativeMs);
      return { state: "absent", verdict: outcome.verdict, until };
    }
    case "failed":
    case "ambiguous":
      // A failure says nothing against what is known.
      if (isHeld(entry) || entry.state === "absent") return entry;
      return { state: "failed", failure: outcome, until: now + policy.failureMs };
  }
}

/** What is held at a later time, nothing else having happened. The same object when nothing changed. */
export function age(entry: Entry, now: number): Entry {
  switch (entry.state) {
    case "unresolved":
      return entry;
    case "fresh":
      if (now < entry.staleAt) return entry;
      return age({ ...entry, state: "stale" }, now);
    case "stale":
      return now < entry.expiresAt ? entry : UNRESOLVED;
    case "absent":
    case "failed":
      return now < entry.until ? entry : UNRESOLVED;
  }
}

/** When {@linkcode age} will change it next. */
export function changesAt(entry: Entry): number {
  switch (entry.state) {
    case "unresolved":
      return Infinity;
    case "fresh":
      return entry.staleAt;
    case "stale":
      return entry.expiresAt;
    case "absent":
    case "failed":
      return entry.until;
  }
}

/** The same entry, older by `ms`: the machine slept, and the monotonic clock with it. */
export function older(entry: Entry, ms: number): Entry {
  switch (entry.state) {
    case "unresolved":
      return entry;
    case "fresh":
    case "stale": {
      const { since, staleAt, expiresAt } = entry;
      return { ...entry, since: since - ms, staleAt: staleAt - ms, expiresAt: expiresAt - ms };
    }
    case "absent":
    case "failed":
      return { ...entry, until: entry.until - ms };
  }
}

/** How long an answer is fresh: a TTL within its bounds, `refreshMs` where none is known. */
function lifetime(ttlMs: number | undefined, policy: Policy): number {
  if (ttlMs === undefined) return policy.refreshMs;
  return Math.min(policy.maxTtlMs, Math.max(policy.minTtlMs, ttlMs));
}
