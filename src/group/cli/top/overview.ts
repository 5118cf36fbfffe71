/**
 * The first view: what is wrong, the numbers one looks at first, and every part in a line.
 *
 * @module
 */

import { formatBytes, formatDuration, formatNumber, formatRatio } from "../../../meta/format.ts";
import type { Finding, Report, ReportTable } from "../../../report.ts";
import { besides, findingLines, heading } from "./blocks.ts";
import { severityTone } from "./cells.ts";
import { type Figures, points } from "./figures.ts";
import { type Line, SIGNS, type Span, span, type Style } from "./line.ts";
import { type Point, resample, sparkline } from "./spark.ts";
import type { Sample } from "./poll.ts";
import { partOf, type TopState } from "./state.ts";
import { tableLines } from "./table.ts";
import { fit, harmless, widthOf } from "./text.ts";

/** From here on numbers and parts stand side by side. */
const WIDE = 120;
const LABEL = 10;
const VALUE = 10;
const NOTE = 24;

/** The lines of the view. `rows` is how many the screen has for it: what is wrong gets no more than a good part of them. */
export function overviewLines(state: TopState, sample: Sample, columns: number, rows: number): Line[] {
  const { outline, reports } = sample;
  const isWide = columns >= WIDE;
  const figures = isWide ? Math.floor((columns - 4) * 0.52) : columns;
  const numbers = figureLines(state, sample, figures);
  const parts = partLines(sample, isWide ? columns - figures - 4 : columns);
  return [
    ...findingsBlock(outline.findings, columns, rows, state.now),
    [],
    ...(isWide ? besides(numbers, parts, figures + 4) : [...numbers, [], ...parts]),
    ...TABLES.flatMap(([report, table]) => more(tableOf(reports.get(report), table), columns, state.now)),
  ];
}

/** Tables worth a place of their own, where the screen has one; rows of each at most. */
const TABLES = [["group", "children"], ["connections", "addresses"], ["dns", "names"]] as const;
const TABLE_ROWS = 12;

function more(table: ReportTable | undefined, columns: number, now: number): Line[] {
  return table === undefined || table.rows.length === 0
    ? []
    : [[], ...tableLines(table, columns, now, TABLE_ROWS)];
}

function tableOf(report: Report | undefined, id: string): ReportTable | undefined {
  return report?.tables?.find((table) => table.id === id);
}

/** All findings in a line each, the first ones with their evidence while there is room. */
function findingsBlock(
  all: readonly Located[],
  columns: number,
  rows: number,
  now: number,
): Line[] {
  if (all.length === 0) return [[span(`${SIGNS.good} `, "good"), span("Nothing is wrong")]];
  const findings = gathered(all);
  const room = Math.max(3, Math.floor(rows / 3));
  const shown = findings.slice(0, findings.length > room ? room - 1 : room);
  const depth = rows === Infinity ? 2 : shown.length * 2 <= room ? 1 : 0;
  const left = findings.length - shown.length;
  return [
    ...shown.flatMap((finding) => findingLines(finding, columns, now, depth)),
    ...(left > 0 ? [[span(`  … ${left} more, each in the view of its part`, "dim")]] : []),
  ];
}

type Located = Finding & { readonly report?: string };

