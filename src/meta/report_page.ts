/** A component's page: its report, section by section, in the order in which one reads it in trouble. */

import type { Action, Report } from "../report.ts";
import type { View } from "./cell.ts";
import { renderFindings, worstTone } from "./findings.ts";
import { renderMachine } from "./machine.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";
import { renderSection } from "./section.ts";
import { renderAllSeries } from "./series.ts";
import { renderFacts, renderTable } from "./table.ts";

/** The page of the report that is registered under `id`. */
export function reportPage(id: string, report: Report): Page {
  return {
    title: clipped(report.title),
    path: `/${id}`,
    tone: worstTone(report.findings ?? []),
    source: jsonSource({ report }),
    body: (view) => renderReport(id, report, view),
  };
}

function renderReport(id: string, report: Report, view: View): Markup {
  const { summary, findings = [], facts = [], machines = [], tables = [], series = [], actions = [] } =
    report;
  const parts = [
    summary === undefined ? undefined : markup`<p class="summary">${clipped(summary)}</p>`,
    findings.length > 0 ? renderSection("findings", "Findings", renderFindings(findings, view)) : undefined,
    facts.length > 0 ? renderSection("facts", "Facts", renderFacts(facts, view)) : undefined,
    machines.map(renderMachine),
    series.length > 0 ? renderSection("series", "Over time", renderAllSeries(series, view)) : undefined,
    tables.map((table) => renderTable(table, view)),
    actions.length > 0 ? renderSection("actions", "Actions", renderActions(id, actions)) : undefined,
  ];
  return markup`${parts}`;
}

/** What the component can be told to do. The page changes nothing: it shows the call that does. */
function renderActions(report: string, actions: readonly Action[]): Markup {
  const items = actions.map(({ id, label, fields }) => {
    const args = fields.length === 0 ? "" : `, { ${fields.map(({ name }) => name).join(", ")} }`;
    const hints = fields.map((field) => {
      return markup`<dd class="hint"><code>${field.name}</code>: ${clipped(field.label)}</dd>`;
    });
    return markup`<div><dt>${clipped(label)}</dt>
<dd><code>runtime.reports.act("${report}", "${id}"${args})</code></dd>${hints}</div>
`;
  });
  return markup`<dl class="actions">${items}</dl>`;
}
