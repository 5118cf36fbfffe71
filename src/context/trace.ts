/**
 * Traces: which work belongs together, over all services that take part. W3C Trace Context, level 1, and the flag of
 * random ids of level 2.
 *
 * @see {@link https://www.w3.org/TR/trace-context/}
 *
 * @module
 */

import { checkNumber } from "../errors.ts";
import { randomId } from "./ids.ts";

/** Where one piece of work stands in its trace. */
export interface Trace {
  /** 32 lowercase hexadecimal digits: the whole, from the first service on. */
  readonly traceId: string;
  /** 16 of them: this piece of work. */
  readonly spanId: string;
  /** The piece of work that this one is a part of; undefined for the first of all. */
  readonly parentId: string | undefined;
  /** Whether it is being recorded: traces are sampled as a whole. */
  readonly sampled: boolean;
  /** The trace flags as they travel, 0 to 255. */
  readonly flags: number;
  /** What tracing systems carry along: `tracestate`, unchanged. */
  readonly state: string | undefined;
}

/** The piece of work elsewhere that caused what is done here. */
export interface RemoteSpan {
  /** Its trace. */
  readonly traceId: string;
  /** Itself. */
  readonly spanId: string;
  /** Its trace flags, 0 to 255; of those that are defined, `sampled` (1) and `random` (2) are kept. */
  readonly flags: number;
  /** Its `tracestate`. */
  readonly state?: string;
}

const SAMPLED = 0x01;
const KNOWN_FLAGS = 0x03;
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent` header. Undefined for one that the specification has us ignore: ill-formed, of version `ff`,
 * with an id of zeros, or of version 00 and longer than it is.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseTraceparent } from "@ballast/runtime/context";
 *
 * const span = parseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
 * assert.deepEqual(span, {
 *   traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
 *   spanId: "00f067aa0ba902b7",
 *   flags: 1,
 * });
 * ```
 */
export function parseTraceparent(header: string): RemoteSpan | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(header.trim()) ?? [];
  if (version === undefined || version === "ff") return undefined;
  // What a later version adds is not ours to understand; version 00 adds nothing.
  if (version === "00" && more !== undefined) return undefined;
  if (isZero(traceId!) || isZero(spanId!)) return undefined;
  return { traceId: traceId!, spanId: spanId!, flags: parseInt(flags!, 16) & KNOWN_FLAGS };
}

/** The `traceparent` header that names this piece of work, in version 00. */
export function formatTraceparent(trace: Pick<Trace, "traceId" | "spanId" | "flags">): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags.toString(16).padStart(2, "0")}`;
}

/** A part of what `cause` does, here or elsewhere. */
export function continueTrace(
  cause: Pick<Trace, "traceId" | "spanId" | "flags" | "state"> | RemoteSpan,
): Trace {
  const { traceId, spanId, flags, state } = cause;
  return {
    traceId,
    spanId: randomId(8),
    parentId: spanId,
    sampled: (flags & SAMPLED) !== 0,
    flags: flags & KNOWN_FLAGS,
    state,
  };
}

/** The beginning of a trace; a share of all, `sampleRatio`, is sampled. */
export function startTrace(sampleRatio: number): Trace {
  const traceId = randomId(16);
  // By the id, so that whoever decides by it decides alike (as OpenTelemetry's TraceIdRatioBased does).
  const sampled = sampleRatio >= 1 || parseInt(traceId.slice(-8), 16) / 2 ** 32 < sampleRatio;
  return {
    traceId,
    spanId: randomId(8),
    parentId: undefined,
    sampled,
    flags: sampled ? SAMPLED : 0,
    state: undefined,
  };
}

/** A share of one, or an error that says so. */
export function checkRatio(name: string, value: number): number {
  return checkNumber(name, value, { max: 1 });
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}
