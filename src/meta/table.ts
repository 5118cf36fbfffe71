/** Tables and facts, as markup. */

import type { Cell, Fact, ReportTable } from "../report.ts";
import { renderCell, type View } from "./cell.ts";
import { formatNumber } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { renderSection, type Section } from "./section.ts";
import { formatSort, nextSort, numericColumns, type Sort, sortKey, sortRows } from "./sort.ts";

/** More rows than this are left out of the markup; the JSON has them all. */
const MAX_ROWS = 500;
/** So few rows that nobody needs them counted. */
const FEW_ROWS = 10;

/** Renders a table below its heading, in a box of its own that scrolls when the table is larger than the page. */
export function renderTable(table: ReportTable, view: View): Section {
  const id = `table-${table.id}`;
  const isEmpty = table.rows.length === 0;
  const body = isEmpty ? markup`<p class="none">${clipped(table.empty)}</p>` : renderRows(table, id, view);
  return renderSection(id, table.title, body, isEmpty ? undefined : rowCount(table));
}

function renderRows(table: ReportTable, id: string, view: View): Markup {
  const numeric = numericColumns(table.columns, table.rows);
  const sort = view.sort?.table === table.id ? view.sort : undefined;
  const rows = sort === undefined ? table.rows : sortRows(table.rows, sort);
  const heads = table.columns.map((_, column) => renderHead(table, column, numeric[column]!, sort));
  return markup`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-title">
<table>
<caption class="unseen">${clipped(table.title)}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows.slice(0, MAX_ROWS).map((row) => renderRow(row, numeric, view))}</tbody>
</table>
</div>`;
}

/** A column's head, which orders the table by it: a link, so that it does without a script. */
function renderHead(table: ReportTable, column: number, isNumber: boolean, sort: Sort | undefined): Markup {
  const name = clipped(table.columns[column]!);
  if (table.rows.length < 2) return markup`<th scope="col"${alignment(isNumber)}>${name}</th>`;
  const current = sort?.column === column ? sort : undefined;
  const order = current && markup` aria-sort="${current.descending ? "descending" : "ascending"}"`;
  const next = nextSort(current, table.id, column, isNumber);
  const query = next === undefined ? "" : `sort=${encodeURIComponent(formatSort(next))}`;
  const link = markup`<a href="?${query}#table-${encodeURIComponent(table.id)}">${name}</a>`;
  return markup`<th scope="col"${alignment(isNumber)}${order}>${link}</th>`;
}

/** The first cell names its row. */
function renderRow(row: readonly Cell[], numeric: readonly boolean[], view: View): Markup {
  const cells = row.map((cell, column) => {
    const content = renderCell(cell, view);
    const attributes = [alignment(numeric[column]), sortValue(cell)];
    return column === 0
      ? markup`<th scope="row"${attributes}>${content}</th>`
      : markup`<td${attributes}>${content}</td>`;
  });
  return markup`<tr>${cells}</tr>\n`;
}

/** What the script on the page compares the cell by, where that is not the text it shows; "" for nothing. */
function sortValue(cell: Cell): Markup | undefined {
  if (typeof cell === "string" || typeof cell === "boolean") return undefined;
  return markup` data-value="${sortKey(cell) ?? ""}"`;
}

function alignment(isNumber: boolean | undefined): Markup | undefined {
  return isNumber ? markup` class="number"` : undefined;
}

function rowCount({ rows: { length }, omitted = 0 }: ReportTable): string | undefined {
  const rows = `${formatNumber(length)} ${length === 1 ? "row" : "rows"}`;
  if (length <= FEW_ROWS && omitted === 0) return undefined;
  const shown = length > MAX_ROWS ? `the first ${MAX_ROWS} of ${rows}, all are in the JSON` : rows;
  return omitted > 0 ? `${shown}; ${formatNumber(omitted)} more left out by the report` : shown;
}

/** Renders named values side by side. */
export function renderFacts(facts: readonly Fact[], view: View): Markup {
  const items = facts.map(({ label, value, hint }) => {
    const note = hint === undefined ? undefined : markup`<dd class="hint">${clipped(hint)}</dd>`;
    return markup`<div><dt>${clipped(label)}</dt><dd>${renderCell(value, view)}</dd>${note}</div>\n`;
  });
  return markup`<dl class="facts">${items}</dl>`;
}
