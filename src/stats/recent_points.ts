/**
 * The last values that were added, and when. A value whose moment nobody told gets one between the readings of the
 * clock around it, so that the clock need not be read for each.
 *
 * @module
 */

/** What tells the time of day. */
export interface WallClock {
  /** In milliseconds since the epoch. */
  now(): number;
}

/** A value and its moment, in milliseconds since the epoch. */
export type Point = readonly [at: number, value: number];

/** No moment is later, so that it has a whole number of microseconds: 2255. */
export const MAX_MOMENT = 9e12;
/** Points that are remembered at most. */
export const MAX_POINTS = 32;
/** How much room there is: at first, then more. Most of a program's distributions hold little. */
const ROOMS = [8, 17, MAX_POINTS];
/** How often the clock is read, at the least, while values come. */
const READING_MS = 100;

/**
 * A ring of points, written by whoever adds: value and moment in turn, NaN for an unknown moment. That is all that an
 * added value costs at first; the rest of the work is done for many at a time.
 */
export class RecentPoints {
  /** The value of point `i` is at `2 * i`, its moment right behind it. */
  list: number[] = blank(ROOMS[0]!);
  #isFull = false;
  /** The last reading of the clock. */
  #readAt = NaN;
  /** How many values there may be between two readings: it doubles while they come fast. */
  #stride = 1;

  /**
   * Gives the points from `from` up to `to` their moments, and returns that of the last one: the clock is read only
   * when nobody told it.
   */
  date(from: number, to: number, clock: WallClock): number {
    const { list } = this;
    const last = list[2 * to - 1]!;
    const at = isMoment(last) ? last : clock.now();
    let known = this.#readAt < at ? this.#readAt : at;
    for (let i = from; i < to; i++) {
      const time = list[2 * i + 1]!;
      known = isMoment(time) ? time : known + (at - known) / (to - i);
      list[2 * i + 1] = known;
    }
    this.#pace(to - from, at - this.#readAt);
    this.#readAt = at;
    return at;
  }

  /** Where to write next, once `next - 1` was written. */
  wrap(next: number): number {
    if (2 * next < this.list.length) return next;
    if (next === MAX_POINTS) {
      this.#isFull = true;
      return 0;
    }
    this.list = [...this.list, ...blank(roomFor(next) - next)];
    return next;
  }

  /** How far may be written from `next` on before the clock is read again. */
  limit(next: number): number {
    return Math.min(next + this.#stride, this.list.length / 2);
  }

  /** The points held, the oldest first, to the microsecond; `next` is where the next one would go. */
  read(next: number): Point[] {
    const point = (
      i: number,
    ): Point => [Math.round(this.list[2 * i + 1]! * 1_000) / 1_000, this.list[2 * i]!];
    const start = this.#isFull ? next : 0;
    const held = this.#isFull ? MAX_POINTS : next;
    return Array.from({ length: held }, (_, i) => point((start + i) % MAX_POINTS));
  }

  /** Takes in those of another stream, and keeps the last of all; returns where to write next. */
  merge(others: readonly Point[], next: number): number {
    const points = [...this.read(next), ...others].sort(([a], [b]) => a - b).slice(-MAX_POINTS);
    this.list = blank(roomFor(points.length));
    points.forEach(([at, value], i) => {
      this.list[2 * i] = value;
      this.list[2 * i + 1] = at;
    });
    this.#isFull = points.length === MAX_POINTS;
    return points.length % MAX_POINTS;
  }

  #pace(count: number, elapsedMs: number): void {
    const sustained = elapsedMs > 0 ? count * READING_MS / elapsedMs : MAX_POINTS;
    const stride = Math.min(sustained, 2 * this.#stride, MAX_POINTS);
    this.#stride = stride >= 1 ? Math.floor(stride) : 1;
  }
}

function isMoment(time: number): boolean {
  return time >= 0 && time <= MAX_MOMENT;
}

/** Room for one point more than `points`, or for the most there may be. */
function roomFor(points: number): number {
  return ROOMS.find((room) => room > points) ?? MAX_POINTS;
}

/** Room for so many points. NaN is a double, which a 0 need not be: so engines keep the list as bare doubles. */
function blank(room: number): number[] {
  return Array.from({ length: 2 * room }, () => NaN);
}
