/**
 * From values to places on an axis (d3-scale), and the round values to mark there: d3's where they are round in decimal
 * digits, and our own where people count otherwise: 15 s and 1 m for durations, powers of two for sizes.
 */

// @ts-types="@types/d3-scale"
import { scaleLinear, scaleLog } from "d3-scale";

/** Where values lie on an axis. */
export interface Scale {
  /** Whether equal ratios, and not equal differences, are equally far apart. */
  readonly isLogarithmic: boolean;
  /** The value at the start of the axis. */
  readonly min: number;
  /** The place of a value: 0 at the start of the axis, 1 at its end, and never beyond. */
  place(value: number): number;
  /** The value at a place. */
  value(place: number): number;
  /** Round values on the axis, ascending. */
  readonly ticks: readonly number[];
}

/** A logarithmic axis pays from this ratio of the extremes on. */
const LOGARITHMIC_FROM = 50;

/** Whether values from `min` to `max` are better read on a logarithmic axis. */
export function spansDecades(min: number, max: number): boolean {
  return min > 0 && max / min >= LOGARITHMIC_FROM;
}

/** A linear scale over `min` to `max`, widened to round values, of which about `count` + 1 are marked. */
export function linearScale(min: number, max: number, unit: string, count: number): Scale {
  // Zero belongs to the picture, unless all happens far away from it.
  const start = min >= 0 && min < max / 2 || min === max && max > 0 ? 0 : min;
  const end = max > start ? max : start + (Math.abs(start) || 1);
  // Steps of our own are coarser than d3's: one more fits.
  const step = stepOf((end - start) / (count + 1), unit);
  const scale = scaleLinear().domain(step === undefined ? [start, end] : widened(start, end, step)).clamp(
    true,
  );
  const ticks = step === undefined ? scale.nice(count).ticks(count) : multiples(scale.domain(), step);
  return {
    isLogarithmic: false,
    min: scale.domain()[0]!,
    place: scale,
    value: (place) => scale.invert(place),
    ticks,
  };
}

/** A logarithmic scale over exactly `min` to `max`, both above zero; at most `count` round values are marked. */
export function logScale(min: number, max: number, unit: string, count: number): Scale {
  const scale = scaleLog().base(unit === "bytes" ? 2 : 10).domain([min, max > min ? max : min * 2]).clamp(
    true,
  );
  const powers = scale.ticks(count).filter((tick) => unit === "bytes" || Number.isInteger(Math.log10(tick)));
  const rungs = unit === "ms"
    ? [...powers.filter((tick) => tick <= SECOND), ...LONG_RUNGS.filter((rung) => rung >= min && rung <= max)]
    : powers;
  const every = Math.ceil(rungs.length / count);
  return {
    isLogarithmic: true,
    min,
    place: (value) => value <= min ? 0 : scale(value),
    value: (place) => scale.invert(place),
    ticks: rungs.filter((_, index) => index % every === 0),
  };
}

/** Moments to mark between `from` and `to`: whole steps before `now`, at most `count` + 1 of them. */
export function timeTicks(from: number, to: number, now: number, count: number): number[] {
  const step = stepOf(Math.max(SECOND, (to - from) / count), "ms")!;
  return multiples([now - to, now - from], step).map((age) => now - age).reverse()
    .filter((at) => at >= from && at <= to); // Not quite so where numbers have no digits left.
}

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const DAYS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].map((days) => days * DAY);
const LONG_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...DAYS,
];
const LONG_RUNGS = [
  10 * SECOND,
  MINUTE,
  10 * MINUTE,
  HOUR,
  10 * HOUR,
  ...[1, 10, 100, 1000].map((days) => days * DAY),
];

/** The smallest step that is no smaller than `least`, where the unit has steps of its own. */
function stepOf(least: number, unit: string): number | undefined {
  if (unit === "bytes" && least >= 1) return 2 ** Math.ceil(Math.log2(least));
  return unit === "ms" && least > SECOND / 2 ? LONG_STEPS.find((step) => step >= least) ?? least : undefined;
}

function widened(start: number, end: number, step: number): [number, number] {
  return [Math.floor(start / step) * step, Math.ceil(end / step) * step];
}

function multiples([from, to]: readonly number[], step: number): number[] {
  const [first, last] = [Math.ceil(from! / step), Math.floor(to! / step)];
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}
