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
  policy: MarkdownPolicy;
  /** Why it is down. */
  reason: string | undefined;
  /** Monotonic time until which it is down; `Infinity` by hand. */
  downUntil = 0;
  /** Times that it was marked down since it last proved well in use. */
  markdowns = 0;
  /** Whether a person took it out of rotation: then nothing but time or a person puts it back. */
  byHand = false;
  readonly #clock: Clock;
  #dialFailures = 0;
  #useFailures = 0;
  #down = false;
  #downAt = 0;
  #probing = false;
  /** Outcomes of this window and the one before, weighed by how much of that one still counts. */
  #window = { from: 0, good: 0, bad: 0 };
  #before = { good: 0, bad: 0 };

  constructor(clock: Clock, policy: MarkdownPolicy) {
    this.#clock = clock;
    this.policy = policy;
    this.#window.from = clock.monotonic();
  }

  /** Whether it is in rotation. Reads no clock. */
  get isUp(): boolean {
    return !this.#down;
  }

  /** Where it is now. */
  get state(): HealthState {
    if (!this.#down) return "up";
    return this.#clock.monotonic() < this.downUntil ? "down" : "half-open";
  }

  /** Whether one may try it: when it is up, or half open and nobody tries. Claims nothing. */
  get admits(): boolean {
    const { state } = this;
    return state === "up" || (state === "half-open" && !this.#probing);
  }

  /** Whether it may be tried where nothing else is left. */
  get admitsPanic(): boolean {
    return !(this.byHand && this.state === "down");
  }

  /** Claims the one try that there is while it is half open. Says whether that was to be had. */
  probe(): boolean {
    if (this.#probing || this.state !== "half-open") return false;
    return this.#probing = true;
  }

  /** The probe is over, whatever came of it. */
  probed(): void {
    this.#probing = false;
  }

  /** A connection that was begun at `startedAt` is open. */
  connected(startedAt: number): HealthChange {
    this.#dialFailures = 0;
    this.#count("good");
    // One that was let in before the markdown says nothing against it.
    if (!this.#down || startedAt < this.#downAt || !this.admitsPanic) return undefined;
    this.#up();
    return "recovered";
  }

  /** It could not be connected to. */
  dialFailed(reason: string): HealthChange {
    this.#dialFailures++;
    this.#count("bad");
    const { state } = this;
    if (state === "down") return undefined;
    return this.#judge(state, this.#dialFailures, reason);
  }

  /** A connection was used, and all was well. Reads no clock. */
  used(): void {
    this.#window.good++;
    if (this.#useFailures === 0 && this.markdowns === 0) return;
    this.#useFailures = 0;
    if (!this.#down) this.markdowns = 0;
  }

  /** A connection was used, and the address is to blame for what became of it. */
  useFailed(reason: string): HealthChange {
    this.#useFailures++;
    this.#count("bad");
    // What goes wrong on connections from before says nothing new.
    return this.#down ? undefined : this.#judge("up", this.#useFailures, reason);
  }

  /** Takes it out of rotation by hand: for so long, or until {@linkcode markUp}. */
  markDown(reason: string, forMs = Infinity): void {
    this.#markDown(reason, forMs);
    this.byHand = true;
  }

  /** Puts it back. */
  markUp(): void {
    this.#up();
    this.#dialFailures = 0;
    this.#useFailures = 0;
    this.markdowns = 0;
  }

  #judge(state: HealthState, failures: number, reason: string): HealthChange {
    if (state === "up" && failures < this.policy.failures && !this.#tooFewGood()) return undefined;
    this.markdowns++;
    const { baseMs, maxMs } = this.policy;
    const span = Math.min(maxMs, baseMs * 2 ** Math.min(this.markdowns - 1, 30));
    this.#markDown(reason, span * (1 - JITTER + 2 * JITTER * this.#clock.random()));
    return "marked-down";
  }

  #markDown(reason: string, forMs: number): void {
    const now = this.#clock.monotonic();
    this.#down = true;
    this.#downAt = now;
    this.byHand = false;
    this.reason = reason;
    this.downUntil = now + forMs;
  }

  #up(): void {
    this.#down = false;
    this.byHand = false;
    this.downUntil = 0;
    this.reason = undefined;
    this.#window = { from: this.#clock.monotonic(), good: 0, bad: 0 };
    this.#before = { good: 0, bad: 0 };
  }

  #count(outcome: "good" | "bad"): void {
    const now = this.#clock.monotonic();
    const { windowMs } = this.policy;
    const age = now - this.#window.from;
    if (age >= windowMs) {
      this.#before = age < 2 * windowMs ? this.#window : { good: 0, bad: 0 };
      this.#window = { from: now - age % windowMs, good: 0, bad: 0 };
    }
    this.#window[outcome]++;
  }

  #tooFewGood(): boolean {
    const { windowMs, minOutcomes, successRate } = this.policy;
    const share = Math.max(0, 1 - (this.#clock.monotonic() - this.#window.from) / windowMs);
    const good = this.#window.good + this.#before.good * share;
    const total = good + this.#window.bad + this.#before.bad * share;
    return total >= minOutcomes && good / total < successRate;
  }
}
