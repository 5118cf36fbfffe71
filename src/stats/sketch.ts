/**
 * Which texts there are and how many, where nobody could keep them all: clients, paths, keys.
 *
 * @module
 */

import { checkInteger, show } from "../errors.ts";
import { HyperLogLog, MAX_RANK, REGISTERS } from "./hyperloglog.ts";
import { shorten } from "./shorten.ts";
import { type HeavyHitter, SpaceSaving } from "./space_saving.ts";
import { ByteReader, ByteWriter, fromBase64, toBase64 } from "./bytes.ts";

/** How a sketch is made. */
export interface SketchOptions {
  /** Texts whose counts are held; one that is more than one in so many of all is always among them. @default 128 */
  readonly capacity?: number;
}

/** A sketch at one moment, as plain JSON. */
export interface SketchSnapshot {
  /** Texts added. */
  readonly count: number;
  /** How many different ones there were. */
  readonly cardinality: number;
  /** Those held, the most frequent first. */
  readonly top: readonly HeavyHitter[];
  /** Texts that are not held came so often at most. */
  readonly floor: number;
  /** Texts whose counts are held. */
  readonly capacity: number;
  /** The registers of the cardinality, in base64: for merging. */
  readonly registers: string;
}

/** How many different texts there were, and which came most often. */
export interface Sketch {
  /** Texts added. */
  readonly count: number;
  /** How many different ones there were; the standard error is 0.81 %. */
  readonly cardinality: number;
  /**
   * Adds a text `n` times, once unless told otherwise. Texts are told apart by their first 200 characters when it is about which
   * is frequent, by all of them when it is about how many there are. It never throws: what is no text, or no whole
   * number of times, is ignored.
   */
  add(text: string, n?: number): void;
  /** The most frequent, at most `limit` of them: counts are never too low, and too high by `error` at most. @default 10 */
  top(limit?: number): HeavyHitter[];
  /**
   * Adds all of another sketch, or of the snapshot of one. The count is exact, the cardinality what it would have been, the
   * heavy hitters within one in `capacity` of all.
   *
   * @throws {TypeError} when a snapshot is none
   */
  merge(other: Sketch | SketchSnapshot): void;
  /** Forgets everything. */
  reset(): void;
  /** Everything, as plain JSON. */
  snapshot(): SketchSnapshot;
}

/** Longer texts are cut, where they are kept. */
export const MAX_KEY_LENGTH = 200;
/** A sketch holds no more than so many texts. */
export const MAX_CAPACITY = 10_000;

/**
 * Makes an empty sketch.
 *
 * @example Who asks most, and how many are there?
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSketch } from "@ballast/runtime/stats";
 *
 * const clients = createSketch();
 * for (let i = 0; i < 1000; i++) clients.add(`10.0.0.${i % 200}`);
 * clients.add("10.0.9.9", 500);
 * assert.equal(clients.top(1)[0]?.key, "10.0.9.9");
 * assert.ok(Math.abs(clients.cardinality - 201) < 5);
 * ```
 */
export function createSketch(options: SketchOptions = {}): Sketch {
  const capacity = checkInteger("capacity", options.capacity ?? 128, { min: 1, max: MAX_CAPACITY });
  const different = new HyperLogLog();
  const frequent = new SpaceSaving(capacity);
  let count = 0;

  const sketch: Sketch = {
    get count() {
      return count;
    },
    get cardinality() {
      return Math.round(different.estimate());
    },
    add(text, n = 1) {
      if (typeof text !== "string" || !(Number.isSafeInteger(n) && n > 0)) return;
      count += n;
      different.add(text);
      frequent.add(text.length > MAX_KEY_LENGTH ? shorten(text, MAX_KEY_LENGTH) : text, n);
    },
    top: (limit = 10) => frequent.read().slice(0, limit),
    merge(other) {
      const merged = checkSketch("cardinality" in other && "add" in other ? other.snapshot() : other);
      count += merged.count;
      for (const [index, rank] of decodeRegisters(merged.registers)) different.raise(index, rank);
      frequent.merge(merged.top, merged.floor);
    },
    reset() {
      count = 0;
      different.clear();
      frequent.clear();
    },
    snapshot: () => ({
      count,
      cardinality: sketch.cardinality,
      top: frequent.read(),
      floor: frequent.floor,
      capacity,
      registers: encodeRegisters(different),
    }),
  };
  return sketch;
}

/**
 * Returns what came over a wire as the snapshot it claims to be.
 *
 * @throws {TypeError} when it is none
 * @throws {RangeError} when a number in it is out of bounds
 */
export function checkSketch(given: unknown): SketchSnapshot {
  if (given === null || typeof given !== "object") {
    throw new TypeError(`a snapshot of a sketch must be an object, got ${show(given)}`);
  }
  const snapshot = given as SketchSnapshot;
  checkInteger("count", snapshot.count);
  checkInteger("cardinality", snapshot.cardinality);
  checkInteger("floor", snapshot.floor);
  checkInteger("capacity", snapshot.capacity, { min: 1, max: MAX_CAPACITY });
  if (!Array.isArray(snapshot.top)) throw new TypeError(`top must be a list, got ${show(snapshot.top)}`);
  checkInteger("the length of top", snapshot.top.length, { max: snapshot.capacity });
  for (const hitter of snapshot.top as readonly HeavyHitter[]) {
    // One more than what is cut: the ellipsis.
    if (typeof hitter?.key !== "string" || hitter.key.length > MAX_KEY_LENGTH + 1) {
      throw new TypeError(
        `a key must be of at most ${MAX_KEY_LENGTH + 1} characters, got ${show(hitter?.key)}`,
      );
    }
    checkInteger("error", hitter.error, { max: checkInteger("count", hitter.count) });
  }
  decodeRegisters(snapshot.registers);
  return snapshot;
}

/**
 * Gaps and ranks of the registers that are not zero; or one byte for each register, once there are so many that this is
 * shorter, or nearly.
 */
function encodeRegisters(different: HyperLogLog): string {
  const held = [...different.held()];
  const writer = new ByteWriter();
  if (held.length > REGISTERS / 4) {
    const all = new Uint8Array(REGISTERS);
    for (const [index, rank] of held) all[index] = rank;
    writer.bytes(all);
  } else {
    let next = 0;
    for (const [index, rank] of held) {
      writer.varint(index - next);
      writer.varint(rank);
      next = index + 1;
    }
  }
  return toBase64(writer.finish());
}

function decodeRegisters(text: unknown): [index: number, rank: number][] {
  const bytes = fromBase64("registers", text, 2 * REGISTERS);
  const held: [number, number][] = [];
  const keep = (index: number, rank: number) => {
    checkInteger("a register", index, { max: REGISTERS - 1 });
    held.push([index, checkInteger("a rank", rank, { max: MAX_RANK })]);
  };
  if (bytes.length === REGISTERS) {
    bytes.forEach((rank, index) => keep(index, rank));
    return held;
  }
  const reader = new ByteReader(bytes);
  for (let next = 0; !reader.done; next++) {
    next += reader.varint();
    keep(next, reader.varint());
  }
  return held;
}
