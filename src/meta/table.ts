/** Tables and facts, as markup. */

import type { Cell, Fact, ReportTable } from "../report.ts";
import { isNumeric, renderCell, type View } from "./cell.ts";
import { formatNumber } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { renderSection } from "./section.ts";

/** More rows than this are left out of the markup; the JSON has them all. */
const MAX_ROWS = 500;
/** So few rows that nobody needs them counted. */
const FEW_ROWS = 10;

/** Renders a table below its heading, in a box of its own that scrolls when the table is larger than the page. */
export function renderTable(table: ReportTable, view: View): Markup {
  const id = `table-${table.id}`;
  const isEmpty = table.rows.length === 0;
  const body = isEmpty ? markup`<p class="none">${clipped(table.empty)}</p>` : renderRows(table, id, view);
  return renderSection(id, table.title, body, isEmpty ? undefined : rowCount(table));
}

function renderRows(table: ReportTable, labelId: string, view: View): Markup {
  const rows = table.rows.slice(0, MAX_ROWS);
  // A column is one of numbers when its first value is.
  const numeric = table.columns.map((_, column) =>
    isNumeric(rows.find((row) => row[column] !== null)?.[column])
  );
  const heads = table.columns.map((name, column) => {
    return markup`<th scope="col"${alignment(numeric[column])}>${clipped(name)}</th>`;
  });
  return markup`<div class="scroll" role="region" tabindex="0" aria-labelledby="${labelId}">
<table>
<caption class="unseen">${clipped(table.title)}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows.map((row) => renderRow(row, numeric, view))}</tbody>
</table>
</div>`;
}

/** The first cell names its row. */
function renderRow(row: readonly Cell[], numeric: readonly boolean[], view: View): Markup {
  const cells = row.map((cell, column) => {
    const content = renderCell(cell, view);
    const align = alignment(numeric[column]);
    return column === 0
      ? markup`<th scope="row"${align}>${content}</th>`
      : markup`<td${align}>${content}</td>`;
  });
  return markup`<tr>${cells}</tr>\n`;
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
