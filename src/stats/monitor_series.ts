/**
 * Values over time in bounded memory: the last ten minutes second by second, the last hour in steps of ten seconds.
 *
 * @module
 */

/** A moment (milliseconds since the epoch) and a value. */
export type Point = readonly [at: number, value: number];

/** What stands for several values in a step. */
export type Combine = "max" | "min";

/** Between two points of the fine ring, and of the coarse one. */
export const FINE_MS = 1_000;
const COARSE_MS = 10_000;
const FINE_POINTS = 600;
const COARSE_POINTS = 360;
/** A floor is taken over this: garbage is collected within it. */
const FLOOR_MS = 60_000;
const FLOOR_POINTS = 60;

/** A ring of points, a step each. */
class PointRing {
  readonly #at: Float64Array;
  readonly #values: Float64Array;
  #pushed = 0;

  constructor(capacity: number) {
    this.#at = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  push(at: number, value: number): void {
    const place = this.#pushed++ % this.#at.length;
    this.#at[place] = at;
    this.#values[place] = value;
  }

  /** The last `count` points, the oldest first. */
  last(count = this.#at.length): Point[] {
    const held = Math.min(count, this.#pushed, this.#at.length);
    return Array.from({ length: held }, (_, i) => {
      const place = (this.#pushed - held + i) % this.#at.length;
      return [this.#at[place]!, this.#values[place]!] as const;
    });
  }
}

/** Gathers the values of a step of time into one point. */
class Steps {
  readonly ring: PointRing;
  readonly #stepMs: number;
  readonly #combine: Combine;
  #startedAt = 0;
  #value = NaN;

  constructor(stepMs: number, capacity: number, combine: Combine) {
    this.ring = new PointRing(capacity);
    this.#stepMs = stepMs;
    this.#combine = combine;
  }

  add(at: number, value: number): void {
    if (Number.isNaN(this.#value)) this.#startedAt = at;
    // A clock that was set back starts a new step, too.
    else if (at >= this.#startedAt + this.#stepMs || at < this.#startedAt) {
      this.ring.push(this.#startedAt, this.#value);
      this.#startedAt = at;
      this.#value = NaN;
    }
    this.#value = Number.isNaN(this.#value) ? value : Math[this.#combine](this.#value, value);
  }
}

/** One value over time. It takes 16 KiB. */
export class TimeSeries {
  readonly #fine = new PointRing(FINE_POINTS);
  readonly #coarse: Steps;
  readonly #floor = new Steps(FLOOR_MS, FLOOR_POINTS, "min");

  /** `combine` is what stands for ten seconds in the hour. */
  constructor(combine: Combine = "max") {
    this.#coarse = new Steps(COARSE_MS, COARSE_POINTS, combine);
  }

  /** Adds the value of a second; one that is not finite is left out. */
  add(at: number, value: number): void {
    if (!Number.isFinite(value)) return;
    this.#fine.push(at, value);
    this.#coarse.add(at, value);
    this.#floor.add(at, value);
  }

  /** The last `count` seconds, at most 600. */
  recent(count: number = FINE_POINTS): Point[] {
    return this.#fine.last(count);
  }

  /** The hour in steps of ten seconds, its last ten minutes second by second. */
  points(): Point[] {
    const fine = this.#fine.last();
    const from = fine[0]?.[0] ?? Infinity;
    return [...this.#coarse.ring.last().filter(([at]) => at < from), ...fine];
  }

  /** The lowest value of each minute that has ended, over the last hour. */
  floors(): Point[] {
    return this.#floor.ring.last();
  }
}
