/**
 * Exemplars: single values with the trace that they came from, so that a slow one can be looked up.
 *
 * Asking for the trace costs more than counting, so few are asked for: the first of each second, and those that
 * stand out above it. One is kept for each octave, the last.
 *
 * @module
 */

import { bucketOf, firstKeyOf, OCTAVE_BITS } from "./buckets.ts";
import type { Unit } from "./unit.ts";

/** A value, and the trace it came from. */
export interface Exemplar {
  /** The value. */
  readonly value: number;
  /** When it was added, in milliseconds since the epoch. */
  readonly at: number;
  /** The id of the trace. */
  readonly traceId: string;
}

/** Gives the trace id of the calls under way, if there is one. */
export type TraceIdSource = () => string | undefined;

/** OpenMetrics allows 128 characters for an exemplar's labels together. */
export const MAX_TRACE_ID_LENGTH = 64;
/** How long what stood out is the measure for what stands out. */
const WINDOW_MS = 1_000;
/** By how much a value must exceed the last one that stood out: so few do, whatever the values are. */
const STANDS_OUT = 1.25;

/** The exemplars of one stream of values. */
export class Exemplars {
  readonly #byOctave = new Map<number, Exemplar>();
  readonly #source: TraceIdSource | undefined;
  readonly #firstKey: number;
  #windowEnd = -Infinity;
  #notable = -1;

  constructor(source: TraceIdSource | undefined, unit: Unit) {
    this.#source = source;
    this.#firstKey = firstKeyOf(unit);
  }

  /** Values above this are worth an exemplar at once. */
  get notable(): number {
    return this.#source === undefined ? Infinity : this.#notable;
  }

  /** Takes the value that was just added, by the calls under way, if one is due. */
  offer(value: number, at: number): void {
    const isNewWindow = at >= this.#windowEnd || at < this.#windowEnd - WINDOW_MS;
    if (this.#source === undefined || !isNewWindow && value <= this.#notable) return;
    if (isNewWindow) this.#windowEnd = at + WINDOW_MS;
    this.#notable = value * STANDS_OUT;
    const traceId = attempt(this.#source);
    if (typeof traceId === "string" && traceId !== "" && traceId.length <= MAX_TRACE_ID_LENGTH) {
      this.#keep({ value, at, traceId });
    }
  }

  /** Takes in those of another stream: of each octave the later one stays. */
  merge(exemplars: readonly Exemplar[]): void {
    for (const { value, at, traceId } of exemplars) this.#keep({ value, at, traceId });
  }

  /** Forgets them all. */
  clear(): void {
    this.#byOctave.clear();
    this.#windowEnd = -Infinity;
    this.#notable = -1;
  }

  /** Those that are held, in the order of their values. */
  read(): Exemplar[] {
    return [...this.#byOctave.values()].sort((a, b) => a.value - b.value);
  }

  #keep(exemplar: Exemplar): void {
    const octave = bucketOf(exemplar.value, this.#firstKey) >> OCTAVE_BITS;
    const held = this.#byOctave.get(octave);
    if (held === undefined || held.at <= exemplar.at) this.#byOctave.set(octave, exemplar);
  }
}

/** What a user's function throws must not reach who adds a value. */
function attempt(source: TraceIdSource): string | undefined {
  try {
    return source();
  } catch {
    return undefined;
  }
}
