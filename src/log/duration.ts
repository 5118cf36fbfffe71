/** Durations as people say them, in the units the pages use. */

const UNITS = [["ns", 1e-6, 1000], ["µs", 1e-3, 1000], ["ms", 1, 1000], ["s", 1000, 60]] as const;
const LONG_UNITS = [
  ["m", 60, "s", 1, 60],
  ["h", 3600, "m", 60, 24],
  ["d", 86_400, "h", 3600, Infinity],
] as const;

/** Three digits and a unit, or two units: `420 µs`, `12.3 ms`, `1.24 s`, `2 m 5 s`. */
export function durationText(ms: number): string {
  if (!(ms > 0)) return "0 ms";
  for (const [unit, size, limit] of UNITS) {
    const text = threeDigits(ms / size);
    if (Number(text) < limit) return `${text} ${unit}`;
  }
  for (const [large, largeSeconds, small, smallSeconds, limit] of LONG_UNITS) {
    // Rounding to the smaller unit comes first, so that there is never a `1 m 60 s`.
    const smalls = Math.round(ms / 1000 / smallSeconds);
    const perLarge = largeSeconds / smallSeconds;
    const larges = Math.floor(smalls / perLarge);
    if (larges < limit) {
      return smalls % perLarge === 0
        ? `${larges} ${large}`
        : `${larges} ${large} ${smalls % perLarge} ${small}`;
    }
  }
  return "for ever";
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
