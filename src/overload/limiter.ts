/**
 * How many may run at a time: found out by a gradient on measured latency, as by Netflix's Gradient2, Envoy's adaptive
 * concurrency and TCP Vegas.
 *
 * Latency without load is the *baseline*. While the latency measured is near it, the limit grows; as it rises above, there is a queue
 * somewhere behind, and the limit shrinks until there is none. Pure: times are passed in, so that a simulation drives it.
 *
 * @module
 */

import { checkNumber } from "../errors.ts";

/** How a limit adapts. */
export interface LimiterOptions {
  /** The limit to begin with. @default 20 */
  readonly initial?: number;
  /** The lowest limit: what can be run at a time whatever happens. @default 4 */
  readonly min?: number;
  /** The highest limit. @default 1000 */
  readonly max?: number;
  /** How many times the baseline a latency may be before it counts as a queue. @default 1.5 */
  readonly tolerance?: number;
  /** The shortest time between two adjustments; it is as long as the latency where that is longer. @default 100 */
  readonly windowMs?: number;
}

/**
 * What came of something that was let in.
 *
 * - `success`: its latency tells how loaded things are.
 * - `failure`: it failed by itself. That tells nothing when it was quick; one that was slow counts as a timeout.
 * - `timeout`: it took too long, or what it called was overloaded: the limit goes down.
 * - `ignore`: nothing is to be concluded from it.
 */
export type TicketOutcome = "success" | "failure" | "timeout" | "ignore";

/** What a limiter knows, as plain JSON. */
export interface LimiterSnapshot {
  /** How many may run at a time. */
  readonly limit: number;
  /** The lowest it may become. */
  readonly min: number;
  /** The highest it may become. */
  readonly max: number;
  /** Latency without load in milliseconds; null until it is known. */
  readonly baselineMs: number | null;
  /** The median latency of the last window in milliseconds; null until there is one. */
  readonly latencyMs: number | null;
}

/** A limit that adapts. */
export interface Limiter {
  /** How many may run at a time: a whole number. */
  readonly limit: number;
  /**
   * The quickest success of the last windows in milliseconds: what has less time left cannot be done in time. 0 until one is known.
   */
  readonly quickestMs: number;
  /** Takes in what came of one: at moment `at` it ended after `latencyMs`, with `inFlight` running just before, itself included. */
  sample(at: number, latencyMs: number, inFlight: number, outcome: TicketOutcome): void;
  /** What it knows. */
  snapshot(): LimiterSnapshot;
}

/** Latencies kept of a window: the first ones, which is enough for a median. */
const MAX_SAMPLES = 128;
/** A window is judged with so many samples, or after ten times its length. */
const MIN_SAMPLES = 10;
const PATIENCE = 10;
/** The limit moves when so much of it was in use; otherwise nothing is known of what it would do. */
const IN_USE = 0.5;
/** How far one window moves the limit: all the way would oscillate. */
const SMOOTHING = 0.2;
const LEAST_GRADIENT = 0.5;
/** A share of timeouts that is no accident, and what the limit is multiplied by then. */
const TIMEOUTS = 0.1;
const BACKOFF = 0.9;
/** How fast the baseline follows: down to what was measured; up only while the limit is not in use. */
const BASELINE_DOWN = 0.3;
const BASELINE_UP = 0.05;
/** After so many windows at the lowest limit the latency is no queue of ours: it is the new baseline. */
const WINDOWS_AT_MIN = 3;

