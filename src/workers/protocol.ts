/**
 * What a pool and its workers say to each other.
 *
 * Calls and results travel in flat lists, one list for all of a turn: structured cloning costs by the object, so a call is
 * a few places in a list and no object of its own. Nothing carries an id. A worker takes calls in the order in which they
 * were handed to it, and answers every one of them in that order, so both sides count them: the number of a call is its
 * place, and that, modulo {@linkcode SLOTS}, is its slot in the memory they share (see `cell.ts`).
 *
 * @module
 */

import type { ChannelPort } from "../platform/port.ts";
import type { LogRecord } from "../log/mod.ts";
import type { MetricSnapshot } from "../stats/mod.ts";
import type { WireError } from "./wire_error.ts";

/** Both sides must be of one version: a pool and its workers load the same package, so another one is a mistake. */
export const PROTOCOL_VERSION = 1;

/** Calls in the hands of one worker, at most: a power of two. */
export const SLOTS = 1024;

/** Calls or results in one list: the other side begins while the next list is made. */
export const LIST_LENGTH = 256;

/*
 * To a worker: a list of entries, each of `[what, head, ...values]`.
 *   what >= 0  a call of the function of that number; head = values * 2, plus 1 when the call is guarded
 *   DEFINE     function number, URL of its module, its name there
 *   FRAME      what the next calls carry along; undefined for nothing
 *   SKIP       a call that could not be sent after all: it is counted, and answered as skipped
 */
/** @see the list above */
export const DEFINE = -1;
/** @see the list above */
export const FRAME = -2;
/** @see the list above */
export const SKIP = -3;

/*
 * A list that is nothing but a call without arguments is that number alone: runtimes send numbers for less than half the price.
 *
 * From a worker: a list of values, one for each call in turn, what was thrown as a WireError (`wire_error.ts`); one whole number may
 * come without a list, and one that is undefined comes as NOTHING. How a call ended is in the cell. Where memory is not shared there is no list: see `answer`.
 */

/** @see the list above */
export const NOTHING = true;

/** The first thing a thread of ours says: that it listens. Nothing is sent to it before, it would be lost. */
export interface Hello {
  readonly ballast: number;
  /** Said later: what nobody caught while the thread's module was loaded. */
  readonly fatal?: WireError;
}

/** What a thread is told first: from then on all goes through `port`, so that the module's own messages disturb nobody. */
export interface Welcome {
  readonly ballast: number;
  readonly port: ChannelPort;
  /** The memory of a cell, where memory can be shared. */
  readonly memory: SharedArrayBuffer | undefined;
  /** The module that the thread runs: it is ready when that has been loaded. */
  readonly entry: string;
  /** What its context is called, and where its log files records. */
  readonly context: string;
  readonly category: readonly string[];
  /** How often it beats, and looks for something to tell. */
  readonly beatMs: number;
}

/** To a worker, apart from calls. */
export type Order = { readonly type: "leave" };

/** From a worker, apart from answers. */
export type Notice =
  /** It is ready for calls. */
  | { readonly type: "ready" }
  /** The answer to the one call it has, where no memory is shared. */
  | { readonly type: "answer"; readonly threw: boolean; readonly micros: number; readonly value: unknown }
  /** What was recorded there. */
  | {
    readonly type: "records";
    readonly metrics: readonly MetricSnapshot[];
    readonly logs: readonly LogRecord[];
    readonly lost: number;
  }
  /** Making a copy of the last answers took that long; reading it takes about as long over here. */
  | { readonly type: "clone"; readonly fn: number; readonly tookMs: number }
  /** Something was thrown that nobody caught: most likely its last word. */
  | { readonly type: "fatal"; readonly error: WireError }
  /** The runtime has cut a call short: its heap was full. */
  | { readonly type: "terminated" }
  /** It has told everything, and can be ended. */
  | { readonly type: "left" };
