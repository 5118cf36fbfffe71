/**
 * Tables of reports, in as many columns as there are.
 *
 * @module
 */

import type { ReportTable } from "../../../report.ts";
import { cellSpan, isNumeric } from "./cells.ts";
import { type Line, type Span, span } from "./line.ts";
import { fit, harmless, widthOf } from "./text.ts";

const GAP = 2;
/** A column is not made narrower than that, but left out; the first one keeps more. */
const MIN_WIDTH = 10;
const FIRST_WIDTH = 24;
/** What a column takes at first: lists and texts may be long. */
const MAX_WIDTH = 40;

/** A heading, and the rows below the names of their columns: `maxRows` at most, and how many more there are. */
export function tableLines(table: ReportTable, columns: number, now: number, maxRows = Infinity): Line[] {
  const head = [span(table.title, "bold"), ...countNote(table)];
  if (table.rows.length === 0) return [[span(`${table.title}  `, "bold"), span(table.empty ?? "", "dim")]];
  const rows = table.rows.slice(0, maxRows).map((row) =>
    table.columns.map((_, index) => cellSpan(row[index] ?? null, now))
  );
  const widths = columnWidths(table, rows, columns);
  const numeric = table.columns.map((_, index) => table.rows.some((row) => isNumeric(row[index])));
  const more = table.rows.length - rows.length;
  return [
    head,
    tableLine(table.columns.map((name) => span(name, "dim")), widths, numeric),
    ...rows.map((row) => tableLine(row, widths, numeric)),
    ...(more > 0 ? [[span(`… ${more} more`, "dim")]] : []),
  ];
}

function countNote({ rows, omitted = 0 }: ReportTable): Span[] {
  if (rows.length < 10 && omitted === 0) return [];
  return [span(`  ${rows.length}${omitted > 0 ? ` of ${rows.length + omitted}` : ""}`, "dim")];
}

/**
 * Widths that fit. Where there is too little room, columns in which nothing stands are left out first; then the widest give way, those
 * at the right are left out where that does not do, and the first, which names the row, comes last. 0 leaves a column out.
 */
function columnWidths(table: ReportTable, rows: readonly (readonly Span[])[], columns: number): number[] {
  const widths = table.columns.map((name, index) => {
    const content = rows.map((row) => widthOf(row[index]!.text));
    return Math.min(MAX_WIDTH, Math.max(widthOf(harmless(name)), ...content));
  });
  const total = () => widths.reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP), -GAP);
  const isBlank = (index: number) => table.rows.every((row) => (row[index] ?? null) === null);
  if (total() > columns) widths.forEach((_, index) => isBlank(index) && index > 0 && (widths[index] = 0));
  while (total() > columns) {
    const others = widths.slice(1);
    const widest = Math.max(...others);
    const last = others.findLastIndex((width) => width > 0) + 1;
    if (widest > MIN_WIDTH) widths[others.indexOf(widest) + 1] = widest - 1;
    else if (widths[0]! > FIRST_WIDTH) widths[0]!--;
    else if (last > 0) widths[last] = 0;
    else return [Math.max(1, columns)];
  }
  return widths;
}

function tableLine(cells: readonly Span[], widths: readonly number[], numeric: readonly boolean[]): Line {
  return widths.flatMap((width, index): Span[] => {
    if (width === 0) return [];
    const { text, style } = cells[index]!;
    const cell = { text: fit(text, width, numeric[index] ? "right" : "left"), style };
    return index === 0 ? [cell] : [{ text: " ".repeat(GAP) }, cell];
  });
}
