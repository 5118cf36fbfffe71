/**
 * What a call takes along from the context of its caller: the time left, its trace, and the locals that may travel.
 *
 * @module
 */

import type { AnyKey, Context, RemoteSpan } from "../context/mod.ts";
import { type Traveller, travellers } from "../context/key.ts";

/** A local on its way: the name of its key, its value, and whether the key is a typed one, whose value is encoded. */
export type Carried = readonly [key: string, value: unknown, typed: boolean];

/** What travels, as plain data. */
export interface Frame {
  /** Milliseconds left, when the frame was made. */
  readonly deadlineMs?: number;
  /** The span that the call is a part of. */
  readonly trace?: RemoteSpan;
  /** Locals that travel. */
  readonly locals: readonly Carried[];
}

/** What a call takes along, on the side of its caller. */
export interface Luggage {
  readonly context: Context;
  readonly locals: readonly Carried[];
}

/** What a call within `context` takes along; undefined for nothing. `keys` are the text keys that may travel. */
export function pack(context: Context | undefined, keys: readonly string[]): Luggage | undefined {
  if (context === undefined) return undefined;
  const locals: Carried[] = [];
  for (const key of keys) {
    const value = context.get(key);
    if (value !== undefined) locals.push([key, value, false]);
  }
  for (const [name, traveller] of travellers()) encodeInto(locals, name, traveller, context);
  // Only a context of the registry has no trace, and it is for all: it need not be told with each call.
  const isRequest = context.trace !== undefined;
  return locals.length === 0 && !isRequest && context.deadline === undefined
    ? undefined
    : { context, locals };
}

function encodeInto(locals: Carried[], name: string, { key, codec }: Traveller, context: Context): void {
  const value = context.get(key);
  // What nobody has set needs no sending: the key has the same default there.
  if (Object.is(value, key.default)) return;
  try {
    locals.push([name, codec.encode(value), true]);
  } catch {
    // Somebody's codec: the call is made without it.
  }
}

/** Whether two calls take the same along, so that it need not be sent again. */
export function sameLuggage(one: Luggage | undefined, other: Luggage | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined || one.context !== other.context) return false;
  return one.locals.length === other.locals.length &&
    one.locals.every(([key, value, typed], index) => {
      const [otherKey, otherValue, otherTyped] = other.locals[index]!;
      // An object may have changed inside since it was sent.
      return key === otherKey && typed === otherTyped && Object.is(value, otherValue) &&
        (typeof value !== "object" || value === null);
    });
}

/** Luggage as it is sent; `now` is the clock's `monotonic()`. */
export function toFrame({ context, locals }: Luggage, now: number): Frame {
  const { deadline, trace } = context;
  return {
    deadlineMs: deadline === undefined ? undefined : Math.max(0, deadline - now),
    trace: trace && { traceId: trace.traceId, spanId: trace.spanId, flags: trace.flags, state: trace.state },
    locals,
  };
}

/** In the worker: a context for one call, to be closed after it. The frame came `ageMs` ago. */
export function unpack(base: Context, { deadlineMs, trace, locals }: Frame, ageMs: number): Context {
  const leftMs = deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - ageMs);
  return base.child({ deadlineMs: leftMs, trace, locals: decode(locals) });
}

function decode(carried: readonly Carried[]): [AnyKey, unknown][] {
  const locals: [AnyKey, unknown][] = [];
  for (const [name, value, typed] of carried) {
    if (!typed) {
      locals.push([name, value]);
      continue;
    }
    // A key whose module is not loaded here cannot be asked for, either.
    const traveller = travellers().get(name);
    if (traveller === undefined) continue;
    try {
      locals.push([traveller.key, traveller.codec.decode(value)]);
    } catch {
      // Somebody's codec: the call runs without it.
    }
  }
  return locals;
}
