/**
 * Snapshots in bytes: a quarter of the size of JSON, or less, and as exact. For what children send to their supervisor every second.
 *
 * Whole numbers are varints, buckets the gaps between them; percentiles are left out, for they follow from the buckets.
 *
 * @module
 */

import { ByteReader, ByteWriter, fromBase64, toBase64 } from "./bytes.ts";
import { AVERAGED_MS } from "./averages.ts";
import { checkSnapshot, type DistributionSnapshot } from "./distribution_snapshot.ts";
import type { MetricSnapshot, ScalarSeries, StatsSnapshot } from "./metric.ts";
import { SNAPSHOT_VERSION } from "./metric.ts";
import { shownQuantiles } from "./quantiles.ts";
import type { Point } from "./recent_points.ts";
import type { SketchSnapshot } from "./sketch.ts";
import type { StatesSnapshot } from "./state_snapshot.ts";
import { checkStats, KINDS, reading } from "./stats_snapshot.ts";
import { type Unit, UNITS } from "./unit.ts";

/** What the bytes begin with, before the version. */
const MAGIC = 0xba;
const MAX_TEXT = 100_000;

/**
 * A snapshot as bytes. What is no snapshot is not checked here, but where it is read.
 *
 * @example There and back
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats, decodeStats, encodeStats } from "@ballast/runtime/stats";
 *
 * const stats = createStats();
 * stats.distribution("request").add(12.5);
 * const snapshot = stats.snapshot();
 * assert.deepEqual(decodeStats(encodeStats(snapshot)), snapshot);
 * ```
 */
export function encodeStats(snapshot: StatsSnapshot): Uint8Array<ArrayBuffer> {
  const to = new ByteWriter();
  to.varint(MAGIC);
  to.varint(SNAPSHOT_VERSION);
  to.double(snapshot.at);
  list(to, snapshot.metrics, (metric) => {
    to.text(metric.name);
    to.varint(KINDS.indexOf(metric.kind));
    to.varint(UNITS.indexOf(metric.unit));
    to.text(metric.help);
    list<MetricSnapshot["series"][number]>(to, metric.series, (series) => {
      list(to, Object.entries(series.labels), ([name, value]) => {
        to.text(name);
        to.text(value);
      });
      writeValue(to, metric.kind, series);
    });
  });
  return to.finish();
}

/**
 * The snapshot that some bytes are.
 *
 * @throws {BallastError} `INVALID_SNAPSHOT` when they are none, or of another version
 */
export function decodeStats(bytes: Uint8Array): StatsSnapshot {
  return reading("bytes", () => {
    const from = new ByteReader(bytes);
    if (from.varint() !== MAGIC) throw new TypeError("they do not begin as one");
    const version = from.varint() as typeof SNAPSHOT_VERSION;
    if (version !== SNAPSHOT_VERSION) {
      throw new TypeError(`version must be ${SNAPSHOT_VERSION}, got ${version}`);
    }
    const at = from.double();
    const metrics = items(from, 5, () => {
      const name = from.text(MAX_TEXT);
      const kind = pick(KINDS, from.varint());
      const unit = pick(UNITS, from.varint());
      const help = from.text(MAX_TEXT);
      const series = items(from, 2, () => {
        const labels = Object.fromEntries(items(from, 2, () => [from.text(MAX_TEXT), from.text(MAX_TEXT)]));
        return { labels, ...readValue(from, kind, unit) };
      });
      return { name, kind, unit, help, series } as MetricSnapshot;
    });
    if (!from.done) throw new RangeError("there is more than a snapshot");
    return checkStats({ version, at, metrics });
  });
}

function writeValue(
  to: ByteWriter,
  kind: MetricSnapshot["kind"],
  series: MetricSnapshot["series"][number],
): void {
  switch (kind) {
    case "distribution":
      return writeDistribution(to, series.value as DistributionSnapshot);
    case "states":
      return writeStates(to, series.value as StatesSnapshot);
    case "sketch":
      return writeSketch(to, series.value as SketchSnapshot);
    default: {
      const { value, min, max } = series as ScalarSeries;
      to.double(value);
      to.varint(min === undefined ? 0 : 1);
      if (min !== undefined) [min, max!].forEach((each) => to.double(each));
    }
  }
}

function readValue(
  from: ByteReader,
  kind: MetricSnapshot["kind"],
  unit: Unit,
): Omit<ScalarSeries, "labels" | "value"> & { value: unknown } {
  switch (kind) {
    case "distribution":
      return { value: readDistribution(from, unit) };
    case "states":
      return { value: readStates(from) };
    case "sketch":
      return { value: readSketch(from) };
    default: {
      const value = from.double();
      return from.varint() === 0 ? { value } : { value, min: from.double(), max: from.double() };
    }
  }
}

const FIGURES = ["mean", "stddev", "skewness", "kurtosis", "min", "max"] as const;