/** The same said by several processes of a group is one finding, and how many say so. */
function gathered(findings: readonly Located[]): Located[] {
  const titles = new Map<string, Located[]>();
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.title}`;
    titles.set(key, [...titles.get(key) ?? [], finding]);
  }
  return [...titles.values()].map((same) =>
    same.length === 1 ? same[0]! : { ...same[0]!, title: `${same[0]!.title} (×${same.length})` }
  );
}

/** A number on the screen. */
interface Row {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly style?: Style | undefined;
  /** Its course: points, and what a step without a point counts as. */
  readonly course: readonly Point[];
  readonly gap?: number;
  /** What a full block stands for at least. */
  readonly top?: number;
}

function figureLines(state: TopState, { reports, at }: Sample, columns: number): Line[] {
  const { history, intervalMs } = state;
  const isNarrow = columns < LABEL + 12 + VALUE + NOTE;
  const note = isNarrow ? 0 : NOTE;
  const steps = Math.max(6, columns - LABEL - VALUE - note - 4);
  const list = figureRows(history, reports);
  return list.map(({ label, value, note: text = "", style, course, gap, top }): Line => {
    const values = resample(course, at, intervalMs, steps, gap);
    return [
      span(fit(label, LABEL), "dim"),
      // Where nothing happens there is nothing to look at.
      span(sparkline(values, top), values.some((value) => (value ?? 0) > 0) ? "accent" : "dim"),
      { text: "  " },
      span(fit(value, VALUE, "right"), style),
      { text: "  " },
      span(fit(text, note), "dim"),
    ];
  });
}

function figureRows(history: readonly Figures[], reports: ReadonlyMap<string, Report>): Row[] {
  const now = history.at(-1)!;
  const own = (pick: (figures: Figures) => number | undefined): Point[] =>
    history.flatMap((figures) => {
      const value = pick(figures);
      return value === undefined ? [] : [[figures.at, value] as const];
    });
  /** The course that the service itself remembers, where it does: it is older than this program. */
  const remembered = (report: string, series: string, pick: (figures: Figures) => number | undefined) => {
    const known = points(reports.get(report), series);
    return known.length > 0 ? known : own(pick);
  };
  const children = reports.get("group")?.tables?.find(({ id }) => id === "children")?.rows.length ?? 0;
  const rows: (Row | false)[] = [
    {
      label: "Load",
      value: perSecond(now.requestsPerS),
      note: now.errorsPerS ? `requests, ${perSecond(now.errorsPerS)} failed` : "requests",
      style: now.errorsPerS ? "bad" : undefined,
      course: own((f) => f.requestsPerS),
    },
    { label: "p50", value: milliseconds(now.p50Ms), note: "median latency", course: own((f) => f.p50Ms) },
    {
      label: "p99",
      value: milliseconds(now.p99Ms),
      note: "since the last look",
      course: own((f) => f.p99Ms),
    },
    now.inFlight !== undefined && {
      label: "In flight",
      value: of(now.inFlight, now.limit),
      note: now.isOverloaded
        ? "overloaded"
        : now.waiting
        ? `${formatNumber(now.waiting)} waiting`
        : "none waits",
      style: now.isOverloaded ? "bad" : now.waiting ? "warning" : undefined,
      course: remembered("overload", "in-flight", (f) => f.inFlight),
      gap: 0,
    },
    now.shed !== undefined && {
      label: "Sheds",
      value: perSecond(now.shedPerS),
      note: `${formatNumber(now.shed)} so far`,
      style: now.shedPerS ? "warning" : undefined,
      course: remembered("overload", "refused", (f) => f.shedPerS),
      gap: 0,
    },
    (now.lagMs !== undefined || now.pauses !== undefined) && {
      label: "Loop lag",
      value: milliseconds(now.lagMs),
      note: now.pauses ? `${formatNumber(now.pauses)} ${now.pauses === 1 ? "pause" : "pauses"}` : "no pause",
      style: (now.lagMs ?? 0) > 1000 ? "bad" : (now.lagMs ?? 0) > 100 ? "warning" : undefined,
      course: remembered("monitor", "lag", (f) => f.lagMs),
      top: 10,
    },
    // A group does not tell what its children use.
    (children === 0 || now.cpu !== undefined) && {
      label: "Processor",
      value: now.cpu === undefined ? "–" : formatRatio(now.cpu),
      note: "of one core",
      style: (now.cpu ?? 0) > 0.95 ? "warning" : undefined,
      course: remembered("monitor", "cpu", (f) => f.cpu),
      top: 1,
    },
    {
      label: "Memory",
      value: now.rssBytes === undefined ? "–" : formatBytes(now.rssBytes),
      note: children > 1 ? `resident, ${children} processes` : "resident",
      course: children > 0 ? own((f) => f.rssBytes) : remembered("monitor", "rss", (f) => f.rssBytes),
    },
  ];
  return rows.filter((row) => row !== false);
}

function perSecond(value: number | undefined): string {
  if (value === undefined) return "–";
  return `${value > 0 && value < 10 ? value.toFixed(1) : formatNumber(Math.round(value))} /s`;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "–" : formatDuration(value);
}

function of(value: number | undefined, limit: number | undefined): string {
  if (value === undefined) return "–";
  return limit === undefined ? formatNumber(value) : `${formatNumber(value)} of ${formatNumber(limit)}`;
}

/** Every part in a line: its worst finding, its name, its own summary. */
function partLines({ outline }: Sample, columns: number): Line[] {
  const { reports, findings } = outline;
  const ids = reports.map(({ id }) => id);
  const label = Math.min(20, Math.max(...reports.map(({ title }) => widthOf(harmless(title))), 4)) + 2;
  const lines = reports.map(({ id, title, summary = "" }): Line => {
    const worst = findings.find(({ report }) => partOf(report, ids).includes(id));
    const tone = worst === undefined ? "good" : severityTone(worst.severity);
    const sign: Span = span(`${SIGNS[tone]} `, tone);
    return [
      sign,
      span(`${fit(title, label - 2)}  `),
      span(fit(summary, Math.max(0, columns - label - 2)), "dim"),
    ];
  });
  return lines.length === 0 ? [heading("No part reports anything")] : lines;
}
