/**
 * What metrics are called in OpenMetrics text.
 *
 * @module
 */

import type { MetricKind } from "./metric.ts";
import type { Unit } from "./unit.ts";

/** What a metric's exposed name follows from. */
export interface NamedMetric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: Unit;
}

/** The name of a metric in the text, without the prefix: its unit is part of it, as the format wants. */
export function exposedName(metric: NamedMetric): string {
  const name = metric.name.replace(/[^a-zA-Z0-9_]/g, "_");
  if (metric.kind === "states") return name;
  const base = metric.kind === "counter" || metric.kind === "sketch" ? name.replace(/_total$/, "") : name;
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

/** The names of the samples and of the families they are in, without the prefix: no other metric may have one of them. */
export function sampleNames(metric: NamedMetric): string[] {
  const name = exposedName(metric);
  switch (metric.kind) {
    case "gauge":
      return [name];
    case "counter":
      return [name, `${name}_total`];
    case "distribution":
      return [name, `${name}_bucket`, `${name}_count`, `${name}_sum`];
    case "states":
      return [
        name,
        `${name}_current`,
        ...["state_seconds", "transitions"].flatMap((
          suffix,
        ) => [`${name}_${suffix}`, `${name}_${suffix}_total`]),
      ];
    case "sketch":
      return [name, `${name}_total`, `${name}_distinct`];
  }
}

function withSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) ? name : name + suffix;
}
