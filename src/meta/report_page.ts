/** A component's page: its report, section by section, in the order in which one reads it in trouble. */

import type { Report } from "../report.ts";
import { outcomeTable, renderActions, renderOutcome } from "./action_form.ts";
import type { Actions } from "./actions.ts";
import type { View } from "./cell.ts";
import { renderFindings, worstTone } from "./findings.ts";
import { renderHistograms } from "./histogram.ts";
import { renderMachine } from "./machine.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";
import { renderSection, type Section, withOwnIds } from "./section.ts";
import { renderAllSeries } from "./series.ts";
import { renderFacts, renderTable } from "./table.ts";

/** The page of the report that is registered under `id`; `done` is the outcome that its reader waits for. */
export function reportPage(id: string, report: Report, actions: Actions, done: string | undefined): Page {
  return {
    title: clipped(report.title),
    path: `/${id}`,
    tone: worstTone(report.findings ?? []),
    source: jsonSource({ report }),
    body: (view) => renderReport(id, report, actions, done, view),
    live: { page: `/${id}`, ...(done !== undefined && { done }) },
  };
}

function renderReport(
  id: string,
  report: Report,
  actions: Actions,
  done: string | undefined,
  view: View,
): Section[] {
  const { summary, findings = [], facts = [], machines = [], tables = [], series = [], histograms = [] } =
    report;
  const outcomes = actions.outcomes(id);
  const outcome = outcomes.find((outcome) => outcome.id === done);
  return [
    ...some(summary, (text) => paragraph("summary", markup`${clipped(text)}`)),
    ...some(outcome, (outcome) => ({ id: "outcome", markup: renderOutcome(outcome, view) })),
    ...section("findings", "Findings", findings, () => renderFindings(findings, view)),
    ...section("facts", "Facts", facts, () => renderFacts(facts, view)),
    ...withOwnIds(machines).map(renderMachine),
    ...section("series", "Over time", series, () => renderAllSeries(series, view)),
    ...section("histograms", "Distributions", histograms, () => renderHistograms(histograms)),
    ...withOwnIds(tables).map((table) => renderTable(table, view)),
    ...section(
      "actions",
      "Actions",
      report.actions ?? [],
      (list) => renderActions(id, list, actions.mode, view),
    ),
    ...(outcomes.length > 0 ? [renderTable(outcomeTable(outcomes), view)] : []),
  ];
}

/** A section about a list, unless that is empty. */
function section<T>(
  id: string,
  title: string,
  list: readonly T[],
  body: (list: readonly T[]) => Markup,
): Section[] {
  return list.length === 0 ? [] : [renderSection(id, title, body(list))];
}

function some<T>(value: T | undefined, render: (value: T) => Section): Section[] {
  return value === undefined ? [] : [render(value)];
}

function paragraph(id: string, text: Markup): Section {
  return { id, markup: markup`<p id="${id}" class="${id}">${text}</p>\n` };
}
