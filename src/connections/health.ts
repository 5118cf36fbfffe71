/**
 * The health of one address: up, marked down for a while, or on trial. Pure: times are `clock.monotonic()`.
 *
 * ```text
 *   up --failures in a row, or too few successes--> down --until--> half open --success--> up
 *   up <------------------ markUp ------------------ down <---------- failure, for twice as long
 * ```
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { checkInteger, checkNumber } from "../errors.ts";

/** When an address is taken out of rotation, and for how long. */
export interface MarkdownOptions {
  /** Failures in a row that mark an address down. @default 5 */
  readonly failures?: number;
  /** Share of successes, over `windowMs`, below which an address is marked down. @default 0.5 */
  readonly successRate?: number;
  /** The time that the success rate is taken over. @default 10000 */
  readonly windowMs?: number;
  /** Outcomes in that time below which no rate is taken. @default 20 */
  readonly minOutcomes?: number;
  /** The first markdown's length; each further one is twice as long. @default 10000 */
  readonly baseMs?: number;
  /** The longest markdown. @default 300000 */
  readonly maxMs?: number;
}

/** {@linkcode MarkdownOptions} with nothing left open. */
export type MarkdownPolicy = Required<MarkdownOptions>;

/** Checks the options and fills in the defaults. */
export function markdownPolicy(options: MarkdownOptions = {}): MarkdownPolicy {
  const baseMs = checkNumber("markdown.baseMs", options.baseMs ?? 10_000, { min: 1 });
  return {
    failures: checkInteger("markdown.failures", options.failures ?? 5, { min: 1 }),
    successRate: checkNumber("markdown.successRate", options.successRate ?? 0.5, { max: 1 }),
    windowMs: checkNumber("markdown.windowMs", options.windowMs ?? 10_000, { min: 1 }),
    minOutcomes: checkInteger("markdown.minOutcomes", options.minOutcomes ?? 20, { min: 1 }),
    baseMs,
    maxMs: checkNumber("markdown.maxMs", options.maxMs ?? Math.max(300_000, baseMs), { min: baseMs }),
  };
}

/** Where an address is. */
export type HealthState = "up" | "down" | "half-open";

/** What became of an address through an outcome. */
export type HealthChange = "marked-down" | "recovered" | undefined;

/** Markdowns vary by this share, so that a fleet does not come back together. */
const JITTER = 0.1;

/** The health of one address. */
export class Health {
  /** Why it is down. */
  reason: string | undefined;
  /** Monotonic time until which it is down; `Infinity` by hand. */
  downUntil = 0;
  /** Times in a row that it was marked down. */
  markdowns = 0;
  readonly #clock: Clock;
  readonly #policy: MarkdownPolicy;
  #failures = 0;
  #down = false;
  #probing = false;
  /** Outcomes of this window and the one before, weighed by how much of that one still counts. */
  #window = { from: 0, good: 0, bad: 0 };
  #before = { good: 0, bad: 0 };

  constructor(clock: Clock, policy: MarkdownPolicy) {
    this.#clock = clock;
    this.#policy = policy;
  }

  /** Where it is now. */
  get state(): HealthState {
    if (!this.#down) return "up";
    return this.#clock.monotonic() < this.downUntil ? "down" : "half-open";
  }

  /** Whether one may try it: yes when it is up; when it is half open, only one at a time: the probe, which is claimed by this. */
  admit(): boolean {
    const { state } = this;
    if (state !== "half-open") return state === "up";
    if (this.#probing) return false;
    return this.#probing = true;
  }

  /** Whether {@linkcode admit} would say yes. Claims nothing. */
  get admits(): boolean {
    const { state } = this;
    return state === "up" || (state === "half-open" && !this.#probing);
  }

  /** A try that was given up before it could tell anything. */
  withdrawn(): void {
    this.#probing = false;
  }

  /** A try that went well. */
  succeeded(): HealthChange {
    this.#probing = false;
    this.#failures = 0;
    this.#count("good");
    // One that was let in before the markdown says nothing against it.
    if (!this.#down || this.state === "down") return undefined;
    this.markUp();
    return "recovered";
  }

  /** A try that failed. */
  failed(reason: string): HealthChange {
    const { state } = this;
    this.#probing = false;
    this.#failures++;
    this.#count("bad");
    if (state === "down") return undefined;
    if (state === "up" && this.#failures < this.#policy.failures && !this.#tooFewGood()) return undefined;
    this.markdowns++;
    const span = Math.min(this.#policy.maxMs, this.#policy.baseMs * 2 ** Math.min(this.markdowns - 1, 30));
    this.#markDown(reason, span * (1 - JITTER + 2 * JITTER * this.#clock.random()));
    return "marked-down";
  }

  /** Takes it out of rotation by hand: for so long, or until {@linkcode markUp}. */
  markDown(reason: string, forMs = Infinity): void {
    this.#markDown(reason, forMs);
  }

  /** Puts it back. */
  markUp(): void {
    this.#down = false;
    this.#probing = false;
    this.#failures = 0;
    this.markdowns = 0;
    this.downUntil = 0;
    this.reason = undefined;
    this.#window = { from: this.#clock.monotonic(), good: 0, bad: 0 };
    this.#before = { good: 0, bad: 0 };
  }

  #markDown(reason: string, forMs: number): void {
    this.#down = true;
    this.reason = reason;
    this.downUntil = this.#clock.monotonic() + forMs;
  }

  #count(outcome: "good" | "bad"): void {
    const now = this.#clock.monotonic();
    const { windowMs } = this.#policy;
    const age = now - this.#window.from;
    if (age >= windowMs) {
      this.#before = age < 2 * windowMs ? this.#window : { good: 0, bad: 0 };
      this.#window = { from: now - age % windowMs, good: 0, bad: 0 };
    }
    this.#window[outcome]++;
  }

  #tooFewGood(): boolean {
    const { windowMs, minOutcomes, successRate } = this.#policy;
    const share = Math.max(0, 1 - (this.#clock.monotonic() - this.#window.from) / windowMs);
    const good = this.#window.good + this.#before.good * share;
    const total = good + this.#window.bad + this.#before.bad * share;
    return total >= minOutcomes && good / total < successRate;
  }
}
