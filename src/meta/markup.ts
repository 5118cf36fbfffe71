/**
 * Markup that is safe by construction: whatever a template is given is text, unless another template made it.
 *
 * Names and messages come from the network. Escaping (Hono's) keeps them from becoming markup; what they could do to
 * the eye is met here: characters that are invisible or turn the direction of the text are spelled out.
 *
 * @module
 */

import { html as escapingHtml, raw } from "hono/html";

/** Markup that is finished: escaped where it had to be. */
export type Markup = ReturnType<typeof raw>;

/** What a template takes; `undefined` leaves nothing behind, a list is joined. */
export type MarkupValue = Markup | string | number | undefined | readonly MarkupValue[];

/** The tag of every template in the meta app. */
export function markup(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  // Hono answers with a promise only when it was given one.
  return escapingHtml(strings, ...values.map(asMarkup)) as Markup;
}

/** Text of our own that needs no escaping: the stylesheet. Never for anything that comes from a report. */
export function trusted(text: string): Markup {
  return raw(text);
}

function asMarkup(value: MarkupValue): unknown {
  if (value === undefined || typeof value === "number") return value;
  // A template's result is a String object; a look-alike out of JSON cannot be one.
  if ((value as unknown) instanceof String) return value;
  return Array.isArray(value) ? value.map(asMarkup) : visible(String(value));
}

// Controls, format characters (zero width, bidirectional overrides), line and paragraph separators; but not the line
// breaks and tabs of a message, nor the joiners that scripts and emoji are written with.
const INVISIBLE = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with its invisible characters spelled out, such as `⟨U+202E⟩`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    return `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

const MAX_TEXT_LENGTH = 2000;

/** The text, cut where it is so long that the page would drown in it; the JSON has it whole. */
export function clipped(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  return `${text.slice(0, MAX_TEXT_LENGTH)}… (${text.length - MAX_TEXT_LENGTH} more characters in the JSON)`;
}
