/**
 * Records for machines: a line of JSON each.
 *
 * @module
 */

import { keepValue } from "./fields.ts";
import { MAX_FIELDS, MAX_INNER_TEXT } from "./limits.ts";
import { HANDED_ON, plainValue } from "./plain.ts";
import { noRedactor } from "./redact.ts";
import { type Formatter, partsOf } from "./sink.ts";

/** What Ballast's transactions, and the flow they ran in, say beside the fields. */
const ABOVE: readonly string[] = ["event", "outcome", "traceId", "spanId"];

/**
 * Makes the formatter of JSON lines: `time` (ISO 8601, UTC), `level`, `category`, `message`; where there are any
 * `durationMs`, `event`, `outcome`, `traceId`, `spanId`, `error` with its chain of causes; and `fields`. A field
 * never takes the place of anything else. Whatever was logged, the line can be parsed.
 *
 * @example A line
 * ```ts
 * import assert from "node:assert/strict";
 * import { jsonFormatter } from "@ballast/runtime/log";
 *
 * const line = jsonFormatter()({
 *   category: ["shop"],
 *   level: "info",
 *   message: ["ready"],
 *   rawMessage: "ready",
 *   timestamp: 0,
 *   properties: { port: 8888 },
 * });
 * const time = "1970-01-01T00:00:00.000Z";
 * assert.deepEqual(JSON.parse(line), { time, level: "info", category: "shop", message: "ready", fields: { port: 8888 } });
 * ```
 */
export function jsonFormatter(): Formatter {
  return (record) => {
    const { message, durationMs, error, fields } = partsOf(record);
    const above: Record<string, unknown> = {};
    const below: Record<string, unknown> = {};
    let taken = 0;
    let any = false;
    for (const name of Object.keys(fields)) {
      if (taken++ === MAX_FIELDS) break;
      const value = jsonValue(fields[name]);
      if (value === undefined) continue;
      if (ABOVE.includes(name)) above[name] = value;
      else {
        below[name.slice(0, MAX_INNER_TEXT)] = value;
        any = true;
      }
    }
    const line = {
      time: isoText(record.timestamp),
      level: record.level === "warning" ? "warn" : record.level,
      category: record.category.join("."),
      message,
      ...(durationMs !== undefined && { durationMs: Math.round(durationMs * 1e6) / 1e6 }),
      ...above,
      ...(error !== undefined && { error }),
      ...(any && { fields: below }),
    };
    return `${JSON.stringify(line)}\n`;
  };
}

function jsonValue(value: unknown): unknown {
  try {
    if (value === undefined) return undefined;
    return value instanceof Error ? keepValue(value, noRedactor) : plainValue(value, HANDED_ON, noRedactor);
  } catch {
    return "unreadable";
  }
}

function isoText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
