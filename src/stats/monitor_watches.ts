/**
 * Depths of queues and the like, read once a second: what other parts want to be seen over time.
 *
 * @module
 */

import { type Point, TimeSeries } from "./monitor_series.ts";

/** A value that is watched. */
export interface WatchSnapshot {
  /** What it is called. */
  readonly name: string;
  /** The value when it was last read; null before, and when it could not be read. */
  readonly value: number | null;
  /** The highest of the last ten minutes; null while there is none. */
  readonly max: number | null;
  /** Times that it could not be read: its function threw, or gave no finite number. */
  readonly failures: number;
}

interface Watch {
  readonly read: () => number;
  readonly series: TimeSeries;
  value: number | null;
  failures: number;
}

/** Values watched at once: each takes 16 KiB. */
export const MAX_WATCHES = 64;

/** The watched values by name. */
export class Watches {
  readonly #watches = new Map<string, Watch>();
  #refused = 0;

  /** Watches asked for beyond the limit. */
  get refused(): number {
    return this.#refused;
  }

  /** Adds one; a name in use is taken over. Returns what removes it. */
  add(name: string, read: () => number): () => void {
    if (!this.#watches.has(name) && this.#watches.size >= MAX_WATCHES) {
      this.#refused++;
      return () => {};
    }
    const watch: Watch = { read, series: new TimeSeries(), value: null, failures: 0 };
    this.#watches.set(name, watch);
    return () => {
      if (this.#watches.get(name) === watch) this.#watches.delete(name);
    };
  }

  /** Reads all of them. */
  sample(at: number): void {
    for (const watch of this.#watches.values()) {
      const value = readSafely(watch.read);
      watch.value = value ?? null;
      if (value === undefined) watch.failures++;
      else watch.series.add(at, value);
    }
  }

  snapshot(): WatchSnapshot[] {
    return [...this.#watches].map(([name, { value, failures, series }]) => {
      const recent = series.recent().map(([, each]) => each);
      return { name, value, failures, max: recent.length === 0 ? null : Math.max(...recent) };
    });
  }

  /** Their values over time. */
  series(): { readonly name: string; readonly points: readonly Point[] }[] {
    return [...this.#watches].map(([name, { series }]) => ({ name, points: series.points() }));
  }

  clear(): void {
    this.#watches.clear();
  }
}

function readSafely(read: () => number): number | undefined {
  try {
    const value: unknown = read();
    return typeof value === "number" && Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
