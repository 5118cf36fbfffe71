/**
 * A whole picture, from the state and the size of the screen, and from nothing else.
 *
 * @module
 */

import { formatDuration } from "../../../meta/format.ts";
import type { TerminalSize } from "../../../platform/shell.ts";
import type { Tone } from "../../../report.ts";
import { severityTone } from "./cells.ts";
import { cutLine, type Line, lineWidth, padLine, SIGNS, type Span, span, spread } from "./line.ts";
import { overviewLines } from "./overview.ts";
import { emptyLines, reportLines } from "./report_view.ts";
import { partOf, type TopState, viewsOf } from "./state.ts";

/** Lines above and below the view. */
const AROUND = 4;
/** Smaller than that nothing can be read. */
const MIN: TerminalSize = { columns: 40, rows: 8 };
/** From here on the footer has room for all its keys. */
const WIDE_ENOUGH = 100;
/** What a line of its own leaves free at both sides. */
const MARGIN = 1;

/** The lines of the view that a screen has room for. */
export function viewRows({ rows }: TerminalSize): number {
  return Math.max(1, rows - AROUND);
}

/** The picture: as many lines as the screen has, none wider than it. */
export function frameLines(state: TopState, size: TerminalSize): Line[] {
  const { columns, rows } = size;
  if (columns < MIN.columns || rows < MIN.rows) {
    return [cutLine([span(`needs ${MIN.columns}×${MIN.rows} characters, has ${columns}×${rows}`)], columns)];
  }
  const inner = columns - 2 * MARGIN;
  const room = viewRows(size);
  const view = state.isHelp ? helpLines() : bodyLines(state, inner, room);
  const top = Math.min(state.scroll, Math.max(0, view.length - room));
  const shown = view.slice(top, top + room);
  const below = Math.max(0, view.length - top - room);
  return [
    header(state, inner),
    tabs(state, inner),
    [span("─".repeat(inner), "dim")],
    ...Array.from({ length: room }, (_, index) => shown[index] ?? []),
    footer(state, inner, top, below),
  ].map((spans) => cutLine([{ text: " ".repeat(MARGIN) }, ...spans], columns));
}

/** The furthest that one can scroll. */
export function maxScroll(state: TopState, size: TerminalSize): number {
  const room = viewRows(size);
  const lines = state.isHelp ? helpLines() : bodyLines(state, size.columns - 2 * MARGIN, room);
  return Math.max(0, lines.length - room);
}

/** The overview alone, as long as it is: for who has no screen. */
export function pageLines(state: TopState, columns: number): Line[] {
  return [header(state, columns), [], ...bodyLines(state, columns, Infinity)];
}

function bodyLines(state: TopState, columns: number, rows: number): Line[] {
  const { sample, link, view, now } = state;
  const trouble: Line[] = link.state === "down" ? troubleLines(state, columns) : [];
  if (sample === undefined) {
    return trouble.length > 0 ? trouble : [[span(`Asking ${state.url} …`, "dim")]];
  }
  // While nothing answers, the picture is of the last moment that something did.
  const moment = link.state === "down" ? { ...state, now: sample.at } : { ...state, now };
  const report = sample.reports.get(view);
  const body = view === ""
    ? overviewLines(moment, sample, columns, rows)
    : report === undefined
    ? emptyLines(view)
    : reportLines(moment, report, columns);
  return [...trouble, ...body];
}

function troubleLines({ link, url, now, sample }: TopState, columns: number): Line[] {
  if (link.state !== "down") return [];
  const since = formatDuration(Math.round((now - link.since) / 1000) * 1000);
  const rest = sample === undefined ? "Trying again." : `Trying again; what follows is from before.`;
  return [
    cutLine([
      span(`${SIGNS.bad} `, "bad"),
      span(`No answer from ${url}`, "bold"),
      span(` for ${since}`, "dim"),
    ], columns),
    cutLine([span(`  ${link.reason}. `), span(rest, "dim")], columns),
    [],
  ];
}

