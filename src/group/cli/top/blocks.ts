/**
 * The parts that views are made of: findings, facts, machines, series, histograms.
 *
 * @module
 */

import { formatNumber, formatRelativeTime, formatUnit } from "../../../meta/format.ts";
import type { Fact, Finding, Histogram, Series, StateMachine } from "../../../report.ts";
import { wrap } from "../help.ts";
import { cellSpan, severityTone } from "./cells.ts";
import { cutLine, type Line, padLine, SIGNS, type Span, span, spread } from "./line.ts";
import { resample, sparkline } from "./spark.ts";
import { fit, harmless, widthOf } from "./text.ts";

/** A finding: what is wrong in one line, and below it as much as there is room for. */
export function findingLines(
  finding: Finding & { readonly report?: string },
  columns: number,
  now: number,
  depth: 0 | 1 | 2,
): Line[] {
  const { severity, title, evidence = "", likelyCause = "", remedy = "", since, report } = finding;
  const tone = severityTone(severity);
  const where = [report, since === undefined ? undefined : formatRelativeTime(since, now)];
  const aside = where.filter((part) => part !== undefined).join(" · ");
  const head = spread([span(`${SIGNS[tone]} `, tone), span(title, "bold")], [span(aside, "dim")], columns);
  const below = (text: string, mark = ""): Line[] =>
    text === "" ? [] : wrap(text, Math.max(20, columns - 2 - mark.length)).map((
      part,
      index,
    ) => [
      span(index === 0 ? `  ${mark}` : " ".repeat(2 + mark.length), "dim"),
      span(part, mark === "" ? "dim" : undefined),
    ]);
  if (depth === 0) return [head];
  if (depth === 1) return [head, cutLine([span(`  ${evidence}`, "dim")], columns)];
  return [head, ...below(evidence), ...below(likelyCause, "cause   "), ...below(remedy, "remedy  ")];
}

const FACT_WIDTH = 38;

/** Named values, side by side. */
export function factLines(facts: readonly Fact[], columns: number, now: number): Line[] {
  const perLine = Math.max(1, Math.floor((columns + 2) / (FACT_WIDTH + 2)));
  const width = Math.floor((columns + 2) / perLine) - 2;
  const label = Math.min(22, Math.max(0, ...facts.map(({ label }) => widthOf(harmless(label))))) + 2;
  const rows = Math.ceil(facts.length / perLine);
  return Array.from({ length: rows }, (_, row) =>
    // Read downwards, as one reads a list.
    Array.from({ length: perLine }, (_, column) => facts[column * rows + row]).flatMap(
      (fact, column): Span[] => {
        if (fact === undefined) return [];
        const value = { ...cellSpan(fact.value, now) };
        const cell = padLine([span(fit(fact.label, label), "dim"), value], width);
        return column === 0 ? [...cell] : [{ text: "  " }, ...cell];
      },
    ));
}

/** How many are in which state; states that nothing is in are left out. */
export function machineLine({ title, states }: StateMachine): Line {
  const some = states.filter(({ count }) => count > 0);
  if (some.length === 0) return [span(`${title}  `, "dim"), span("none", "dim")];
  return [
    span(`${title}  `, "dim"),
    ...some.flatMap(({ state, count, tone }) => [
      span(`${SIGNS[tone] ?? SIGNS.neutral} ${state} `, tone),
      span(`${formatNumber(count)}   `),
    ]),
  ];
}

/** The course of a value, and where it stands. */
export function seriesLine(
  { title, unit, points }: Series,
  columns: number,
  now: number,
  stepMs: number,
): Line {
  const last = points.at(-1)?.[1];
  const label = Math.min(34, Math.floor(columns / 3));
  const steps = Math.max(8, columns - label - 14);
  const course = sparkline(resample(points, now, stepMs, steps));
  return [
    span(fit(title, label), "dim"),
    span(course, "accent"),
    span(fit(last === undefined ? "–" : formatUnit(last, unit), 14, "right")),
  ];
}

/** Where the values of a histogram lie. */
export function histogramLine({ title, unit, count, quantiles }: Histogram): Line {
  return [
    span(`${title}  `, "dim"),
    ...(quantiles ?? []).flatMap(({ q, value }) => [
      span(`p${formatNumber(q * 100)} `, "dim"),
      span(`${formatUnit(value, unit)}   `),
    ]),
    span(`of ${formatNumber(count)}`, "dim"),
  ];
}

/** Two columns of lines as one. */
export function besides(left: readonly Line[], right: readonly Line[], leftColumns: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const spans = padLine(left[index] ?? [], leftColumns);
    return right[index] === undefined ? spans : [...spans, ...right[index]];
  });
}

/** A heading. */
export function heading(title: string, note = ""): Line {
  return [span(title, "bold"), span(note === "" ? "" : `  ${note}`, "dim")];
}
