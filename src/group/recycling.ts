/**
 * When a child has served long enough: by its memory, its age or its requests.
 *
 * @module
 */

import type { Vitals } from "./messages.ts";

/** What a child may come to. */
export interface RecycleLimits {
  /** Resident memory. */
  readonly maxMemoryBytes?: number | undefined;
  /** Age, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
  /** Requests. */
  readonly maxRequests?: number | undefined;
}

/** Why a child is replaced, and the number that says so. */
export interface RecycleReason {
  /** What was too much. */
  readonly why: "memory" | "age" | "requests";
  /** The same for people. */
  readonly text: string;
}

/** So many heartbeats in a row have to be over the limit: a single one may be garbage that is about to be collected. */
const SUSTAINED = 3;
/** This much over the limit, one is enough. */
const FAR_OVER = 1.25;
/** Limits are lowered by up to this share, by chance: or all children that were started together would be due together. */
const JITTER = 0.1;

/** The limits of one child. */
export class Recycler {
  readonly #limits: RecycleLimits;
  readonly #startedAt: number;
  #over = 0;

  /** `random` gives numbers from 0 up to 1, `startedAt` is on the monotonic clock. */
  constructor(limits: RecycleLimits, startedAt: number, random: () => number) {
    const lowered = (limit: number | undefined) =>
      limit === undefined ? undefined : limit * (1 - JITTER * random());
    this.#limits = {
      maxMemoryBytes: lowered(limits.maxMemoryBytes),
      maxAgeMs: lowered(limits.maxAgeMs),
      maxRequests: lowered(limits.maxRequests),
    };
    this.#startedAt = startedAt;
  }

  /** Looks at a heartbeat: why the child should be replaced, or undefined. */
  check({ rssBytes, requests }: Vitals, now: number): RecycleReason | undefined {
    const { maxMemoryBytes = Infinity, maxAgeMs = Infinity, maxRequests = Infinity } = this.#limits;
    this.#over = rssBytes > maxMemoryBytes ? this.#over + 1 : 0;
    if (this.#over >= SUSTAINED || rssBytes > maxMemoryBytes * FAR_OVER) {
      return { why: "memory", text: `${mebibytes(rssBytes)} of at most ${mebibytes(maxMemoryBytes)}` };
    }
    if (requests >= maxRequests) {
      return { why: "requests", text: `${requests} requests of at most ${Math.ceil(maxRequests)}` };
    }
    const ageMs = now - this.#startedAt;
    if (ageMs >= maxAgeMs) {
      return { why: "age", text: `${seconds(ageMs)} of at most ${seconds(maxAgeMs)}` };
    }
    return undefined;
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
