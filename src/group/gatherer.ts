/**
 * What the children say of themselves, gathered in the background: whoever looks never waits for a child.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { fromBase64 } from "../stats/bytes.ts";
import {
  decodeStats,
  type MergedStats,
  mergeStats,
  type MetricSnapshot,
  type StatsSnapshot,
} from "../stats/mod.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** What a gatherer works on. */
export interface GathererOptions {
  readonly clock: Clock;
  /** The children that live. */
  readonly children: () => readonly SupervisedChild[];
  /** The statistics of the supervisor itself. */
  readonly own: () => StatsSnapshot;
}

/** Between two rounds, while somebody looks. */
const BUSY_MS = 2_000;
/** Between two rounds otherwise: what is asked for next is no older than this. */
const IDLE_MS = 15_000;
/** Who looked within this time is still looking. */
const LOOKING_MS = 60_000;

/** What the statistics of one child may take. */
const MAX_STATS_BYTES = 16 * 2 ** 20;

/** Kinds that ended children leave behind: gauges and states are of those that live. */
const LASTING: readonly MetricSnapshot["kind"][] = ["counter", "distribution", "sketch"];

/** Gathers. */
export class Gatherer {
  readonly #options: GathererOptions;
  /** The sums of the children that have ended: a counter must not go back because its child did. */
  #past: StatsSnapshot | undefined;
  #merged: { readonly of: string; readonly stats: MergedStats } | undefined;
  #timer: Timer | undefined;
  #askedAt: number;
  /** Statistics of a child that could not be read. */
  unreadable = 0;

  constructor(options: GathererOptions) {
    this.#options = options;
    this.#askedAt = options.clock.monotonic();
    this.#round();
  }

  /** The statistics of the whole group: of all its children, those that ended included, and of the supervisor. */
  stats(): MergedStats {
    this.#look();
    const { children, own } = this.#options;
    const of = children().map(({ id, gathered }) => `${id}:${gathered?.at}`).join(" ");
    if (this.#merged?.of !== of) {
      const all = children().flatMap((child) => this.#read(child));
      this.#merged = {
        of,
        stats: mergeStats([...all, ...this.#past === undefined ? [] : [this.#past], own()]),
      };
    }
    return this.#merged.stats;
  }

  /** What a child said last; undefined before its first word. */
  of(child: SupervisedChild): SupervisedChild["gathered"] {
    this.#look();
    return child.gathered;
  }

  /** How old what a child said is, in milliseconds. */
  ageMs(child: SupervisedChild): number | undefined {
    return child.gathered && this.#options.clock.monotonic() - child.gathered.at;
  }

  /** A child has ended: what it counted stays counted. */
  keep(child: SupervisedChild): void {
    const lasting = this.#read(child).map(lastingOf);
    if (lasting.length === 0) return;
    this.#past = mergeStats([...this.#past === undefined ? [] : [this.#past], ...lasting]);
    this.#merged = undefined;
  }

  /** What ended children counted is forgotten. */
  forget(): void {
    this.#past = undefined;
    this.#merged = undefined;
  }

  /** Gathers no more. */
  close(): void {
    this.#timer?.cancel();
  }

  #read({ gathered }: SupervisedChild): StatsSnapshot[] {
    if (gathered === undefined) return [];
    try {
      return [decodeStats(fromBase64("stats", gathered.stats, MAX_STATS_BYTES))];
    } catch {
      this.unreadable++;
      return [];
    }
  }

  /** Somebody looks: rounds are shorter for a while, beginning now if the last one is long ago. */
  #look(): void {
    const now = this.#options.clock.monotonic();
    const wasIdle = now - this.#askedAt > LOOKING_MS;
    this.#askedAt = now;
    if (wasIdle) this.#round();
  }

  #round(): void {
    const { clock, children } = this.#options;
    this.#timer?.cancel();
    for (const child of children()) child.gather();
    const isWatched = clock.monotonic() - this.#askedAt <= LOOKING_MS;
    this.#timer = clock.schedule(isWatched ? BUSY_MS : IDLE_MS, () => this.#round());
  }
}

function lastingOf(stats: StatsSnapshot): StatsSnapshot {
  return { ...stats, metrics: stats.metrics.filter(({ kind }) => LASTING.includes(kind)) };
}
