/**
 * From values to places on an axis, and the round values to mark there.
 *
 * A linear and a logarithmic scale are a line of arithmetic each. What charts of a service need beyond it is round values
 * in *their* units: 15 s and 1 m for durations, powers of two for sizes; the scales of charting libraries know decimal
 * ones only. So there is none here.
 */

/** Where values lie on an axis. */
export interface Scale {
  /** Whether equal ratios, and not equal differences, are equally far apart. */
  readonly isLogarithmic: boolean;
  /** The value at the start of the axis. */
  readonly min: number;
  /** The value at its end, larger than `min`. */
  readonly max: number;
  /** The place of a value: 0 at `min`, 1 at `max`, and never beyond. */
  place(value: number): number;
  /** The value at a place. */
  value(place: number): number;
  /** Round values from `min` to `max`, ascending. */
  readonly ticks: readonly number[];
}

/** A logarithmic axis pays from this ratio of the extremes on. */
const LOGARITHMIC_FROM = 50;

/** Whether values from `min` to `max` are better read on a logarithmic axis. */
export function spansDecades(min: number, max: number): boolean {
  return min > 0 && max / min >= LOGARITHMIC_FROM;
}

/** A linear scale over `min` to `max`, widened to round values; at most `maxTicks` + 1 of them are marked. */
export function linearScale(min: number, max: number, unit: string, maxTicks: number): Scale {
  // Zero belongs to the picture, unless all happens far away from it.
  const start = min >= 0 && min < max / 2 || min === max && max > 0 ? 0 : min;
  const end = Math.max(max, start) === start ? start + (Math.abs(start) || 1) : max;
  const step = roundStep((end - start) / maxTicks, unit);
  const [from, to] = [Math.floor(start / step), Math.ceil(end / step)];
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => (from + index) * step);
  const [first, last] = [from * step, to * step];
  return {
    isLogarithmic: false,
    min: first,
    max: last,
    place: (value) => bounded((value - first) / (last - first)),
    value: (place) => first + place * (last - first),
    ticks,
  };
}

/** A logarithmic scale over exactly `min` to `max`, both above zero; at most `maxTicks` round values are marked. */
export function logScale(min: number, max: number, unit: string, maxTicks: number): Scale {
  const end = max > min ? max : min * 2;
  const span = Math.log(end / min);
  const rungs = ladderOf(unit).map((ladder) => ladder.filter((rung) => rung >= min && rung <= end));
  return {
    isLogarithmic: true,
    min,
    max: end,
    place: (value) => value <= min ? 0 : bounded(Math.log(value / min) / span),
    value: (place) => min * Math.exp(place * span),
    ticks: rungs.find(({ length }) => length <= maxTicks) ?? [],
  };
}

/** Moments to mark between `from` and `to`: whole steps before `now`, at most `maxTicks` + 1 of them. */
export function timeTicks(from: number, to: number, now: number, maxTicks: number): number[] {
  const step = roundStep((to - from) / maxTicks, "ms");
  const ticks: number[] = [];
  for (let at = now - Math.ceil((now - to) / step) * step; at >= from; at -= step) ticks.unshift(at);
  return ticks;
}

function bounded(place: number): number {
  return place > 0 ? Math.min(1, place) : 0;
}

/** The smallest round step that is no smaller than `least`. */
function roundStep(least: number, unit: string): number {
  const [fine] = ladderOf(unit);
  return fine.find((rung) => rung >= least) ?? least;
}

/** Round values of a unit: every one, fewer, the fewest. */
type Ladder = readonly [readonly number[], readonly number[], readonly number[]];

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const powersOfTen = (from: number, to: number, by = 1): number[] =>
  range(from, to).filter((exponent) => exponent % by === 0).map((exponent) => Number(`1e${exponent}`));
const oneTwoFive = (from: number, to: number): number[] =>
  range(from, to).flatMap((exponent) => [1, 2, 5].map((digit) => Number(`${digit}e${exponent}`)));
const powersOfTwo = (by: number): number[] => range(0, 50 / by).map((exponent) => 2 ** (exponent * by));

const DECIMAL: Ladder = [oneTwoFive(-12, 18), powersOfTen(-12, 18), powersOfTen(-12, 18, 3)];

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const LONG_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...oneTwoFive(0, 4).map((days) => days * DAY),
];

const LADDERS = new Map<string, Ladder>([
  ["ms", [
    [...oneTwoFive(-6, 2), ...LONG_STEPS],
    [
      ...powersOfTen(-6, 4),
      MINUTE,
      10 * MINUTE,
      HOUR,
      10 * HOUR,
      ...powersOfTen(0, 4).map((days) => days * DAY),
    ],
    [...powersOfTen(-6, 3, 3), MINUTE, HOUR, DAY, 100 * DAY],
  ]],
  ["bytes", [powersOfTwo(1), powersOfTwo(5), powersOfTwo(10)]],
]);

function ladderOf(unit: string): Ladder {
  return LADDERS.get(unit) ?? DECIMAL;
}