function writeDistribution(to: ByteWriter, snapshot: DistributionSnapshot): void {
  to.varint(snapshot.layout);
  to.double(snapshot.at);
  to.varint(snapshot.count);
  to.varint(snapshot.rejected);
  to.double(snapshot.sum);
  if (snapshot.count > 0) { for (const figure of FIGURES) to.double(snapshot[figure] ?? NaN); }
  const lately = snapshot.averages.some(({ perSecond }) => perSecond > 0) ? snapshot.averages : [];
  list(to, lately, ({ mean, perSecond }) => {
    to.double(mean ?? NaN);
    to.double(perSecond);
  });
  let before = 0;
  list(to, snapshot.recent, ([at, value]) => {
    const micros = Math.round(at * 1_000);
    to.varint(zigzag(micros - before));
    to.double(value);
    before = micros;
  });
  list(to, snapshot.exemplars ?? [], ({ value, at, traceId }) => {
    to.double(value);
    to.double(at);
    to.text(traceId);
  });
  let next = 0;
  list(to, snapshot.buckets, ([bucket, count]) => {
    to.varint(bucket - next);
    to.varint(count);
    next = bucket + 1;
  });
}

function readDistribution(from: ByteReader, unit: Unit): DistributionSnapshot {
  const layout = from.varint();
  const at = from.double();
  const count = from.varint();
  const rejected = from.varint();
  const sum = from.double();
  const [mean, stddev, skewness, kurtosis, min, max] = FIGURES.map(() =>
    count === 0 ? null : orNull(from.double())
  ) as (number | null)[] as [
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
  ];
  const lately = items(from, 16, () => ({ mean: orNull(from.double()), perSecond: from.double() }));
  const averages = AVERAGED_MS.map((overMs, i) => ({ overMs, ...lately[i] ?? { mean: null, perSecond: 0 } }));
  let before = 0;
  const recent = items(from, 9, (): Point => {
    before += unzigzag(from.varint());
    return [before / 1_000, from.double()];
  });
  const exemplars = items(
    from,
    17,
    () => ({ value: from.double(), at: from.double(), traceId: from.text(256) }),
  );
  let next = 0;
  const buckets = items(from, 2, () => {
    const bucket = next + from.varint();
    next = bucket + 1;
    return [bucket, from.varint()] as const;
  });
  const figures = { unit, at, count, rejected, sum, mean, stddev, skewness, kurtosis, min, max };
  const none = { p50: null, p90: null, p99: null, p999: null };
  const some = exemplars.length > 0 && { exemplars };
  const snapshot = checkSnapshot({ ...figures, ...none, averages, recent, ...some, layout, buckets });
  return { ...snapshot, ...shownQuantiles(snapshot) };
}

function writeStates(to: ByteWriter, snapshot: StatesSnapshot): void {
  to.varint(snapshot.started);
  to.varint(snapshot.ended);
  to.double(snapshot.lifetimeMs);
  list(to, snapshot.states, ({ state, current, entered, totalMs, stays }) => {
    to.text(state);
    to.varint(current);
    to.varint(entered);
    to.double(totalMs);
    writeDistribution(to, stays);
  });
  const place = (name: string) => snapshot.states.findIndex(({ state }) => state === name);
  list(to, snapshot.transitions, ({ from, to: next, count }) => {
    to.varint(place(from));
    to.varint(place(next));
    to.varint(count);
  });
}

function readStates(from: ByteReader): StatesSnapshot {
  const started = from.varint();
  const ended = from.varint();
  const lifetimeMs = from.double();
  const states = items(from, 32, () => ({
    state: from.text(256),
    current: from.varint(),
    entered: from.varint(),
    totalMs: from.double(),
    stays: readDistribution(from, "ms"),
  }));
  const transitions = items(from, 3, () => ({
    from: pick(states, from.varint()).state,
    to: pick(states, from.varint()).state,
    count: from.varint(),
  }));
  return { started, ended, lifetimeMs, states, transitions };
}

function writeSketch(to: ByteWriter, snapshot: SketchSnapshot): void {
  to.varint(snapshot.count);
  to.varint(snapshot.cardinality);
  to.varint(snapshot.floor);
  to.varint(snapshot.capacity);
  list(to, snapshot.top, ({ key, count, error }) => {
    to.text(key);
    to.varint(count);
    to.varint(error);
  });
  const registers = fromBase64("registers", snapshot.registers, MAX_TEXT);
  to.varint(registers.length);
  to.bytes(registers);
}

function readSketch(from: ByteReader): SketchSnapshot {
  return {
    count: from.varint(),
    cardinality: from.varint(),
    floor: from.varint(),
    capacity: from.varint(),
    top: items(from, 3, () => ({ key: from.text(1_024), count: from.varint(), error: from.varint() })),
    registers: toBase64(from.bytes(MAX_TEXT)),
  };
}

function list<T>(to: ByteWriter, entries: readonly T[], write: (entry: T) => void): void {
  to.varint(entries.length);
  entries.forEach(write);
}

/** A list whose entries have at least `least` bytes each. */
function items<T>(from: ByteReader, least: number, read: () => T): T[] {
  return Array.from({ length: from.length(least) }, read);
}

function pick<T>(list: readonly T[], index: number): T {
  if (index < list.length) return list[index]!;
  throw new RangeError(`there are ${list.length} of a kind, got number ${index}`);
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** Whole numbers of either sign as ones that are not negative: small ones stay small. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
