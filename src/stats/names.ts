/**
 * What metrics and labels may be called, and how a set of labels is told from another.
 *
 * @module
 */

import { show } from "../errors.ts";
import { shorten } from "./shorten.ts";

/** The labels of one series: what tells it from the others of its name. */
export type Labels = Readonly<Record<string, string>>;

const NAME = /^[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*$/;
const MAX_NAME_LENGTH = 100;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Labels that OpenMetrics keeps for itself. */
const RESERVED_LABELS: readonly string[] = ["le", "quantile"];
const MAX_LABEL_LENGTH = 200;

/**
 * Returns `name` when a metric may be called so: `dns.query`.
 *
 * @throws {TypeError} when it may not
 */
export function checkName(name: unknown, what = "a metric"): string {
  if (typeof name === "string" && name.length <= MAX_NAME_LENGTH && NAME.test(name)) return name;
  const wanted = `letters, digits and "_" in parts joined by ".", at most ${MAX_NAME_LENGTH}`;
  throw new TypeError(`the name of ${what} must be of ${wanted}, got ${show(name)}`);
}

/**
 * A copy of `labels` that nobody changes, its names in order.
 *
 * @throws {TypeError} when one of the names may not be used, or a value is no string
 */
export function checkLabels(labels: Labels): Labels {
  const checked: Record<string, string> = {};
  for (const name of Object.keys(labels).sort()) {
    if (!LABEL.test(name) || RESERVED_LABELS.includes(name)) {
      const wanted = `letters, digits and "_", not "__...", "le" or "quantile"`;
      throw new TypeError(`a label's name must be of ${wanted}, got ${show(name)}`);
    }
    const value: unknown = labels[name];
    if (typeof value !== "string") {
      throw new TypeError(`the label "${name}" must be a string, got ${show(value)}`);
    }
    checked[name] = shorten(value, MAX_LABEL_LENGTH);
  }
  return Object.freeze(checked);
}

/** A key equal for equal labels in whatever order, and different for different ones whatever they contain. */
export function labelsKey(labels: Labels | undefined): string {
  if (labels === undefined) return "";
  let key = "";
  for (const name of Object.keys(labels).sort()) {
    const value = shorten(String(labels[name]), MAX_LABEL_LENGTH);
    key += `${name}=${value.length}:${value};`;
  }
  return key;
}
