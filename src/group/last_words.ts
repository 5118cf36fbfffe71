/**
 * What is said of a child that ends: how, its last words, its memory.
 *
 * @module
 */

import type { ChildEnd } from "./child_types.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** Points of the memory curve in the log. */
const CURVE_POINTS = 12;

/** How a child ended, after "child 3" or "the last one". */
export function howEnded({ code, signal, error, killed }: ChildEnd): string {
  if (killed !== undefined) return `was killed: ${killed}`;
  if (error !== undefined) return "could not be started";
  if (signal !== undefined) return `was ended by ${signal}`;
  return code === undefined ? "is gone" : `ended with code ${code}`;
}

/** What it said last, below the text that it follows. */
export function withWords({ lastWords }: ChildEnd): string {
  return lastWords === "" ? "" : `:\n${indented(lastWords)}`;
}

/** Every line set in. */
export function indented(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}

/** The memory of a child lately, oldest first. */
export function memoryCurve({ beats }: SupervisedChild): number[] {
  const step = Math.max(1, Math.ceil(beats.length / CURVE_POINTS));
  return beats.filter((_, index) => (beats.length - 1 - index) % step === 0)
    .map(({ rssBytes }) => Math.round(rssBytes / 2 ** 20));
}
