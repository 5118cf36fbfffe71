/** Which form of a page a client wants. */

import type { Context } from "hono";
import { accepts } from "hono/accepts";

/** The forms there are, and their media types. */
export const MEDIA_TYPES = {
  html: "text/html",
  json: "application/json",
  openmetrics: "application/openmetrics-text",
  text: "text/plain",
} as const;

/** The form of a response. */
export type Format = keyof typeof MEDIA_TYPES;

/**
 * The form to answer with, out of `offers`: what `?format=` asks for; else what the Accept header likes best (RFC 9110,
 * 12.5.1); else, and among equals, the first one offered. So `curl` gets the first, a browser HTML. A client that
 * accepts nothing on offer gets the first as well, which the RFC allows and which helps it more than an empty 406.
 */
export function negotiate(c: Context, offers: readonly [Format, ...Format[]]): Format {
  const asked = offers.find((offer) => offer === c.req.query("format"));
  if (asked !== undefined) return asked;
  // Hono parses the header; its own matching would put the less liked `text/html;q=0.1, */*` before the more liked.
  const best = accepts(c, {
    header: "Accept",
    supports: [...offers],
    default: offers[0],
    match: (ranges) => {
      const liked = offers.map((offer) => quality(MEDIA_TYPES[offer], ranges));
      return offers[liked.indexOf(Math.max(...liked))]!;
    },
  });
  return best as Format;
}

/** One entry of an Accept header: a media type, wildcards included, and how much it is liked. */
interface MediaRange {
  readonly type: string;
  readonly q: number;
}

/** How much a media type is liked, 0 to 1: the most specific range that covers it decides. */
function quality(type: string, ranges: readonly MediaRange[]): number {
  const covers = [type, `${type.split("/")[0]}/*`, "*/*"];
  for (const cover of covers) {
    const matching = ranges.filter((range) => range.type.toLowerCase() === cover);
    if (matching.length > 0) return Math.max(...matching.map((range) => range.q));
  }
  return 0;
}
