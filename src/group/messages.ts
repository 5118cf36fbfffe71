/**
 * What a supervisor and its children say to each other: plain JSON, over the channel that a child is started with.
 *
 * Both are the same program, but not always of one release: a child is started from what lies on the disk by then. So the first word
 * has a version, and what is not understood is left alone.
 *
 * @module
 */

import type { Report } from "../report.ts";

/** Changes when an older supervisor could not work with a newer child. */
export const PROTOCOL_VERSION = 1;

/** The variable by which a child knows that it is one; taken out of its environment when it is read. */
export const CHILD_MARKER = "BALLAST_GROUP_CHILD";

/** What a child is told by its environment. */
export interface ChildMarker {
  /** {@linkcode PROTOCOL_VERSION} of the supervisor. */
  readonly version: number;
  /** The group's name. */
  readonly group: string;
  /** The child's number, counted from 1: no two have the same. */
  readonly id: number;
  /** Where the group listens, by the names of the listeners: ports that were 0 are known by now. */
  readonly listeners: readonly MarkedListener[];
}

/** A listener that the supervisor holds. */
export interface MarkedListener {
  /** What it is called. */
  readonly name: string;
  /** Where it listens; 0 for a unix socket. */
  readonly port: number;
}

/** What a supervisor says. */
export type ToChild =
  /** Take this connection, which comes along. */
  | { readonly type: "connection"; readonly id: number; readonly listener: string }
  /** Finish what you have, then end. */
  | { readonly type: "drain"; readonly timeoutMs: number }
  /** Tell how you are. */
  | { readonly type: "gather" }
  /** Read your certificates again. */
  | { readonly type: "reload" }
  /** Have a component carry out an action. */
  | {
    readonly type: "act";
    readonly id: number;
    readonly report: string;
    readonly action: string;
    readonly args: Readonly<Record<string, string>>;
  };

/** What a child says. */
export type ToSupervisor =
  /** I have begun. */
  | { readonly type: "hello"; readonly version: number }
  /** I can take connections. */
  | { readonly type: "ready" }
  /** I cannot start. */
  | { readonly type: "failed"; readonly message: string }
  /** I am alive. */
  | ({ readonly type: "heartbeat" } & Vitals)
  /** I have your last word that was no connection: those may come again. */
  | { readonly type: "heard" }
  /** I have that connection. */
  | { readonly type: "took"; readonly id: number }
  /** That connection did not come along with its message. */
  | { readonly type: "missed"; readonly id: number }
  /** Somebody else told me to end: send me nothing more. */
  | { readonly type: "leaving" }
  /** I have finished. */
  | { readonly type: "drained"; readonly finished: number; readonly cut: number }
  /** How I am: every report, and the statistics as the text of {@linkcode encodeStats}. */
  | { readonly type: "gathered"; readonly reports: readonly Report[]; readonly stats: string }
  /** What came of an action. */
  | { readonly type: "acted"; readonly id: number; readonly result?: unknown; readonly error?: string };

/** How a child is, at one moment. */
export interface Vitals {
  /** Resident memory. */
  readonly rssBytes: number;
  /** Live objects and garbage on the heap. */
  readonly heapBytes: number;
  /** Requests so far. */
  readonly requests: number;
  /** Requests under way. */
  readonly inFlight: number;
  /** Connections that are open. */
  readonly connections: number;
  /** How late the event loop was for this word. */
  readonly lagMs: number;
}

type Loose = { readonly [key: string]: unknown };

const KEYS: Readonly<Record<ToChild["type"] | ToSupervisor["type"], Readonly<Record<string, string>>>> = {
  connection: { id: "number", listener: "string" },
  drain: { timeoutMs: "number" },
  gather: {},
  reload: {},
  act: { id: "number", report: "string", action: "string", args: "object" },
  hello: { version: "number" },
  ready: {},
  failed: { message: "string" },
  heartbeat: {
    rssBytes: "number",
    heapBytes: "number",
    requests: "number",
    inFlight: "number",
    connections: "number",
    lagMs: "number",
  },
  heard: {},
  took: { id: "number" },
  missed: { id: "number" },
  leaving: {},
  drained: { finished: "number", cut: "number" },
  gathered: { reports: "object", stats: "string" },
  acted: { id: "number" },
};

/**
 * The message that was sent, or undefined for what is none of ours: the program may use the channel for messages of its own, which
 * have no `ballast` in them.
 */
export function readMessage<M extends ToChild | ToSupervisor>(given: unknown): M | undefined {
  const message = (given as { readonly ballast?: Loose } | null)?.ballast;
  if (message === null || typeof message !== "object") return undefined;
  const { type } = message;
  const keys = typeof type === "string" && Object.hasOwn(KEYS, type)
    ? KEYS[type as keyof typeof KEYS]
    : undefined;
  if (keys === undefined) return undefined;
  for (const [key, kind] of Object.entries(keys)) {
    const value = message[key];
    if (value === null || typeof value !== kind) return undefined;
  }
  return message as unknown as M;
}

/** A message as it is sent. */
export function envelope(message: ToChild | ToSupervisor): { readonly ballast: ToChild | ToSupervisor } {
  return { ballast: message };
}

/** The marker that an environment carries. @throws {Error} when it is none, or of another release's protocol */
export function readMarker(text: string): ChildMarker {
  const marker = JSON.parse(text) as ChildMarker;
  if (marker.version !== PROTOCOL_VERSION) {
    throw new Error(
      `this child speaks version ${PROTOCOL_VERSION} of the group's protocol, its supervisor version ${marker.version}: ` +
        "restart the whole group",
    );
  }
  return marker;
}
