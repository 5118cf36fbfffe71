/**
 * The view of one report: whatever it is about, one's own included.
 *
 * @module
 */

import type { Report } from "../../../report.ts";
import { factLines, findingLines, heading, histogramLine, machineLine, seriesLine } from "./blocks.ts";
import { cutLine, type Line, span } from "./line.ts";
import type { TopState } from "./state.ts";
import { tableLines } from "./table.ts";

/** More rows of a table are counted, not shown. */
const MAX_ROWS = 200;

/** The lines of the view, in the order in which one reads a report in trouble. */
export function reportLines(state: TopState, report: Report, columns: number): Line[] {
  const { now, intervalMs } = state;
  const {
    title,
    summary,
    findings = [],
    facts = [],
    machines = [],
    series = [],
    histograms = [],
    tables = [],
  } = report;
  const blocks: Line[][] = [
    [cutLine([span(title, "bold"), span(summary === undefined ? "" : `  ${summary}`, "dim")], columns)],
    ...findings.map((finding) => findingLines(finding, columns, now, 2)),
    factLines(facts, columns, now),
    machines.map((machine) => cutLine(machineLine(machine), columns)),
    series.filter(({ points }) => points.length > 0).map((each) =>
      seriesLine(each, columns, now, intervalMs)
    ),
    histograms.map((each) => cutLine(histogramLine(each), columns)),
    ...tables.map((table) => tableLines(table, columns, now, MAX_ROWS)),
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, index) =>
    index === 0 ? block : [[], ...block]
  );
}

/** What stands there until the report has come. */
export function emptyLines(id: string): Line[] {
  return [heading(id, "not read yet")];
}
