/**
 * Whole snapshots that come from elsewhere: a child, a file, a peer. What they claim to be is checked to the last number, so that
 * nothing else ever reaches those who merge and show them.
 *
 * @module
 */

import { BallastError, checkInteger, checkNumber, errorMessage, show } from "../errors.ts";
import { checkSnapshot } from "./distribution_snapshot.ts";
import { type MetricKind, SNAPSHOT_VERSION, type StatsSnapshot } from "./metric.ts";
import { checkLabels, checkName } from "./names.ts";
import { MAX_MOMENT } from "./recent_points.ts";
import { checkSketch } from "./sketch.ts";
import { checkStates } from "./state_snapshot.ts";
import { checkUnit } from "./unit.ts";

/** A snapshot has no more metrics than this, and a metric no more series. */
const MAX_ENTRIES = 100_000;
const MAX_LABELS = 64;
const MAX_HELP_LENGTH = 10_000;

/** Every kind of metric. */
export const KINDS: readonly MetricKind[] = ["counter", "gauge", "distribution", "states", "sketch"];

/**
 * Reads a snapshot from JSON: from its text, or from what `JSON.parse` made of that.
 *
 * @example From a child to its supervisor
 * ```ts
 * import assert from "node:assert/strict";
 * import { createStats, parseStats } from "@ballast/runtime/stats";
 *
 * const stats = createStats();
 * stats.counter("mail.sent").add();
 * const received = parseStats(JSON.stringify(stats.snapshot()));
 * assert.equal(received.metrics[0]?.name, "mail.sent");
 * ```
 * @throws {BallastError} `INVALID_SNAPSHOT` when it is none, or of another version
 */
export function parseStats(json: unknown): StatsSnapshot {
  return reading("JSON", () => checkStats(typeof json === "string" ? JSON.parse(json) : json));
}

/** Has whatever is thrown while a snapshot is read be one error. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BallastError(
      "INVALID_SNAPSHOT",
      `this is no snapshot of statistics in ${what}: ${errorMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Returns `given` when it is a snapshot.
 *
 * @throws {TypeError} when it is none
 * @throws {RangeError} when a number in it is out of bounds
 */
export function checkStats(given: unknown): StatsSnapshot {
  const snapshot = checkObject<StatsSnapshot>("a snapshot", given);
  if (snapshot.version !== SNAPSHOT_VERSION) {
    throw new TypeError(`version must be ${SNAPSHOT_VERSION}, got ${show(snapshot.version)}`);
  }
  checkNumber("at", snapshot.at, { max: MAX_MOMENT });
  const names = new Set<string>();
  for (const metric of checkList("metrics", snapshot.metrics)) {
    const { name, help } = checkMetric(metric);
    if (names.has(name)) throw new TypeError(`every metric must be there once, got another "${name}"`);
    names.add(name);
    if (typeof help !== "string" || help.length > MAX_HELP_LENGTH) {
      throw new TypeError(`help must be a text of at most ${MAX_HELP_LENGTH} characters, got ${show(help)}`);
    }
  }
  return snapshot;
}

type Loose = Readonly<Record<string, unknown>>;

function checkMetric(given: unknown): { name: string; help: unknown } {
  const metric = checkObject<Loose>("a metric", given);
  const name = checkName(metric.name);
  const unit = checkUnit(metric.unit);
  const kind = metric.kind as MetricKind;
  if (!KINDS.includes(kind)) {
    throw new TypeError(`kind must be one of ${KINDS.join(", ")}, got ${show(kind)}`);
  }
  for (const entry of checkList("series", metric.series)) {
    const series = checkObject<Loose>("a series", entry);
    const labels = checkObject<Record<string, string>>("labels", series.labels);
    checkInteger("the number of labels", Object.keys(labels).length, { max: MAX_LABELS });
    checkLabels(labels);
    checkValue(kind, series);
    if (kind === "distribution" && (series.value as { unit: string }).unit !== unit) {
      throw new TypeError(`the series of "${name}" must be in "${unit}"`);
    }
  }
  return { name, help: metric.help };
}

function checkValue(kind: MetricKind, { value, min, max }: Loose): unknown {
  switch (kind) {
    case "distribution":
      return checkSnapshot(value);
    case "states":
      return checkStates(value);
    case "sketch":
      return checkSketch(value);
    default:
      for (const number of [value, min ?? 0, max ?? 0]) {
        checkNumber("value", number, { min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
      }
  }
}

function checkObject<T>(what: string, given: unknown): T {
  if (given !== null && typeof given === "object" && !Array.isArray(given)) return given as T;
  throw new TypeError(`${what} must be an object, got ${show(given)}`);
}

function checkList(name: string, given: unknown): readonly unknown[] {
  if (!Array.isArray(given)) throw new TypeError(`${name} must be a list, got ${show(given)}`);
  checkInteger(`the length of ${name}`, given.length, { max: MAX_ENTRIES });
  return given;
}
