/**
 * Text for a terminal: how wide it is, and nothing in it that the terminal would obey.
 *
 * @module
 */

/** What takes two columns (East Asian Wide and Fullwidth, UAX 11), and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f/u;
/** What takes none: marks, joiners, variation selectors. */
const NO_WIDTH = /^[\p{M}\p{Cf}]+$/u;
/** What a terminal obeys (C0, DEL, C1), and what would reorder the line or break it: bidirectional controls, separators. */
const UNSAFE =
  // deno-lint-ignore no-control-regex
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text with a visible sign in place of whatever a terminal would obey. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** The columns that a harmless text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

function widthOfGrapheme(grapheme: string): number {
  if (NO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** The text cut to `columns`, with a sign where something is missing. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return "";
  let kept = "";
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += widthOfGrapheme(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Any text, made harmless, in exactly `columns`: cut, or with blanks behind it, or before it. */
export function fit(text: string, columns: number, align: "left" | "right" = "left"): string {
  const short = cut(harmless(text), columns);
  const blanks = " ".repeat(Math.max(0, columns - widthOf(short)));
  return align === "left" ? short + blanks : blanks + short;
}
