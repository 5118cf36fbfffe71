/**
 * The statistics of a registry as metrics of OpenTelemetry, through its API: they go wherever the program's SDK sends them, and
 * nowhere when there is none.
 *
 * Everything is observable: read when the SDK collects, so that recording costs what it did. The API has no observable
 * histogram, and to record every value a second time would cost more than all of our counting. So a distribution goes out
 * as the counters of a Prometheus histogram: its cumulative buckets with their bound `le`, count and sum. They are exact, and
 * add up over processes; percentiles, which do not, are not exported.
 *
 * @example Export a runtime's statistics
 * ```ts
 * import { createStats } from "@ballast/runtime/stats";
 * import { exportToOpenTelemetry } from "@ballast/runtime/otel";
 *
 * const stats = createStats();
 * const stop = exportToOpenTelemetry(stats); // the global meter provider: set by an SDK, or by OTEL_DENO=true
 * stop();
 * ```
 *
 * @module
 */

import { metrics } from "@opentelemetry/api";
import { checkInteger } from "../errors.ts";
import { familiesOf, type Sample, type SampleFamily } from "./exposition.ts";
import type { StatsSnapshot } from "./metric.ts";

/** What is exported: a registry, above all. */
export interface SnapshotSource {
  /** Everything, by name. */
  snapshot(): StatsSnapshot;
}

/** The parts of OpenTelemetry's `Meter` that are used. */
export interface OtelMeter {
  /** Makes an instrument for a sum that only grows. */
  createObservableCounter(name: string, options: OtelMetricOptions): OtelObservable;
  /** Makes an instrument for a value that goes up and down. */
  createObservableGauge(name: string, options: OtelMetricOptions): OtelObservable;
}

/** How an instrument is described. */
export interface OtelMetricOptions {
  /** What it means. */
  readonly description: string;
  /** What its values count, as in UCUM. */
  readonly unit: string;
}

/** An instrument that is read when the SDK collects. */
export interface OtelObservable {
  /** Has it read by `callback`, too. */
  addCallback(callback: (result: OtelResult) => void): void;
  /** Takes that back. */
  removeCallback(callback: (result: OtelResult) => void): void;
}

/** Takes what is read. */
export interface OtelResult {
  /** Takes a value, and what tells it from the others of its name. */
  observe(value: number, attributes?: Record<string, string>): void;
}

/** How statistics are exported. */
export interface OpenTelemetryOptions {
  /** Where the instruments are made. @default the meter "@ballast/runtime" of the global provider */
  readonly meter?: OtelMeter;
  /** What every name begins with. @default "ballast" */
  readonly prefix?: string;
  /** Bounds of a histogram to an octave, as in `openMetrics()`. @default bounds that are round in decimals */
  readonly bucketsPerOctave?: number;
  /** Instruments there may be; metrics that would need further ones are not exported. @default 2000 */
  readonly maxInstruments?: number;
}

/** One name that is exported. */
interface Exported {
  readonly instrument: OtelObservable;
  readonly observe: (result: OtelResult) => void;
}

/**
 * Exports a registry, from now on and until the function that is returned is called. A metric that comes later is there from the
 * second collection on.
 *
 * @throws {RangeError} when an option is out of bounds
 */
export function exportToOpenTelemetry(
  source: SnapshotSource,
  options: OpenTelemetryOptions = {},
): () => void {
  const { meter = metrics.getMeter("@ballast/runtime"), prefix = "ballast", bucketsPerOctave } = options;
  const maxInstruments = checkInteger("maxInstruments", options.maxInstruments ?? 2_000, { min: 1 });
  const exported = new Map<string, Exported>();
  const start = prefix === "" ? "" : `${prefix}.`;
  let collected: Map<string, Sample[]> | undefined;
  let isOver = false;

  /** The samples by the name of their instrument: read once for all the callbacks of one collection. */
  function collect(): Map<string, Sample[]> {
    if (collected !== undefined) return collected;
    collected = new Map();
    for (const metric of source.snapshot().metrics) {
      for (const family of familiesOf(metric, bucketsPerOctave)) collectFamily(family, collected);
    }
    queueMicrotask(() => collected = undefined);
    return collected;
  }

  function collectFamily(family: SampleFamily, into: Map<string, Sample[]>): void {
    for (const sample of family.samples) {
      const name = start + instrumentName(family, sample);
      const samples = into.get(name);
      if (samples === undefined) {
        into.set(name, [sample]);
        if (!isOver && !exported.has(name) && exported.size < maxInstruments) add(name, family, sample);
      } else samples.push(sample);
    }
  }

  function add(name: string, family: SampleFamily, { suffix }: Sample): void {
    const unit = suffix === "_bucket" || suffix === "_count" ? "1" : unitOf(family);
    const described = { description: family.help, unit };
    const instrument = family.type === "gauge"
      ? meter.createObservableGauge(name, described)
      : meter.createObservableCounter(name, described);
    const observe = (result: OtelResult) => {
      for (const { labels, value } of collect().get(name) ?? []) result.observe(value, { ...labels });
    };
    instrument.addCallback(observe);
    exported.set(name, { instrument, observe });
  }

  // An instrument of our own, so that there is a collection, and new metrics are found, when there is nothing else yet.
  const own = meter.createObservableGauge(`${start}stats.instruments`, {
    description: "Instruments that export the registry",
    unit: "1",
  });
  const count = (result: OtelResult) => {
    collect();
    result.observe(exported.size);
  };
  own.addCallback(count);
  collect();

  return () => {
    isOver = true;
    own.removeCallback(count);
    for (const { instrument, observe } of exported.values()) instrument.removeCallback(observe);
    exported.clear();
  };
}

/** `mail_sent` and `request_duration_seconds.bucket`: without `_total`, which backends add to the counters themselves. */
function instrumentName({ name }: SampleFamily, { suffix }: Sample): string {
  return suffix === "" || suffix === "_total" ? name : `${name}.${suffix.slice(1)}`;
}

function unitOf({ unit }: SampleFamily): string {
  return unit === "seconds" ? "s" : unit === "bytes" ? "By" : "1";
}
