/**
 * What charts have in common: a figure as wide as its place, with texts that keep their size.
 *
 * Across, everything is placed in shares of the width, which only the browser knows; downwards in pixels. What is drawn
 * of lines and areas lies in a picture of its own, which is stretched.
 */

import { formatUnit } from "./format.ts";
import { clipped, type Markup, markup } from "./markup.ts";
import type { Scale } from "./scale.ts";

/** The height of what is drawn, in pixels. */
export const PLOT_HEIGHT = 112;
/** Room for the labels below it. */
const FOOT = 22;

/** A chart: what is drawn, what it stands among, and how it reads to who cannot see it. */
export interface Chart {
  /** Unique on the page. */
  readonly id: string;
  /** What it shows. */
  readonly title: string;
  /** What is to be read off it, in a sentence or two. */
  readonly description: string;
  /** Pixels above the plot. */
  readonly head: number;
  /** The width of the plot in its own units. */
  readonly plotWidth: number;
  /** Drawn in the plot, which is {@linkcode PLOT_HEIGHT} high. */
  readonly plot: Markup;
  /** Drawn behind and before the plot: shares of the width, pixels from the top. */
  readonly behind?: readonly Markup[];
  readonly before?: readonly Markup[];
  /** Labels below it, at shares of the width. */
  readonly labels: readonly { readonly place: number; readonly text: string }[];
}

/** Renders a chart. */
export function renderChart({ head, behind, before, ...chart }: Chart): Markup {
  const [titleId, descriptionId] = [`${chart.id}-name`, `${chart.id}-text`];
  const bottom = head + PLOT_HEIGHT;
  const labels = chart.labels.map(({ place, text }) => {
    return markup`<text class="tick" x="${percent(place)}" y="${bottom + 16}"${anchor(place)}>${text}</text>`;
  });
  return markup`<svg class="chart" role="img" height="${
    bottom + FOOT
  }" aria-labelledby="${titleId} ${descriptionId}">
<title id="${titleId}">${clipped(chart.title)}</title>
<desc id="${descriptionId}">${chart.description}</desc>
${behind}<svg y="${head}" width="100%" height="${PLOT_HEIGHT}" viewBox="0 0 ${chart.plotWidth} ${PLOT_HEIGHT}"${STRETCHED}>
${chart.plot}</svg>
${before}<line class="axis" x1="0" x2="100%" y1="${bottom}" y2="${bottom}"/>
${labels}</svg>`;
}

const STRETCHED = markup` preserveAspectRatio="none"`;

/** A level line at each round value, with the value above it. */
export function renderLevels(
  scale: Scale,
  unit: string,
  head: number,
): { lines: Markup[]; labels: Markup[] } {
  const levels = scale.ticks.map((tick) => ({
    y: head + fromTop(scale.place(tick)),
    text: formatUnit(tick, unit),
  }));
  return {
    lines: levels.map(({ y }) => markup`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/>`),
    labels: levels.map(({ y, text }) => markup`<text class="tick" x="0" y="${y - 4}">${text}</text>`),
  };
}

/** Pixels from the top of the plot. */
export function fromTop(place: number): number {
  return Number(((1 - place) * PLOT_HEIGHT).toFixed(1));
}

/** A share of the width. */
export function percent(place: number): string {
  return `${Number((place * 100).toFixed(2))}%`;
}

/** Texts near an end are set inwards, so that none is cut. */
export function anchor(place: number): Markup | undefined {
  if (place < 0.12) return undefined;
  return place > 0.88 ? markup` text-anchor="end"` : markup` text-anchor="middle"`;
}
