/**
 * Values as people read them: few digits, the unit that fits, and never a rounding that hides the point.
 *
 * @module
 */

/** What stands for a value that is no number. */
const NOT_A_NUMBER = "n/a";

const FEWER_DIGITS = new Intl.NumberFormat("en-US", { useGrouping: false, maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat("en-US", { useGrouping: false, maximumFractionDigits: 0 });
const PLAIN = new Intl.NumberFormat("en-US", { useGrouping: false, maximumFractionDigits: 2 });
const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/**
 * A quantity: `7`, `0.125`, `3.14`, `5432`, `1,234,567`. Thousands are set apart from 10,000 on, so that a port or a
 * year reads as one.
 */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const size = Math.abs(value);
  if (size === Infinity) return value < 0 ? "-∞" : "∞";
  if (size > 0 && size < 0.000_1) return value.toExponential(1);
  if (size < 1) return FEWER_DIGITS.format(value === 0 ? 0 : value);
  return (size < 10_000 ? PLAIN : GROUPED).format(value);
}

/** A duration given in milliseconds: `850 µs`, `1.24 ms`, `12.4 s`, `3 m 12 s`, `5 h 3 m`, `12 d 4 h`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return NOT_A_NUMBER;
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return "0 ms";
  for (const [unit, unitMs] of [["ns", 1e-6], ["µs", 1e-3], ["ms", 1], ["s", 1000]] as const) {
    const text = threeDigits(ms / unitMs);
    if (Number(text) < (unit === "s" ? 60 : 1000)) return `${text} ${unit}`;
  }
  return twoUnits(ms / 1000);
}

/** A minute and more. Rounding to the smaller unit comes first, so that there is never a `1 m 60 s`. */
function twoUnits(seconds: number): string {
  for (const [large, largeSeconds, small, smallSeconds, limit] of LONG_UNITS) {
    const smalls = Math.round(seconds / smallSeconds);
    const perLarge = largeSeconds / smallSeconds;
    const larges = Math.floor(smalls / perLarge);
    const rest = smalls % perLarge;
    if (larges < limit) return rest === 0 ? `${larges} ${large}` : `${larges} ${large} ${rest} ${small}`;
  }
  return NOT_A_NUMBER;
}

const LONG_UNITS = [
  ["m", 60, "s", 1, 60],
  ["h", 3600, "m", 60, 24],
  ["d", 86_400, "h", 3600, Infinity],
] as const;

/** A size in bytes: `512 B`, `12.4 MiB`, `3 GiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return NOT_A_NUMBER;
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  let size = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    const text = threeDigits(size);
    if (Number(text) < 1024) return `${text} ${unit}`;
    size /= 1024;
  }
  return `${threeDigits(size)} PiB`;
}

/**
 * A share of one as a percentage: `42%`, `12.3%`. What is not quite all or not quite nothing never reads as `100%` or
 * `0%`: `99.98%`, `<0.001%`.
 */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return NOT_A_NUMBER;
  const percent = ratio * 100;
  const isExact = percent === 0 || percent === 100;
  for (const digits of [1, 2, 3]) {
    const rounded = Number(percent.toFixed(digits));
    if (isExact || (rounded !== 0 && rounded !== 100)) return `${rounded === 0 ? 0 : rounded}%`;
  }
  if (percent > 50) return percent < 100 ? ">99.999%" : "100%";
  return percent > 0 ? "<0.001%" : "0%";
}

/** A moment as seen from another, both in milliseconds since the epoch: `12 s ago`, `in 3 m 12 s`, `now`. */
export function formatRelativeTime(at: number, now: number): string {
  const agoMs = now - at;
  if (!Number.isFinite(agoMs)) return NOT_A_NUMBER;
  const wholeSeconds = Math.floor(Math.abs(agoMs) / 1000);
  if (wholeSeconds === 0) return "now";
  const duration = formatDuration(wholeSeconds * 1000);
  return agoMs > 0 ? `${duration} ago` : `in ${duration}`;
}

/** A moment in ISO 8601, UTC; undefined for one outside the calendar. */
export function formatIsoTime(at: number): string | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A value of a series, in the series' unit: `ms` and `bytes` are formatted as such, `1` means a plain number. */
export function formatUnit(value: number, unit: string): string {
  switch (unit) {
    case "ms":
      return formatDuration(value);
    case "bytes":
      return formatBytes(value);
    case "1":
    case "":
      return formatNumber(value);
    default:
      return `${formatNumber(value)} ${unit}`;
  }
}

function threeDigits(value: number): string {
  return value >= 100 ? WHOLE.format(value) : FEWER_DIGITS.format(value);
}
