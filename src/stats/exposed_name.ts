/**
 * What metrics are called in OpenMetrics text.
 *
 * @module
 */

import type { Unit } from "./unit.ts";
import type { MetricKind } from "./metric.ts";

/** What a metric's exposed name follows from. */
export interface NamedMetric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: Unit;
}

/** The name of a metric in the text, without the prefix: its unit is part of it, as the format wants. */
export function exposedName(metric: NamedMetric): string {
  const name = metric.name.replace(/[^a-zA-Z0-9_]/g, "_");
  const base = metric.kind === "counter" ? name.replace(/_total$/, "") : name;
  switch (metric.unit) {
    case "1":
      return base;
    case "bytes":
      return withSuffix(base, "_bytes");
    case "ms":
      if (base.endsWith("_seconds")) return base;
      return (metric.kind === "distribution" ? withSuffix(base, "_duration") : base) + "_seconds";
  }
}

/** The names of the samples, without the prefix: no other metric may have one of them. */
export function sampleNames(metric: NamedMetric): string[] {
  const name = exposedName(metric);
  switch (metric.kind) {
    case "gauge":
      return [name];
    case "counter":
      return [name, `${name}_total`];
    case "distribution":
      return [name, `${name}_bucket`, `${name}_count`, `${name}_sum`];
  }
}

function withSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) ? name : name + suffix;
}
