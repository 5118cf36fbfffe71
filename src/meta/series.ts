/** Numbers over time, as markup: a line, and in words what is to be read off it. */

// @ts-types="@types/d3-shape"
import { area, line } from "d3-shape";

import type { Series } from "../report.ts";
import { renderTime, type View } from "./cell.ts";
import { fromTop, percent, PLOT_HEIGHT, renderChart, renderLevels } from "./chart.ts";
import { formatDuration, formatNumber, formatRelativeTime, formatUnit } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { linearScale, logScale, type Scale, spansDecades, timeTicks } from "./scale.ts";
import { withOwnIds } from "./section.ts";

type Point = Series["points"][number];

/** The plot's width in its own units: columns of which each shows its highest and its lowest value. */
const WIDTH = 300;
/** Room above the plot for the label of the highest level. */
const HEAD = 16;
/** Larger values leave arithmetic no room. */
const MAX_VALUE = 1e300;

/** Renders series side by side, a figure each. */
export function renderAllSeries(series: readonly Series[], view: View): Markup {
  return markup`<div class="figures">${withOwnIds(series).map((one) => renderSeries(one, view))}</div>`;
}

/** Without a finite value there is nothing to draw, and the figure says so. */
function renderSeries(series: Series, view: View): Markup {
  const points = series.points.filter(([at, value]) =>
    Math.abs(at) < MAX_VALUE && Math.abs(value) < MAX_VALUE
  );
  const body = points.length === 0
    ? markup`<p class="none">no values yet</p>`
    : renderPoints(series, points, view);
  return markup`<figure class="series">
<figcaption>${clipped(series.title)}</figcaption>
${body}
</figure>`;
}

function renderPoints(series: Series, points: readonly Point[], view: View): Markup {
  const { unit } = series;
  const last = points.at(-1)!;
  const values = points.map(([, value]) => value);
  const [min, max] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const scale = unit === "ms" && spansDecades(min, max)
    ? logScale(min, max, unit, 4)
    : linearScale(min, max, unit, 2);
  const levels = renderLevels(scale, unit, HEAD);
  const count = countPoints(points);
  const read = (value: number) => formatUnit(value, unit);
  const chart = renderChart({
    id: `series-${series.id}`,
    title: series.title,
    description: `${count}: lowest ${read(min)}, highest ${read(max)}, last ${read(last[1])}. ${
      describeAxis(scale)
    }`,
    head: HEAD,
    plotWidth: WIDTH,
    plot: renderLine(points, scale),
    behind: levels.lines,
    before: [renderDot(last, scale), ...levels.labels],
    labels: timeLabels(points[0]![0], last[0], view.now),
  });
  return markup`${chart}
<dl>
<div><dt>last</dt><dd>${read(last[1])}</dd></div>
<div><dt>lowest</dt><dd>${read(min)}</dd></div>
<div><dt>highest</dt><dd>${read(max)}</dd></div>
</dl>
<p class="hint">${count}, the last ${renderTime(last[0], view)}${onScale(scale)}</p>`;
}

function countPoints(points: readonly Point[]): string {
  const span = formatDuration(points.at(-1)![0] - points[0]![0]);
  return points.length === 1 ? "1 value" : `${formatNumber(points.length)} values in ${span}`;
}

/** What is to be said beside a chart of its axis. */
export function onScale({ isLogarithmic }: Scale): string {
  return isLogarithmic ? "; on a logarithmic scale" : "";
}

/** How an axis reads in words. */
export function describeAxis({ isLogarithmic }: Scale): string {
  return isLogarithmic ? "The scale is logarithmic." : "The scale is linear.";
}

function timeLabels(from: number, to: number, now: number): { place: number; text: string }[] {
  if (from === to) return [{ place: 1, text: formatRelativeTime(to, now) }];
  return timeTicks(from, to, now, 3).map((at) => ({
    place: (at - from) / (to - from),
    text: formatRelativeTime(at, now),
  }));
}

/** The line, and the area below it where its height means something: above zero. A single value is a level line. */
function renderLine(points: readonly Point[], scale: Scale): Markup {
  const [first, last] = [points[0]!, points.at(-1)!];
  const [start, span] = [first[0], last[0] - first[0]];
  const drawn = span === 0 ? [last, last] : thinned(points);
  const x = ([at]: Point, index: number) => (span === 0 ? index : (at - start) / span) * WIDTH;
  const y = ([, value]: Point) => fromTop(scale.place(value));
  const isFromZero = !scale.isLogarithmic && scale.min === 0;
  const below = isFromZero
    ? markup`<path class="area" d="${area<Point>(x, PLOT_HEIGHT, y).digits(1)(drawn) ?? ""}"/>`
    : undefined;
  return markup`${below}<path class="line" d="${line<Point>(x, y).digits(1)(drawn) ?? ""}"/>`;
}

/** Where the line has got to. */
function renderDot([, value]: Point, scale: Scale): Markup {
  return markup`<circle class="last" cx="${percent(1)}" cy="${HEAD + fromTop(scale.place(value))}" r="3"/>`;
}

/** At most two points for each unit of the width, the lowest and the highest, so that no spike is lost. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= 2 * WIDTH) return points;
  const kept: Point[] = [];
  for (let column = 0; column < WIDTH; column++) {
    const from = Math.floor(column * points.length / WIDTH);
    const to = Math.floor((column + 1) * points.length / WIDTH);
    const sorted = points.slice(from, to).sort((a, b) => a[1] - b[1]);
    kept.push(...[sorted[0]!, sorted.at(-1)!].sort((a, b) => a[0] - b[0]));
  }
  return kept;
}