function header({ sample, link, isPaused, url, now }: TopState, columns: number): Line {
  const right = isPaused ? chip("paused", "warning") : LINKS[link.state];
  if (sample === undefined) {
    return spread([span("ballast top", "bold"), span(`  ${url}`, "dim")], [right], columns);
  }
  const { name, state, startedAt, platform, process: host } = sample.outline;
  const facts = [
    Number.isFinite(startedAt)
      ? `up ${formatDuration(Math.max(1000, Math.round((now - startedAt) / 1000) * 1000))}`
      : "",
    `${platform.name} ${platform.version}`.trim(),
    host?.pid === undefined ? "" : `pid ${host.pid}`,
    host?.hostname ?? "",
  ].filter((text) => text !== "");
  const tone: Tone = state === "ready" ? "good" : state === "starting" ? "neutral" : "warning";
  return spread(
    [
      span(name, "bold"),
      span("  "),
      span(`${SIGNS[tone]} ${state}`, tone),
      span(`  ${facts.join(" · ")}`, "dim"),
    ],
    [right],
    columns,
  );
}

const LINKS: Readonly<Record<TopState["link"]["state"], Span>> = {
  connecting: chip("connecting", "neutral"),
  up: chip("live", "good"),
  down: chip("no answer", "bad"),
};

function chip(word: string, tone: Tone): Span {
  return span(`${SIGNS[tone]} ${word}`, tone);
}

/** The views; those that do not fit are to the left or the right of what is shown. */
function tabs(state: TopState, columns: number): Line {
  const all = viewsOf(state).map((id, index) => tab(state, id, index));
  const at = Math.max(0, viewsOf(state).indexOf(state.view));
  let first = 0;
  const width = (from: number, to: number) =>
    all.slice(from, to).reduce((sum, each) => sum + lineWidth(each), 0);
  while (first < at && width(first, at + 1) > columns - 4) first++;
  const left: Line = first > 0 ? [span("‹ ", "dim")] : [];
  const line = [...left, ...all.slice(first).flat()];
  if (lineWidth(line) <= columns) return line;
  return [...padLine(line, columns - 2), span(" ›", "dim")];
}

function tab({ view, sample }: TopState, id: string, index: number): Span[] {
  const title = id === ""
    ? "Overview"
    : sample?.outline.reports.find((report) => report.id === id)?.title ?? id;
  const ids = sample?.outline.reports.map((report) => report.id) ?? [];
  const worst = sample?.outline.findings.find(({ report }) => partOf(report, ids).includes(id));
  const key = index < 9 ? `${index + 1} ` : "";
  const isShown = id === view;
  const tone = worst && severityTone(worst.severity);
  return [
    span(` ${key}`, isShown ? "selected" : "dim"),
    span(title, isShown ? "selected" : undefined),
    ...(tone === undefined ? [] : [span(` ${SIGNS[tone]}`, isShown ? "selected" : tone)]),
    span(" ", isShown ? "selected" : undefined),
  ];
}

function footer({ intervalMs, sample }: TopState, columns: number, above: number, below: number): Line {
  const hidden = [above > 0 ? `↑ ${above}` : "", below > 0 ? `↓ ${below}` : ""].filter((text) => text !== "");
  const took = sample === undefined ? [] : [`took ${formatDuration(Math.round(sample.tookMs))}`];
  const right = [...hidden, `every ${formatDuration(intervalMs)}`, ...took].join(" · ");
  const keys = columns < WIDE_ENOUGH
    ? "q quit  p pause  ←→ view  ? help"
    : "q quit  p pause  ←→ view  ↑↓ scroll  ? help";
  return spread([span(keys, "dim")], [span(right, "dim")], columns);
}

const KEYS: readonly (readonly [string, string])[] = [
  ["q, Ctrl-C", "quit"],
  ["p, space", "pause, go on"],
  ["r", "look now"],
  ["tab, → or l", "the next view"],
  ["⇧tab, ← or h", "the view before"],
  ["1 to 9", "a view by its number"],
  ["0, escape", "the overview"],
  ["↑↓, j k", "scroll by a line; page keys by a screen; g and G to the ends"],
  ["Ctrl-Z", "stop; fg goes on"],
];

function helpLines(): Line[] {
  return [
    [span("Keys", "bold")],
    ...KEYS.map(([keys, what]): Line => [span(`  ${keys.padEnd(16)}`, "accent"), span(what)]),
    [],
    [span("Signs", "bold")],
    ...Object.entries({
      good: "well",
      neutral: "good to know",
      warning: "somebody will be hurt",
      bad: "somebody is",
    }).map(([tone, what]): Line => [span(`  ${SIGNS[tone as Tone].padEnd(16)}`, tone as Tone), span(what)]),
    [],
    [span("Any key goes back.", "dim")],
  ];
}
