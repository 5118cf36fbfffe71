/**
 * The reports of children, for pages of the whole group and of each child.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable } from "../report.ts";
import type { LocatedFinding } from "../reports.ts";

/** Whose reports they are. */
export interface ReportSource {
  /** `child-3`, or `supervisor`: the beginning of the ids of its reports. */
  readonly key: string;
  /** "Child 3". */
  readonly title: string;
  /** Its reports; none before its first word. */
  readonly reports: readonly Report[];
}

/** Facts that the page of the whole group has as columns. */
const MAX_FACTS = 8;

/** The id of one report of one child, as `/child-3-dns`. */
export function childReportId(key: string, id: string): string {
  return `${key}-${id}`;
}

/** A report of one child, on a page of its own. */
export function childReport({ key, title }: ReportSource, report: Report): Report {
  return {
    ...report,
    id: childReportId(key, report.id),
    title: `${title}: ${report.title}`,
    ...(report.tables && { tables: report.tables.map(plainTable) }),
  };
}

/** One part in all children: what each says in one line, its facts side by side, and what is wrong in any. */
export function partReport(id: string, sources: readonly ReportSource[]): Report | undefined {
  const all = sources.flatMap((source) =>
    source.reports.filter((report) => report.id === id).map((report) => ({ source, report }))
  );
  const first = all[0]?.report;
  if (first === undefined) return undefined;
  const labels = [...new Set(all.flatMap(({ report }) => (report.facts ?? []).map(({ label }) => label)))]
    .slice(0, MAX_FACTS);
  return {
    id,
    title: first.title,
    summary: all.length === 1 ? first.summary ?? "" : `in ${all.length} children`,
    tables: [{
      id: "children",
      title: "Children",
      columns: ["Child", "In short", ...labels, "Findings"],
      rows: all.map(({ source, report }): Cell[] => [
        { kind: "link", text: source.title, path: `/${childReportId(source.key, id)}` },
        report.summary ?? "",
        ...labels.map((label) =>
          plainCell(report.facts?.find((fact) => fact.label === label)?.value ?? null)
        ),
        report.findings?.length ?? 0,
      ]),
      empty: "No child has said anything yet.",
    }],
    ...(first.actions !== undefined && { actions: first.actions }),
    findings: all.flatMap(({ source, report }) =>
      (report.findings ?? []).map((one) => findingOf(source, one))
    ),
  };
}

/** What is wrong in any child, and where. */
export function childFindings(sources: readonly ReportSource[]): LocatedFinding[] {
  return sources.flatMap((source) =>
    source.reports.flatMap(({ id, findings = [] }) =>
      findings.map((finding) => ({ ...findingOf(source, finding), report: childReportId(source.key, id) }))
    )
  );
}

function findingOf({ key, title }: ReportSource, finding: Finding): Finding {
  return { ...finding, id: `${key}-${finding.id}`, evidence: `${title}: ${finding.evidence}` };
}

function plainTable(table: ReportTable): ReportTable {
  return { ...table, rows: table.rows.map((row) => row.map(plainCell)) };
}

/** The pages behind these cells are the child's own: nobody can reach them. */
function plainCell(cell: Cell): Cell {
  if (cell === null || typeof cell !== "object") return cell;
  return cell.kind === "details" ? cell.key : cell.kind === "link" ? cell.text : cell;
}
