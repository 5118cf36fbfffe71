/**
 * Records made in another thread or process, held to their shape: whoever sent them, they are as good as ours.
 *
 * @module
 */

import { checkName } from "../stats/names.ts";
import { keepFields, keepText } from "./fields.ts";
import { MAX_CAUSES, MAX_INNER_TEXT } from "./limits.ts";
import { plainText } from "./plain.ts";
import { type Fields, LEVELS, type LoggedError, type LogRecord } from "./record.ts";
import type { Redactor } from "./redact.ts";

const MAX_PARTS = 16;
const MAX_PART = 100;
/** The last moment that a date can have. */
const MAX_AT = 8.64e15;

/** The record in `given`, bounded and without secrets, with further fields; undefined when there is none. Never throws. */
export function ingestedRecord(
  given: unknown,
  further: Fields | undefined,
  redactor: Redactor,
): LogRecord | undefined {
  try {
    return readRecord(given as Readonly<Record<string, unknown>>, further, redactor);
  } catch {
    return undefined;
  }
}

function readRecord(
  given: Readonly<Record<string, unknown>>,
  further: Fields | undefined,
  redactor: Redactor,
): LogRecord | undefined {
  const { at, category, message, fields, event, durationMs, outcome, error, suppressed } = given;
  const level = LEVELS.find((level) => level === given.level);
  if (level === undefined || !isWithin(at, MAX_AT) || typeof message !== "string") return undefined;
  if (!isCategory(category) || (fields !== undefined && typeof fields !== "object")) return undefined;
  return {
    at,
    level,
    category: [...category],
    message: keepText(message, redactor),
    fields: keepFields(redactor, fields as Fields ?? {}, further),
    ...(isName(event) && { event }),
    ...(isWithin(durationMs, MAX_AT) && { durationMs }),
    ...((outcome === "success" || outcome === "failure") && { outcome }),
    ...(error !== undefined && error !== null &&
      { error: readError(error as LoggedError, redactor, MAX_CAUSES) }),
    ...(isWithin(suppressed, Number.MAX_SAFE_INTEGER) && { suppressed: Math.floor(suppressed) }),
  };
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}

function isCategory(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length >= 1 && value.length <= MAX_PARTS &&
    value.every((part) => typeof part === "string" && part !== "" && part.length <= MAX_PART);
}

function readError(
  { name, message, code, cause }: LoggedError,
  redactor: Redactor,
  depth: number,
): LoggedError {
  return {
    name: plainText(String(name), MAX_INNER_TEXT, redactor),
    message: keepText(message, redactor),
    ...(code !== undefined && { code: plainText(String(code), MAX_INNER_TEXT, redactor) }),
    ...(cause !== undefined && cause !== null && depth > 1 &&
      { cause: readError(cause, redactor, depth - 1) }),
  };
}

function isName(value: unknown): value is string {
  try {
    return value !== undefined && checkName(value, "an event") !== "";
  } catch {
    return false;
  }
}
