/**
 * Fields and errors made fit to be kept: no reference to anything large, nothing that is not JSON, no secret,
 * and no exception, whatever is logged.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import { shorten } from "../stats/shorten.ts";
import { MAX_CAUSES, MAX_FIELDS, MAX_INNER_TEXT, MAX_TEXT } from "./limits.ts";
import { errorText, HANDED_ON, KEPT, type Plain, plainNumber, plainText, plainValue } from "./plain.ts";
import type { Fields, FieldValue, LoggedError } from "./record.ts";
import type { Redactor } from "./redact.ts";

/** The fields of all sources, later ones over earlier ones, as they may be kept; at most 32 of each. */
export function keepFields(
  redactor: Redactor,
  ...sources: readonly (Fields | undefined)[]
): Record<string, FieldValue> {
  const kept: Record<string, FieldValue> = {};
  copyAll(kept, sources, redactor, keepValue);
  return kept;
}

/** The same for a sink: objects stay objects, and errors errors. */
export function handOnFields(
  redactor: Redactor,
  ...sources: readonly (Fields | undefined)[]
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  copyAll(given, sources, redactor, handOnValue);
  return given;
}

function copyAll<T>(
  into: Record<string, T | string>,
  sources: readonly (Fields | undefined)[],
  redactor: Redactor,
  copy: (value: unknown, redactor: Redactor) => T,
): void {
  for (const source of sources) {
    if (source === undefined) continue;
    try {
      let copied = 0;
      // Walked, not listed: somebody may log an object with a million keys.
      for (const given in source) {
        if (copied++ === MAX_FIELDS) break;
        const value = source[given];
        if (value === undefined) continue;
        const name = given.length > MAX_INNER_TEXT ? shorten(given, MAX_INNER_TEXT) : given;
        into[name] = redactor.isSecret(given, value) ? redactor.replacement : copy(value, redactor);
      }
    } catch {
      into.unreadable = "some fields";
    }
  }
}

/** A text as it may be kept. */
export function keepText(text: unknown, redactor: Redactor): string {
  return plainText(typeof text === "string" ? text : errorMessage(text), MAX_TEXT, redactor);
}

/** A field as it may be kept. May throw where the value does. */
export function keepValue(value: unknown, redactor: Redactor): FieldValue {
  if (typeof value === "string") return plainText(value, MAX_TEXT, redactor);
  if (typeof value === "number") return plainNumber(value, redactor);
  if (typeof value === "boolean" || value === null) return value;
  if (value instanceof Error) return plainText(errorText(value), MAX_TEXT, redactor);
  const plain: Plain = plainValue(value, KEPT, redactor);
  // Bytes in their number, a date, a URL: without quotes.
  if (typeof plain !== "object" || plain === null) return plain;
  return shorten(JSON.stringify(plain), MAX_TEXT);
}

/** A field as a sink gets it. */
function handOnValue(value: unknown, redactor: Redactor): unknown {
  return value instanceof Error ? cleanError(value, redactor) : plainValue(value, HANDED_ON, redactor);
}

/** An error, or whatever was thrown, as it may be kept. */
export function keepError(error: unknown, redactor: Redactor, depth: number = MAX_CAUSES): LoggedError {
  try {
    const { name, code, cause, errors } = (error ?? {}) as Readonly<Record<string, unknown>>;
    const from = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
    return {
      name: typeof name === "string" ? shorten(name, MAX_INNER_TEXT) : typeof error,
      message: keepText(error, redactor),
      ...(typeof code === "string" || typeof code === "number"
        ? { code: plainText(String(code), MAX_INNER_TEXT, redactor) }
        : {}),
      ...(from !== undefined && from !== null && depth > 1
        ? { cause: keepError(from, redactor, depth - 1) }
        : {}),
    };
  } catch {
    return { name: "Error", message: "an error that cannot be shown" };
  }
}

/** An error with its class and stack, for a sink; a copy only where there is a secret in it, so that it stays itself. */
export function cleanError(error: unknown, redactor: Redactor, depth: number = MAX_CAUSES): unknown {
  if (!(error instanceof Error)) return plainValue(error, HANDED_ON, redactor);
  try {
    const message = redactor.text(String(error.message).slice(0, HANDED_ON.text));
    const stack = redactor.text(String(error.stack ?? "").slice(0, 4 * HANDED_ON.text));
    const own: Record<string, unknown> = {};
    let changed = message !== error.message || stack !== (error.stack ?? "");
    for (const name of Object.keys(error)) {
      const value = (error as unknown as Record<string, unknown>)[name];
      own[name] = redactor.isSecret(name, value)
        ? redactor.replacement
        : plainValue(value, HANDED_ON, redactor);
      changed ||= typeof value === "object" && value !== null ? hasEntries(value) : own[name] !== value;
    }
    const cause = error.cause === undefined || depth === 0
      ? undefined
      : cleanError(error.cause, redactor, depth - 1);
    if (!changed && cause === error.cause) return error;
    const copy = Object.create(Object.getPrototypeOf(error));
    const hidden = { name: error.name, message, stack, ...(cause !== undefined && { cause }) };
    for (const [name, value] of Object.entries(hidden)) {
      Object.defineProperty(copy, name, { value, configurable: true, writable: true });
    }
    return Object.assign(copy, { ...own, name: error.name });
  } catch {
    return keepError(error, redactor);
  }
}

function hasEntries(value: object): boolean {
  for (const _ in value) return true;
  return value instanceof Map || value instanceof Set;
}