/**
 * Makes a limit.
 *
 * @example It shrinks while latency says that there is a queue
 * ```ts
 * import assert from "node:assert/strict";
 * import { createLimiter } from "@ballast/runtime/overload";
 *
 * const limiter = createLimiter({ initial: 40 });
 * let at = 0;
 * for (let i = 0; i < 100; i++) limiter.sample(at += 10, 20, 40, "success");
 * const grown = limiter.limit;
 * for (let i = 0; i < 500; i++) limiter.sample(at += 10, 200, grown, "success");
 * assert.ok(grown > 40 && limiter.limit < grown / 2);
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  return new GradientLimiter(options);
}

class GradientLimiter implements Limiter {
  readonly #min: number;
  readonly #max: number;
  readonly #tolerance: number;
  readonly #windowMs: number;
  readonly #samples = new Float64Array(MAX_SAMPLES);
  #limit: number;
  #baseline: number | undefined;
  #median: number | undefined;
  #quickest: number | undefined;
  #atMin = 0;
  // The window that is open.
  #since: number | undefined;
  #successes = 0;
  #slow = 0;
  #failures = 0;
  #peak = 0;

  constructor({ initial = 20, min = 4, max = 1000, tolerance = 1.5, windowMs = 100 }: LimiterOptions) {
    this.#min = checkNumber("min", min, { min: 1 });
    this.#max = checkNumber("max", max, { min });
    // Bounds given alone need no initial value that lies within them.
    this.#limit = Math.min(max, Math.max(min, checkNumber("initial", initial, { min: 1 })));
    this.#tolerance = checkNumber("tolerance", tolerance, { min: 1 });
    this.#windowMs = checkNumber("windowMs", windowMs, { min: 1 });
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get quickestMs(): number {
    return this.#quickest ?? 0;
  }

  sample(at: number, latencyMs: number, inFlight: number, outcome: TicketOutcome): void {
    if (outcome === "ignore") return;
    // The first window begins with its first sample; after an idle time, so does the next.
    if (this.#since === undefined || this.#isForgotten(at)) this.#open(at);
    if (inFlight > this.#peak) this.#peak = inFlight;
    if (outcome === "success") this.#succeed(latencyMs);
    else if (outcome === "timeout" || this.#isSlow(latencyMs)) this.#slow++;
    else this.#failures++;
    const age = at - this.#since!;
    const length = this.#length;
    if (age >= length * PATIENCE || (age >= length && this.#count >= MIN_SAMPLES)) this.#close(at);
  }

  snapshot(): LimiterSnapshot {
    return {
      limit: this.limit,
      min: this.#min,
      max: this.#max,
      baselineMs: this.#baseline ?? null,
      latencyMs: this.#median ?? null,
    };
  }

  get #count(): number {
    return this.#successes + this.#slow + this.#failures;
  }

  /** What ends within a latency began under the limit before: one look at a latency's time is enough. */
  get #length(): number {
    return Math.max(this.#windowMs, this.#median ?? 0);
  }

  #isForgotten(at: number): boolean {
    return at - this.#since! > this.#length * PATIENCE * 2;
  }

  #isSlow(latencyMs: number): boolean {
    return this.#baseline !== undefined && latencyMs > this.#baseline * this.#tolerance;
  }

  #succeed(latencyMs: number): void {
    if (this.#successes < MAX_SAMPLES) this.#samples[this.#successes] = latencyMs;
    this.#successes++;
  }

  #open(at: number): void {
    this.#since = at;
    this.#successes =
      this.#slow =
      this.#failures =
      this.#peak =
        0;
  }

  #close(at: number): void {
    const isInUse = this.#peak >= this.#limit * IN_USE;
    const timeouts = this.#slow / this.#count;
    const median = this.#takeMedian();
    if (median !== undefined && timeouts < TIMEOUTS) this.#learn(median, isInUse);
    if (isInUse) {
      if (timeouts >= TIMEOUTS) this.#move(this.#limit * BACKOFF);
      // A window of failures alone says nothing of what more could be done: it stays.
      else if (median !== undefined) {
        this.#move(this.#limit + SMOOTHING * (this.#wanted(median) - this.#limit));
      }
    }
    this.#open(at);
  }

  #takeMedian(): number | undefined {
    const held = Math.min(this.#successes, MAX_SAMPLES);
    if (held === 0) return undefined;
    const sorted = this.#samples.slice(0, held).sort();
    // Forgotten by and by, so that one lucky request does not speak for ever.
    this.#quickest = Math.min(sorted[0]!, (this.#quickest ?? sorted[0]!) * 1.1);
    return this.#median = sorted[held >> 1]!;
  }

  #learn(median: number, isInUse: boolean): void {
    this.#atMin = isInUse && this.#limit <= this.#min ? this.#atMin + 1 : 0;
    if (this.#baseline === undefined) this.#baseline = median;
    else if (this.#atMin >= WINDOWS_AT_MIN) {
      this.#baseline = median;
      this.#atMin = 0;
    } else if (median < this.#baseline) this.#baseline += BASELINE_DOWN * (median - this.#baseline);
    // Under load it would learn the queue that it is there to prevent, and so let it grow for ever.
    else if (!isInUse) this.#baseline += BASELINE_UP * (median - this.#baseline);
  }

  #wanted(median: number): number {
    const nearness = median === 0 ? 1 : this.#tolerance * this.#baseline! / median;
    const gradient = Math.min(1, Math.max(LEAST_GRADIENT, nearness));
    return gradient * (this.#limit + Math.sqrt(this.#limit));
  }

  #move(to: number): void {
    this.#limit = Math.min(this.#max, Math.max(this.#min, to));
  }
}

/** A limit that does not move: for a pool of fixed size. */
export function fixedLimiter(limit: number): Limiter {
  return createLimiter({ initial: limit, min: limit, max: limit });
}
