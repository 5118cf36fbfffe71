/**
 * Values as plain, bounded data without secrets, whatever they are: no reference to anything of the program's,
 * nothing that is not JSON, and an end to every cycle.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import { shorten } from "../stats/shorten.ts";
import { MAX_DEPTH, MAX_ENTRIES, MAX_INNER_TEXT, MAX_READ } from "./limits.ts";
import type { FieldValue } from "./record.ts";
import type { Redactor } from "./redact.ts";

/** Plain data. */
export type Plain = FieldValue | readonly Plain[] | { readonly [name: string]: Plain };

/** How much of a value is taken. */
export interface PlainLimits {
  /** Levels of objects. */
  readonly depth: number;
  /** Entries of each. */
  readonly entries: number;
  /** Characters of each text within. */
  readonly text: number;
}

/** What is kept in memory. */
export const KEPT: PlainLimits = { depth: MAX_DEPTH, entries: MAX_ENTRIES, text: MAX_INNER_TEXT };
/** What is handed on: that is written and forgotten. */
export const HANDED_ON: PlainLimits = { depth: 6, entries: 50, text: MAX_READ };

/** A text without its secrets, cut to `max` characters. Only so much is read as may be needed. */
export function plainText(text: string, max: number, redactor: Redactor): string {
  const read = text.length > MAX_READ ? text.slice(0, MAX_READ) : text;
  const clean = redactor.text(read);
  return clean.length > max || read.length < text.length
    ? shorten(`${clean}${read === text ? "" : " "}`, max)
    : clean;
}

/** Anything as plain data. May throw where the value does. */
export function plainValue(value: unknown, limits: PlainLimits, redactor: Redactor): Plain {
  switch (typeof value) {
    case "string":
      return plainText(value, limits.text, redactor);
    case "boolean":
      return value;
    case "number":
      return plainNumber(value, redactor);
    case "object":
      return value === null ? null : plainObject(value, limits, redactor);
    case "undefined":
      return null;
    case "function":
      return "a function";
    default:
      return plainText(String(value), limits.text, redactor);
  }
}

/** A number: what JSON cannot say as a text, and of those as long as the number of a card only what is none. */
export function plainNumber(value: number, redactor: Redactor): FieldValue {
  if (!Number.isFinite(value)) return String(value);
  if (value < 1e12 || !Number.isSafeInteger(value)) return value;
  const text = String(value);
  const clean = redactor.text(text);
  return clean === text ? value : clean;
}

function plainObject(given: object, limits: PlainLimits, redactor: Redactor): Plain {
  const value = simpleForm(given);
  if (typeof value !== "object" || value === null) return plainValue(value, limits, redactor);
  if (value instanceof Error) return plainText(errorText(value), limits.text, redactor);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (limits.depth === 0) return Array.isArray(value) || value instanceof Set ? "[…]" : "{…}";
  const inner = { ...limits, depth: limits.depth - 1 };
  if (Array.isArray(value)) return plainList(value, value.length, inner, redactor);
  if (value instanceof Set) return plainList(value, value.size, inner, redactor);
  const entries = isEntries(value) ? value.entries() : ownEntries(value);
  return plainRecord(entries, inner, redactor);
}

/** What a value says it is in JSON: a date or a URL a text. Not for bytes: their JSON lists every one. */
function simpleForm(value: object): unknown {
  const { toJSON } = value as { readonly toJSON?: unknown };
  return typeof toJSON === "function" && !ArrayBuffer.isView(value) ? toJSON.call(value) : value;
}

function isEntries(value: object): value is Map<unknown, unknown> {
  return value instanceof Map || value instanceof Headers || value instanceof URLSearchParams;
}

// Walked, not listed: somebody may log an object with a million keys.
function* ownEntries(value: object): Generator<[unknown, unknown]> {
  for (const name in value) yield [name, (value as Record<string, unknown>)[name]];
}

function plainRecord(entries: Iterable<[unknown, unknown]>, limits: PlainLimits, redactor: Redactor): Plain {
  const record: Record<string, Plain> = {};
  let taken = 0;
  let named: string | undefined;
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    if (taken++ === limits.entries) {
      record["…"] = "more";
      break;
    }
    const text = typeof key === "symbol" ? String(key) : errorMessage(key);
    const name = plainText(text, MAX_INNER_TEXT, redactor);
    if ((name === "name" || name === "key") && typeof value === "string") named = value;
    // { name: "authorization", value: "…" } is an entry of a list of headers, too.
    const secret = redactor.isSecret(text, value) ||
      (name === "value" && named !== undefined && redactor.isSecret(named, value));
    define(record, name, secret ? redactor.replacement : plainValue(value, limits, redactor));
  }
  return record;
}

/** Sets a property, `__proto__` included. */
function define(record: Record<string, Plain>, name: string, value: Plain): void {
  if (name !== "__proto__") record[name] = value;
  else Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

function plainList(
  list: Iterable<unknown>,
  length: number,
  limits: PlainLimits,
  redactor: Redactor,
): readonly Plain[] {
  const items: Plain[] = [];
  let before: unknown;
  let index = 0;
  // Headers come as ["authorization", "…"] within a list, and as ["authorization", "…", "accept", "…"].
  for (const item of list) {
    if (items.length === limits.entries) {
      items.push(`… ${length - limits.entries} more`);
      break;
    }
    const isValue = index++ % 2 === 1 && typeof before === "string" && typeof item !== "object";
    const secret = isValue && redactor.isSecret(before as string, item);
    items.push(secret ? redactor.replacement : plainValue(item, limits, redactor));
    before = item;
  }
  return items;
}

/** An error in one line. */
export function errorText(error: Error): string {
  return `${error.name}: ${errorMessage(error)}`;
}
