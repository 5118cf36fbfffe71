/**
 * The course of a value in one line of blocks.
 *
 * @module
 */

/** Eighths of a line but the last one: a full block would touch the line above. */
const BLOCKS = "▁▂▃▄▅▆▇";

/** A moment (milliseconds since the epoch) and a value. */
export type Point = readonly [at: number, value: number];

/** Draws values, one a column, from zero to the largest or to `top`; a value that is not known is left blank. */
export function sparkline(values: readonly (number | undefined)[], top = 0): string {
  const isKnown = (value: number | undefined): value is number => Number.isFinite(value);
  const most = Math.max(top, ...values.filter(isKnown));
  return values.map((value) => {
    if (!isKnown(value)) return " ";
    if (most <= 0 || value <= 0) return BLOCKS[0];
    return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((value / most) * BLOCKS.length))];
  }).join("");
}

/**
 * Points as the largest of each step of the time up to `now`, the last `steps` of them. Steps without a point are `gap`, or
 * not known; those before the first point are never known.
 */
export function resample(
  points: readonly Point[],
  now: number,
  stepMs: number,
  steps: number,
  gap?: number,
): (number | undefined)[] {
  const values: (number | undefined)[] = Array(steps).fill(undefined);
  const from = now - stepMs * steps;
  for (const [at, value] of points) {
    const step = Math.floor((at - from) / stepMs);
    if (step < 0 || step > steps) continue;
    const index = Math.min(step, steps - 1);
    values[index] = Math.max(values[index] ?? -Infinity, value);
  }
  const first = points.length === 0 ? Infinity : (points[0]![0] - from) / stepMs;
  return values.map((value, index) => value ?? (index >= first ? gap : undefined));
}
