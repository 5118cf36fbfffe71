/** How values are distributed, as markup: where they are dense, and what one in a hundred exceeds. */

import type { Histogram } from "../report.ts";
import { anchor, percent, PLOT_HEIGHT, renderChart } from "./chart.ts";
import { formatNumber, formatRatio, formatUnit } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import { linearScale, logScale, type Scale, spansDecades } from "./scale.ts";
import { withOwnIds } from "./section.ts";
import { describeAxis, onScale } from "./series.ts";

type Bucket = Histogram["buckets"][number];

/** The columns that buckets, which may be much finer, are counted into. */
const COLUMNS = 60;
/** The height of a line of labels above the plot. */
const LINE_HEIGHT = 13;
/** Labels nearer to each other than this share of the width stand on different lines. */
const LABEL_WIDTH = 0.14;

/** Renders histograms side by side, a figure each. */
export function renderHistograms(histograms: readonly Histogram[]): Markup {
  return markup`<div class="figures">${withOwnIds(histograms).map(renderHistogram)}</div>`;
}

/** Without a value there is nothing to draw, and the figure says so. */
function renderHistogram(histogram: Histogram): Markup {
  const buckets = histogram.buckets.filter(([from, to, count]) => Number.isFinite(to - from) && count > 0);
  const body = buckets.length === 0
    ? markup`<p class="none">no values yet</p>`
    : renderBuckets(histogram, buckets);
  return markup`<figure class="series">
<figcaption>${clipped(histogram.title)}</figcaption>
${body}
</figure>`;
}

function renderBuckets(histogram: Histogram, buckets: readonly Bucket[]): Markup {
  const { unit } = histogram;
  const scale = scaleOf(buckets, unit);
  const marks = histogram.quantiles
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => a.value - b.value)
    .map(({ q, value }) => ({
      name: quantileName(q),
      place: scale.place(value),
      text: formatUnit(value, unit),
    }));
  const lines = linesFor(marks.map(({ place }) => place));
  const head = LINE_HEIGHT * (Math.max(0, ...lines) + 1) + 3;
  const count = `${formatNumber(histogram.count)} ${histogram.count === 1 ? "value" : "values"}`;
  const chart = renderChart({
    id: `histogram-${histogram.id}`,
    title: histogram.title,
    description: [`${count}.`, ...marks.map(({ name, text }) => `${name}: ${text}.`), describeAxis(scale)]
      .join(" "),
    head,
    plotWidth: COLUMNS,
    plot: renderColumns(buckets, scale, unit),
    before: marks.map(({ name, place }, index) => renderMark(name, place, lines[index]!, head)),
    labels: scale.ticks.map((tick) => ({ place: scale.place(tick), text: formatUnit(tick, unit) })),
  });
  const items = marks.map(({ name, text }) => markup`<div><dt>${name}</dt><dd>${text}</dd></div>\n`);
  return markup`${chart}
<dl>${items}</dl>
<p class="hint">${count}${onScale(scale)}</p>`;
}

/** From the lowest value to the highest. A bucket that reaches down to zero has no place on a logarithmic axis. */
function scaleOf(buckets: readonly Bucket[], unit: string): Scale {
  const [min, max] = [Math.min(...buckets.map(([from]) => from)), Math.max(...buckets.map(([, to]) => to))];
  const positive = Math.min(...buckets.map(([from, to]) => from > 0 ? from : to));
  return min >= 0 && spansDecades(positive, max)
    ? logScale(positive, max, unit, 5)
    : linearScale(min, max, unit, 4);
}

/** A column is as high as values are dense there: all are equally wide, on either kind of axis. */
function renderColumns(buckets: readonly Bucket[], scale: Scale, unit: string): Markup {
  const counts = countColumns(buckets, scale);
  const highest = Math.max(...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const columns = counts.map((count, column) => {
    if (count === 0) return undefined;
    // What is there is to be seen, however rare.
    const height = Math.max(1, count / highest * PLOT_HEIGHT);
    const [from, to] = [column, column + 1].map((edge) => formatUnit(scale.value(edge / COLUMNS), unit));
    const text = `${from} to ${to}: ${formatRatio(count / total)}`;
    const size = markup`y="${round(PLOT_HEIGHT - height)}" width="0.9" height="${round(height)}"`;
    return markup`<rect x="${column}" ${size}><title>${text}</title></rect>`;
  });
  return markup`${columns}`;
}

/** Counts values by column. A bucket across several of them is taken to be evenly filled, as the axis measures. */
function countColumns(buckets: readonly Bucket[], scale: Scale): number[] {
  const counts = new Array<number>(COLUMNS).fill(0);
  for (const [from, to, count] of buckets) {
    const start = scale.place(from) * COLUMNS;
    const end = Math.max(scale.place(to) * COLUMNS, start);
    const last = Math.min(COLUMNS - 1, Math.max(Math.ceil(end) - 1, Math.floor(start)));
    const first = Math.min(Math.floor(start), last);
    for (let column = first; column <= last; column++) {
      const covered = Math.min(end, column + 1) - Math.max(start, column);
      counts[column]! += first === last ? count : count * covered / (end - start);
    }
  }
  return counts;
}

function renderMark(name: string, place: number, line: number, head: number): Markup {
  const y = LINE_HEIGHT * (line + 1) - 3;
  return markup`<line class="mark" x1="${percent(place)}" x2="${percent(place)}" y1="${y + 3}" y2="${
    head + PLOT_HEIGHT
  }"/><text class="mark" x="${percent(place)}" y="${y}"${anchor(place)}>${name}</text>`;
}

/** Which line above the plot each label stands on, so that none covers another; the places ascend. */
function linesFor(places: readonly number[]): number[] {
  const ends: number[] = [];
  return places.map((place) => {
    const free = ends.findIndex((end) => place - end >= LABEL_WIDTH);
    const line = free === -1 ? ends.length : free;
    ends[line] = place;
    return line;
  });
}

/** `p50`, `p99.9`. */
function quantileName(q: number): string {
  return `p${Number((q * 100).toFixed(4))}`;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
