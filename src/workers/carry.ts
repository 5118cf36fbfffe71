/**
 * What a call takes along from the context of its caller: the time left, its trace, and the locals that may travel.
 *
 * @module
 */

import type { Context, RemoteSpan } from "../context/mod.ts";

/** What travels, as plain data. */
export interface Frame {
  /** Milliseconds left, when the frame was made. */
  readonly deadlineMs?: number;
  /** The span that the call is a part of. */
  readonly trace?: RemoteSpan;
  /** Locals by key. */
  readonly locals: readonly (readonly [key: string, value: unknown])[];
}

/** What a call takes along, on the side of its caller. */
export interface Luggage {
  readonly context: Context;
  readonly locals: readonly (readonly [key: string, value: unknown])[];
}

/** What a call within `context` takes along; undefined for nothing. `keys` are the locals that may travel. */
export function pack(context: Context | undefined, keys: readonly string[]): Luggage | undefined {
  if (context === undefined) return undefined;
  const locals: [string, unknown][] = [];
  for (const key of keys) {
    const value = context.get(key);
    if (value !== undefined) locals.push([key, value]);
  }
  // Only a context of the registry has no trace, and it is for all: it need not be told with each call.
  const isRequest = context.trace !== undefined;
  return locals.length === 0 && !isRequest && context.deadline === undefined
    ? undefined
    : { context, locals };
}

/** Whether two calls take the same along, so that it need not be sent again. */
export function sameLuggage(one: Luggage | undefined, other: Luggage | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined || one.context !== other.context) return false;
  return one.locals.length === other.locals.length &&
    one.locals.every(([key, value], index) => {
      const [otherKey, otherValue] = other.locals[index]!;
      // An object may have changed inside since it was sent.
      return key === otherKey && Object.is(value, otherValue) &&
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
  return base.child({ deadlineMs: leftMs, trace, locals: Object.fromEntries(locals) });
}
