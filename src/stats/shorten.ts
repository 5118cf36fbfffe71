/** Texts of bounded length, for what is kept. */

/** At most `max` characters of `text`, with an ellipsis where it was cut. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  // Engines make a slice a view of the whole, which would be kept with it: this copies.
  return [...text.slice(0, max)].join("") + "…";
}
