/**
 * The order of a table's rows, by one of its columns: asked for in the address (`?sort=names.4`, `?sort=-names.4` for
 * the largest first), and by the script on the page, which compares in the same way.
 */

import type { Cell } from "../report.ts";
import { isNumeric } from "./cell.ts";

/** By which column of which table. */
export interface Sort {
  /** The table's id. */
  readonly table: string;
  /** The column's number, from 0; in the address from 1. */
  readonly column: number;
  /** Whether the largest comes first. */
  readonly descending: boolean;
}

/** Reads what stands behind `?sort=`; undefined for anything that is no order. */
export function parseSort(text: string | undefined): Sort | undefined {
  const found = /^(-?)(.+)\.([1-9]\d{0,3})$/.exec(text ?? "");
  if (found === null) return undefined;
  return { table: found[2]!, column: Number(found[3]) - 1, descending: found[1] === "-" };
}

/** Writes an order as {@linkcode parseSort} reads it. */
export function formatSort({ table, column, descending }: Sort): string {
  return `${descending ? "-" : ""}${table}.${column + 1}`;
}

/** What follows when a column's head is chosen: numbers start with the largest, texts with A; then the other way. */
export function nextSort(
  current: Sort | undefined,
  table: string,
  column: number,
  isNumber: boolean,
): Sort | undefined {
  if (current === undefined) return { table, column, descending: isNumber };
  if (current.descending === isNumber) return { ...current, descending: !isNumber };
  return undefined;
}

/** What a cell is compared by; undefined for one that holds nothing, which comes last in either direction. */
export function sortKey(cell: Cell | undefined): string | number | undefined {
  if (cell === null || cell === undefined) return undefined;
  if (typeof cell === "number") return finite(cell);
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell === "string") return cell.trim() === "" ? undefined : cell;
  switch (cell.kind) {
    case "duration":
      return finite(cell.ms);
    case "time":
      return finite(cell.at);
    case "bytes":
      return finite(cell.bytes);
    case "ratio":
      return finite(cell.ratio);
    case "state":
      return cell.state;
    case "list":
      return cell.items.length === 0 ? undefined : cell.items.join(" ");
    case "link":
      return cell.text;
    case "details":
      return cell.key;
    default:
      return undefined;
  }
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** The rows in order; those that are equal stay as the report has them. */
export function sortRows(
  rows: readonly (readonly Cell[])[],
  { column, descending }: Sort,
): (readonly Cell[])[] {
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: sortKey(row[column]) }));
  keyed.sort(({ key: a }, { key: b }) => {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return sign * compare(a, b);
  });
  return keyed.map(({ row }) => row);
}

/** Texts as people order them: `node-2` before `node-10`. */
const TEXT_ORDER = new Intl.Collator("en", { numeric: true });

/** Numbers come before texts. */
function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return TEXT_ORDER.compare(a as string, b as string);
}

/** Which columns hold numbers: those whose first value is one. */
export function numericColumns(columns: readonly string[], rows: readonly (readonly Cell[])[]): boolean[] {
  return columns.map((_, column) => isNumeric(rows.find((row) => row[column] !== null)?.[column]));
}
