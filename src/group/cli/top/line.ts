/**
 * Lines of a frame: pieces of text, each with a style. Only here do they become what a terminal reads.
 *
 * @module
 */

import type { Tone } from "../../../report.ts";
import { cut, harmless, widthOf } from "./text.ts";

/** How a piece of text looks. */
export type Style = "dim" | "bold" | "accent" | "selected" | Tone;

/** A piece of text. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** A line of a frame. */
export type Line = readonly Span[];

/** A piece of text, made harmless. */
export function span(text: string, style?: Style): Span {
  return { text: harmless(text), style };
}

/** A line of pieces; bare texts have no style. */
export function line(...pieces: readonly (Span | string)[]): Line {
  return pieces.map((piece) => typeof piece === "string" ? span(piece) : piece);
}

/** The columns that a line takes. */
export function lineWidth(spans: Line): number {
  return spans.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** The line cut to `columns`. */
export function cutLine(spans: Line, columns: number): Line {
  const kept: Span[] = [];
  let left = columns;
  for (const piece of spans) {
    if (left <= 0) break;
    const width = widthOf(piece.text);
    kept.push(width <= left ? piece : { ...piece, text: cut(piece.text, left) });
    left -= width;
  }
  return kept;
}

/** The line with blanks up to `columns`, cut where it is longer. */
export function padLine(spans: Line, columns: number): Line {
  const short = cutLine(spans, columns);
  const blanks = columns - lineWidth(short);
  return blanks > 0 ? [...short, { text: " ".repeat(blanks) }] : short;
}

/** Two lines as one: the first at the left, the second flush right; where both do not fit, the first is cut. */
export function spread(left: Line, right: Line, columns: number): Line {
  const room = columns - lineWidth(right);
  return room < 8 ? padLine(left, columns) : [...padLine(left, room - 1), { text: " " }, ...right];
}

/** A sign beside a tone's colour, for who sees no colours. */
export const SIGNS: Readonly<Record<Tone, string>> = { good: "●", neutral: "○", warning: "▲", bad: "■" };

/** Colours are those that the reader has chosen for the terminal. */
const CODES: Readonly<Record<Style, string>> = {
  dim: "2",
  bold: "1",
  accent: "36",
  selected: "7",
  good: "32",
  neutral: "",
  warning: "33",
  bad: "1;31",
};

/** The line as a terminal reads it, without a line break. */
export function paint(spans: Line, colors: boolean): string {
  if (!colors) return spans.map(({ text }) => text).join("");
  return spans.map(({ text, style }) => {
    const code = style === undefined ? "" : CODES[style];
    return code === "" || text === "" ? text : `\x1b[${code}m${text}\x1b[0m`;
  }).join("");
}
