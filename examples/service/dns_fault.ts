/**
 * The ways in which a name server lets its clients down, to be switched on and off while it runs.
 *
 * @module
 */

import { normalize } from "./dns_zone.ts";

/** What goes wrong, and for which names. */
export type DnsFault =
  & (
    /** Nothing. */
    | { readonly mode: "ok" }
    /** No reply at all. */
    | { readonly mode: "drop" }
    /** The right reply, too late. */
    | { readonly mode: "delay"; readonly delayMs: number }
    /** The server says that it failed (SERVFAIL). */
    | { readonly mode: "servfail" }
    /** The server says that it does not want to (REFUSED). */
    | { readonly mode: "refused" }
    /** The server says that there is no such name (NXDOMAIN). */
    | { readonly mode: "nxdomain" }
    /** The server says that the name has no such record (NODATA). */
    | { readonly mode: "empty" }
    /** Every UDP reply says that it is cut short and asks for TCP, where all is well. */
    | { readonly mode: "truncate" }
    /** The right reply under the wrong id: a careful client goes on waiting. */
    | { readonly mode: "wrong-id" }
    /** The right id, and behind it nothing that makes sense. */
    | { readonly mode: "garbage" }
  )
  & {
    /** Only these names, as the query asks for them; the others are answered well. @default every name */
    readonly names?: readonly string[];
  };

const MODES: readonly DnsFault["mode"][] = [
  "ok",
  "drop",
  "delay",
  "servfail",
  "refused",
  "nxdomain",
  "empty",
  "truncate",
  "wrong-id",
  "garbage",
];
/** No client waits longer than this. */
const MAX_DELAY_MS = 3_600_000;

/** No fault at all. */
export const NO_FAULT: DnsFault = { mode: "ok" };

/**
 * Returns a copy of `fault`, with its names as the zone knows them.
 *
 * @throws {TypeError} when there is no such mode, or the delay is not a usable number of milliseconds
 */
export function checkFault(fault: DnsFault): DnsFault {
  if (!MODES.includes(fault.mode)) {
    throw new TypeError(`mode must be one of ${MODES.join(", ")}, got ${JSON.stringify(fault.mode)}`);
  }
  if (fault.mode === "delay" && !(fault.delayMs >= 0 && fault.delayMs <= MAX_DELAY_MS)) {
    throw new TypeError(`delayMs must be a number from 0 to ${MAX_DELAY_MS}, got ${fault.delayMs}`);
  }
  return fault.names === undefined ? { ...fault } : { ...fault, names: fault.names.map(normalize) };
}

/** The fault that a query for `name` meets. */
export function faultFor(name: string, fault: DnsFault): DnsFault {
  return fault.names === undefined || fault.names.includes(normalize(name)) ? fault : NO_FAULT;
}

/** The reply under another id. */
export function withWrongId(reply: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(reply);
  bytes[1]! ^= 0xff;
  return bytes;
}

/** Bytes that no DNS parser accepts, under the reply's id: every count at its largest, and no records. */
export function asGarbage(reply: Uint8Array): Uint8Array {
  return new Uint8Array(32).fill(0xff).fill(reply[0]!, 0, 1).fill(reply[1]!, 1, 2);
}
