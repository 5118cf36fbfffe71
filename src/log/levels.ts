/**
 * Which levels are let through, by category: changed at run time, inherited down the tree.
 *
 * @module
 */

import { show } from "../errors.ts";
import { MAX_CATEGORIES } from "./limits.ts";
import { RANK, type Threshold } from "./record.ts";

/** A category: its parts, or those joined by dots. "" is all there are. */
export type CategoryName = string | readonly string[];

/** The level a category has, and from where. */
export interface LevelRule {
  /** Records of this level and above are let through. */
  readonly level: Threshold;
  /** The category that it was set for: "" for all; undefined where nothing was set. */
  readonly setFor: string | undefined;
}

/** Without a rule everything is let through. */
const DEFAULT: LevelRule = { level: "debug", setFor: undefined };
const MAX_CATEGORY_TEXT = 500;

/** Rules by category. */
export class Levels {
  /** Changes with every rule: what was looked up before does not hold any more. */
  version = 0;
  readonly #rules = new Map<string, Threshold>();

  /** Sets the level of a category and all below it; undefined takes it back. */
  set(category: CategoryName, level: Threshold | undefined): void {
    const name = categoryText(category);
    if (level !== undefined && !Object.hasOwn(RANK, level)) {
      throw new TypeError(`level must be one of ${Object.keys(RANK).join(", ")}, got ${show(level)}`);
    }
    if (level === undefined) this.#rules.delete(name);
    else if (this.#rules.size >= MAX_CATEGORIES && !this.#rules.has(name)) {
      throw new RangeError(`levels can be set for ${MAX_CATEGORIES} categories, take one back first`);
    } else this.#rules.set(name, level);
    this.version++;
  }

  /** The level of a category: its own, or that of the nearest above. */
  of(category: string): LevelRule {
    for (let name = category;; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const level = this.#rules.get(name);
      if (level !== undefined) return { level, setFor: name };
      if (name === "") return DEFAULT;
    }
  }

  /** What was set, by category. */
  get rules(): ReadonlyMap<string, Threshold> {
    return this.#rules;
  }
}

/** A category in one text. */
export function categoryText(category: CategoryName): string {
  const text: unknown = Array.isArray(category) ? category.join(".") : category;
  if (typeof text === "string" && text.length <= MAX_CATEGORY_TEXT) return text;
  throw new TypeError(
    `a category must be a text of at most ${MAX_CATEGORY_TEXT} characters, or a list of its parts, got ${
      show(text)
    }`,
  );
}
