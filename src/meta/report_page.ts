/** A component's page: its report, section by section, in the order in which one reads it in trouble. */

import type { Report } from "../report.ts";
import { outcomeTable, renderActions, renderOutcome } from "./action_form.ts";
import type { Actions } from "./actions.ts";
import type { View } from "./cell.ts";
import { renderFindings, worstTone } from "./findings.ts";
import { renderHistograms } from "./histogram.ts";
import { renderMachine } from "./machine.ts";
import { type Place, reportPath } from "./link.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";
import { renderSection, type Section, withOwnIds } from "./section.ts";
import { renderAllSeries } from "./series.ts";
import { renderFacts, renderTable } from "./table.ts";

/** The page of a report, or of the details of something; `done` is the outcome that its reader waits for. */
export function reportPage(place: Place, report: Report, actions: Actions, done: string | undefined): Page {
  const path = reportPath(place);
  const { report: id, key } = place;
  return {
    title: clipped(report.title),
    path,
    parent: key === undefined ? undefined : { text: id, path: reportPath({ report: id }) },
    tone: worstTone(report.findings ?? []),
    source: jsonSource({ report }),
    body: (view) => renderReport(place, report, actions, done, { ...view, report: id }),
    live: { page: path, ...(done !== undefined && { done }) },
  };
}

function renderReport(
  place: Place,
  report: Report,
  actions: Actions,
  done: string | undefined,
  view: View,
): Section[] {
  const { summary, findings = [], facts = [], machines = [], tables = [], series = [], histograms = [] } =
    report;
  const outcomes = actions.outcomes(place);
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
      (list) => renderActions(place, list, actions.mode, view),
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
