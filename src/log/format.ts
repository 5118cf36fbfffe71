/**
 * Records as lines for people.
 *
 * @module
 */

import { durationText } from "./duration.ts";
import type { FieldValue, LogRecord } from "./record.ts";

/**
 * A record as one line: category, message, duration and fields; time and level are left to whoever writes it.
 * Control characters are escaped, so that no text that was logged can pass for a line of its own.
 *
 * @example The line of a failed query
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatRecord } from "@ballast/runtime/log";
 *
 * const line = formatRecord({
 *   at: 0,
 *   level: "warn",
 *   category: ["ballast", "dns"],
 *   message: "dns.query failed: no answer",
 *   fields: { name: "db.internal", type: "A" },
 *   durationMs: 200.04,
 * });
 * assert.equal(line, "ballast.dns: dns.query failed: no answer (200 ms) name=db.internal type=A");
 * ```
 */
export function formatRecord(record: LogRecord): string {
  const fields = Object.entries(record.fields).map(([name, value]) =>
    ` ${oneLine(name)}=${fieldText(value)}`
  );
  return `${oneLine(record.category.join("."))}: ${messageText(record)}${fields.join("")}`;
}

/** The message with the duration, on one line. */
export function messageText({ message, durationMs }: LogRecord): string {
  return durationMs === undefined ? oneLine(message) : `${oneLine(message)} (${durationText(durationMs)})`;
}

/** A field's value: bare where that cannot be misread, an object as its JSON. */
export function fieldText(value: FieldValue): string {
  const text = String(value);
  if (/^[\w.:/@+-]+$|^\[\w+\]$/.test(text)) return text;
  return oneLine(isJson(text) ? text : JSON.stringify(text));
}

/** Whether a text is the JSON of an object or a list: quoting it again would make it hard to read. */
function isJson(text: string): boolean {
  if (text[0] !== "{" && text[0] !== "[") return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Control characters, line separators and reversals of direction as escapes. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
