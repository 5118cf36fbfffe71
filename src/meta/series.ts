/** Numbers over time, as markup: a line, and in words what is to be read off it. */

import type { Series } from "../report.ts";
import { renderTime, type View } from "./cell.ts";
import { formatDuration, formatNumber, formatUnit } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";

type Point = Series["points"][number];

/** The picture's units; the edges leave room for the width of the line. */
const WIDTH = 300;
const HEIGHT = 40;
const VIEW_BOX = `0 -2 ${WIDTH} ${HEIGHT + 4}`;

/** Renders series side by side, a figure each. */
export function renderAllSeries(series: readonly Series[], view: View): Markup {
  return markup`<div class="figures">${series.map((one) => renderSeries(one, view))}</div>`;
}

/** Without a finite value there is nothing to draw, and the figure says so. */
function renderSeries(series: Series, view: View): Markup {
  const points = series.points.filter(([at, value]) => Number.isFinite(at) && Number.isFinite(value));
  const last = points.at(-1);
  const body = last === undefined
    ? markup`<p class="none">no values yet</p>`
    : renderLine(points, last, series.unit, view);
  return markup`<figure class="series">
<figcaption>${clipped(series.title)}</figcaption>
${body}
</figure>`;
}

function renderLine(points: readonly Point[], last: Point, unit: string, view: View): Markup {
  const extremes = findExtremes(points);
  const span = formatDuration(last[0] - points[0]![0]);
  const count = points.length === 1 ? "1 value" : `${formatNumber(points.length)} values in ${span}`;
  return markup`<svg class="line" viewBox="${VIEW_BOX}" preserveAspectRatio="none" aria-hidden="true">
<polyline points="${linePoints(points, extremes)}"/></svg>
<dl>
<div><dt>last</dt><dd>${formatUnit(last[1], unit)}</dd></div>
<div><dt>lowest</dt><dd>${formatUnit(extremes.min, unit)}</dd></div>
<div><dt>highest</dt><dd>${formatUnit(extremes.max, unit)}</dd></div>
</dl>
<p class="hint">${count}, the last ${renderTime(last[0], view)}</p>`;
}

interface Extremes {
  readonly min: number;
  readonly max: number;
}

function findExtremes(points: readonly Point[]): Extremes {
  let [min, max] = [Infinity, -Infinity];
  for (const [, value] of points) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, max };
}

/** The line in the picture's units. A level series is drawn in the middle, a single value as a level line. */
function linePoints(points: readonly Point[], { min, max }: Extremes): string {
  const start = points[0]![0];
  const span = points.at(-1)![0] - start;
  const toX = (at: number) => span === 0 ? WIDTH : (at - start) / span * WIDTH;
  const toY = (value: number) => max === min ? HEIGHT / 2 : (max - value) / (max - min) * HEIGHT;
  const line = thinned(points).map(([at, value]) => `${toX(at).toFixed(1)},${toY(value).toFixed(1)}`);
  if (span === 0) line.unshift(`0,${toY(points[0]![1]).toFixed(1)}`);
  return line.join(" ");
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
