/**
 * Trace and deadline as they travel from one service to the next: `traceparent`, `tracestate`, `x-deadline-ms`.
 *
 * @module
 */

import type { ChildOptions, Context } from "./context.ts";
import { currentContext } from "./propagation.ts";
import { formatTraceparent, parseTraceparent, type RemoteSpan } from "./trace.ts";
import { readTraceState } from "./trace_state.ts";

/**
 * The header of the deadline: whole milliseconds that the caller still waits, counted from when the request was sent.
 * A span of time and not a moment, as in gRPC's `grpc-timeout`: so clocks that differ do no harm. The unit is that of
 * Envoy's `x-envoy-expected-rq-timeout-ms`, which may be used in its place.
 */
export const DEADLINE_HEADER = "x-deadline-ms";

/** A longer wait is no deadline: a day. */
const MAX_DEADLINE_MS = 86_400_000;

/** Headers that can be read: `Headers`, or a record such as Node's (lowercase names). */
export type ReadableHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Headers that can be written: `Headers`, or a record. */
export type WritableHeaders = { set(name: string, value: string): unknown } | Record<string, unknown>;

/** How headers are read and written. */
export interface HeaderOptions {
  /** The header of the deadline. @default "x-deadline-ms" */
  readonly deadlineHeader?: string;
}

/** What `inject` writes. */
export interface InjectOptions extends HeaderOptions {
  /** Whose trace and deadline are written. @default the running one; nothing is written outside of any */
  readonly context?: Context;
}

/**
 * Writes the trace and the time left into the headers of a request to another service. Returns the headers.
 *
 * @example The same trace, one span on, over two services
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, extract, inject } from "@ballast/runtime/context";
 *
 * const shop = createContext({ name: "shop" });
 * const billing = createContext({ name: "billing" });
 * const request = shop.child({ deadlineMs: 2_000 });
 * const headers = request.run(() => inject(new Headers()));
 * const there = billing.child(extract(headers));
 * assert.equal(there.trace?.traceId, request.trace?.traceId);
 * assert.equal(there.trace?.parentId, request.trace?.spanId);
 * assert.ok(there.remainingMs <= 2_000);
 * shop.close();
 * billing.close();
 * ```
 */
export function inject<H extends WritableHeaders>(headers: H, options: InjectOptions = {}): H {
  const { context = currentContext(), deadlineHeader = DEADLINE_HEADER } = options;
  if (context === undefined) return headers;
  const { trace, remainingMs } = context;
  if (trace !== undefined) {
    write(headers, "traceparent", formatTraceparent(trace));
    if (trace.state !== undefined) write(headers, "tracestate", trace.state);
  }
  // Rounded down: whoever is called must not believe in more time than there is.
  if (remainingMs !== Infinity) write(headers, deadlineHeader, String(Math.floor(remainingMs)));
  return headers;
}

/**
 * Reads what {@linkcode inject} writes, for `child(...)`. What is ill-formed is as if it were not there.
 */
export function extract(
  headers: ReadableHeaders,
  options: HeaderOptions = {},
): Pick<ChildOptions, "deadlineMs" | "trace"> {
  return {
    deadlineMs: readDeadline(headers, options.deadlineHeader),
    trace: readTrace(headers),
  };
}

/** The time that the caller still waits, in milliseconds. */
export function readDeadline(headers: ReadableHeaders, name: string = DEADLINE_HEADER): number | undefined {
  const header = read(headers, name);
  if (header === undefined || !/^ *\d{1,15} *$/.test(header)) return undefined;
  return Math.min(Number(header), MAX_DEADLINE_MS);
}

/** The piece of work that the caller does. */
export function readTrace(headers: ReadableHeaders): RemoteSpan | undefined {
  const parent = read(headers, "traceparent");
  const span = parent === undefined ? undefined : parseTraceparent(parent);
  if (span === undefined) return undefined;
  const state = readTraceState(read(headers, "tracestate"));
  return state === undefined ? span : { ...span, state };
}

function read(headers: ReadableHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  const value = (headers as Readonly<Record<string, unknown>>)[name];
  // Several lines of one header: one line, as `Headers` has it.
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : undefined;
}

function write(headers: WritableHeaders, name: string, value: string): void {
  if (typeof headers.set === "function") headers.set(name, value);
  else (headers as Record<string, unknown>)[name] = value;
}
