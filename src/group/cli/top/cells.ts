/**
 * Values of reports as pieces of a line, written as the pages write them.
 *
 * @module
 */

import {
  formatBytes,
  formatDuration,
  formatIsoTime,
  formatNumber,
  formatRatio,
  formatRelativeTime,
} from "../../../meta/format.ts";
import type { Cell, Severity, Tone } from "../../../report.ts";
import { SIGNS, type Span, span } from "./line.ts";

/** A value as text; moments are told from `now`. */
export function cellText(cell: Cell, now: number): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return formatNumber(cell);
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  switch (cell.kind) {
    case "duration":
      return formatDuration(cell.ms);
    case "time":
      return formatIsoTime(cell.at) === undefined ? "n/a" : formatRelativeTime(cell.at, now);
    case "bytes":
      return formatBytes(cell.bytes);
    case "ratio":
      return formatRatio(cell.ratio);
    case "state":
      return `${SIGNS[cell.tone] ?? SIGNS.neutral} ${cell.state}`;
    case "list":
      return Array.isArray(cell.items) && cell.items.length > 0 ? cell.items.join(", ") : "none";
    case "link":
      return cell.text;
    case "details":
      return cell.key;
    default:
      // Of another version of Ballast, with kinds that this one does not know.
      return JSON.stringify(cell satisfies never);
  }
}

/** A value as a piece of a line: states have their tone, nothing is dim. */
export function cellSpan(cell: Cell, now: number): Span {
  const text = cellText(cell, now);
  if (cell === null) return span(text, "dim");
  return span(text, typeof cell === "object" && cell.kind === "state" ? cell.tone : undefined);
}

/** Whether values like this one are compared by their size, and so stand flush right. */
export function isNumeric(cell: Cell | undefined): boolean {
  if (typeof cell !== "object" || cell === null) return typeof cell === "number";
  return cell.kind === "duration" || cell.kind === "bytes" || cell.kind === "ratio";
}

/** How bad a finding is, as a tone. */
export function severityTone(severity: Severity): Tone {
  return severity === "critical" ? "bad" : severity === "warning" ? "warning" : "neutral";
}
