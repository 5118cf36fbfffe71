/**
 * Records that repeat: the first few pass, the others are counted, and one record in the end says how many.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { checkInteger, checkNumber } from "../errors.ts";

/** When records of one kind are too many. */
export interface SamplingOptions {
  /** For so long, from its first on, the records of a kind are counted together. @default 10_000 */
  readonly windowMs?: number;
  /** So many of them pass. @default 100 */
  readonly first?: number;
}

/** The records of one kind, in the present window. */
export class Kind {
  /** Those that came. */
  seen = 0;
  /** Those that did not pass. */
  suppressed = 0;
  /** When the window ends, on the wall clock. */
  endsAt = 0;
  /** Says how many were suppressed. */
  readonly summarise: (suppressed: number, windowMs: number) => void;

  constructor(summarise: (suppressed: number, windowMs: number) => void) {
    this.summarise = summarise;
  }
}

/** Lets the first records of a kind pass. */
export class Sampler {
  /** Records that did not pass so far. */
  suppressed = 0;
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #first: number;
  /** Those with records to tell of: each holds on until its window ends. */
  readonly #counting = new Set<Kind>();
  #timer: Timer | undefined;

  constructor(clock: Clock, options: SamplingOptions | false) {
    this.#clock = clock;
    const { windowMs = 10_000, first = 100 } = options || {};
    this.#windowMs = checkNumber("sampling.windowMs", windowMs, { min: 1 });
    this.#first = options === false ? Infinity : checkInteger("sampling.first", first, { min: 1 });
  }

  /** Whether the next record of a kind passes. Reads no clock while they do not. */
  passes(kind: Kind): boolean {
    if (kind.suppressed > 0) {
      kind.suppressed++;
      this.suppressed++;
      return false;
    }
    if (kind.seen > 0 && kind.seen < this.#first) return ++kind.seen, true;
    const now = this.#clock.now();
    // A wall clock that was set back ends the window, too.
    if (kind.seen === 0 || now >= kind.endsAt || now < kind.endsAt - this.#windowMs) {
      kind.seen = 1;
      kind.endsAt = now + this.#windowMs;
      return true;
    }
    kind.suppressed = 1;
    this.suppressed++;
    this.#counting.add(kind);
    this.#timer ??= this.#clock.schedule(kind.endsAt - now, () => this.#tell());
    return false;
  }

  /** Tells of all that are being counted, now: nothing is left, no timer either. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const kind of [...this.#counting]) this.#end(kind);
  }

  /** Tells of those whose window has ended, and sleeps until the next does. */
  #tell(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let next = this.#windowMs;
    for (const kind of [...this.#counting]) {
      const left = kind.endsAt - now;
      if (left <= 0 || left > this.#windowMs) this.#end(kind);
      else next = Math.min(next, left);
    }
    if (this.#counting.size > 0) this.#timer ??= this.#clock.schedule(next, () => this.#tell());
  }

  #end(kind: Kind): void {
    const { suppressed } = kind;
    this.#counting.delete(kind);
    kind.seen = kind.suppressed = 0;
    if (suppressed > 0) kind.summarise(suppressed, this.#windowMs);
  }
}
