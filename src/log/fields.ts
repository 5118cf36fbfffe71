/**
 * Values made fit to be kept: no reference to anything large, nothing that is not JSON, and no exception,
 * whatever is logged.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import { shorten } from "../stats/shorten.ts";
import type { Fields, FieldValue, LoggedError } from "./record.ts";

const MAX_FIELDS = 32;
const MAX_TEXT = 500;
/** Within an object: its levels, the entries of each, and the length of each string. */
const MAX_DEPTH = 3;
const MAX_ENTRIES = 10;
const MAX_INNER_TEXT = 80;

/** The fields of all sources, later ones over earlier ones, as they may be kept; at most 32 of each. */
export function keepFields(...sources: readonly (Fields | undefined)[]): Record<string, FieldValue> {
  const kept: Record<string, FieldValue> = {};
  for (const source of sources) {
    try {
      copyFields(source, kept);
    } catch {
      kept.unreadable = "some fields";
    }
  }
  return kept;
}

function copyFields(source: Fields | undefined, kept: Record<string, FieldValue>): void {
  let copied = 0;
  // Walked, not listed: somebody may log an object with a million keys.
  for (const name in source) {
    if (copied++ === MAX_FIELDS) return;
    const value = source[name];
    if (value !== undefined) kept[name] = keepValue(value);
  }
}

/** A text as it may be kept. */
export function keepText(text: unknown): string {
  return shorten(errorMessage(text), MAX_TEXT);
}

/** An error, or whatever was thrown, as it may be kept. */
export function keepError(error: unknown): LoggedError {
  try {
    const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
    return {
      name: typeof name === "string" ? shorten(name, MAX_INNER_TEXT) : typeof error,
      message: keepText(error),
      ...(typeof code === "string" || typeof code === "number"
        ? { code: shorten(String(code), MAX_INNER_TEXT) }
        : {}),
    };
  } catch {
    return { name: "Error", message: "an error that cannot be shown" };
  }
}

function keepValue(value: unknown): FieldValue {
  switch (typeof value) {
    case "string":
      return shorten(value, MAX_TEXT);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      return value === null ? null : shorten(objectText(value), MAX_TEXT);
    case "undefined":
      return null;
    case "function":
      return "a function";
    default:
      return shorten(String(value), MAX_TEXT);
  }
}

function objectText(value: object): string {
  if (value instanceof Error) return errorText(value);
  // A date or a URL reads best without quotes.
  const simple = simpleForm(value);
  return typeof simple === "string" ? simple : jsonText(simple, MAX_DEPTH);
}

/** What a value says it is in JSON. Not for bytes: their JSON lists every one. */
function simpleForm(value: unknown): unknown {
  const { toJSON } = (value ?? {}) as { readonly toJSON?: unknown };
  return typeof toJSON === "function" && !ArrayBuffer.isView(value) ? toJSON.call(value) : value;
}

/** JSON of a value, cut in depth, breadth and length; so a cycle ends, too. */
function jsonText(given: unknown, depth: number): string {
  const value = simpleForm(given);
  if (value === null || typeof value !== "object") return JSON.stringify(innerValue(value));
  if (value instanceof Error) return JSON.stringify(innerValue(errorText(value)));
  if (ArrayBuffer.isView(value)) return JSON.stringify(`${value.byteLength} bytes`);
  if (value instanceof Map || value instanceof Set) return JSON.stringify(`${value.size} entries`);
  if (depth === 0) return Array.isArray(value) ? '"[…]"' : '"{…}"';
  return Array.isArray(value) ? listText(value, depth) : recordText(value, depth);
}

function listText(list: readonly unknown[], depth: number): string {
  const items = list.slice(0, MAX_ENTRIES).map((item) => jsonText(item, depth - 1));
  if (list.length > MAX_ENTRIES) items.push(`"… ${list.length - MAX_ENTRIES} more"`);
  return `[${items.join(",")}]`;
}

function recordText(record: object, depth: number): string {
  const entries: string[] = [];
  for (const name in record) {
    if (entries.length === MAX_ENTRIES) {
      entries.push('"…":"more"');
      break;
    }
    const value = (record as Record<string, unknown>)[name];
    if (value !== undefined) {
      entries.push(`${JSON.stringify(shorten(name, MAX_INNER_TEXT))}:${jsonText(value, depth - 1)}`);
    }
  }
  return `{${entries.join(",")}}`;
}

function innerValue(value: unknown): FieldValue {
  const kept = keepValue(value);
  return typeof kept === "string" ? shorten(kept, MAX_INNER_TEXT) : kept;
}

function errorText(error: Error): string {
  return `${error.name}: ${errorMessage(error)}`;
}
