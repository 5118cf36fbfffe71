/**
 * All families of a registry: found by name, made when they are new, and read together.
 *
 * @module
 */

import { Family, type FamilyOptions } from "./family.ts";
import type { Distribution } from "./distribution.ts";
import type { MetricKind, MetricSnapshot, ScalarMetric, ScalarSeries, SeriesSnapshot } from "./metric.ts";
import { checkName } from "./names.ts";
import { ReservedNames } from "./reserved_names.ts";
import { Scalar } from "./scalar.ts";
import type { Sketch } from "./sketch.ts";
import type { StateStats } from "./state_stats.ts";
import { FAILED_READS, FOLDED, REFUSED } from "./stats_report.ts";
import { checkUnit, type Unit } from "./unit.ts";

/** Which family is wanted. */
export interface Wanted {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit?: Unit;
  readonly help?: string;
}

/** How many there may be. */
export interface FamilyLimits {
  /** Series of a name. */
  readonly maxSeries: number;
  /** Names. */
  readonly maxMetrics: number;
}

/** The families of each kind, by name. */
export class Families {
  readonly distributions = new Map<string, Family<Distribution>>();
  readonly states = new Map<string, Family<StateStats>>();
  readonly sketches = new Map<string, Family<Sketch>>();
  readonly scalars = new Map<string, Family<Scalar>>();
  readonly #names = new ReservedNames();
  readonly #limits: FamilyLimits;
  readonly #folded: Family<Scalar>;
  readonly #failedReads: Family<Scalar>;
  readonly #refused: Family<Scalar>;

  constructor(limits: FamilyLimits) {
    this.#limits = limits;
    // Made first, so that their names cannot be anybody else's.
    this.#folded = this.#own(FOLDED, 'Times that labels were counted as "other", there being too many');
    this.#failedReads = this.#own(FAILED_READS, "Times that an observed value could not be read");
    this.#refused = this.#own(REFUSED, "Times that a metric was not registered, there being too many");
  }

  /** The family of a name, made when it is new; of one name too many, a family that is in no registry. */
  get<T>(families: Map<string, Family<T>>, wanted: Wanted, create: (unit: Unit) => T): Family<T> {
    const { name, kind, unit, help = "" } = wanted;
    const found = families.get(name);
    if (found !== undefined && found.kind === kind && (unit === undefined || unit === found.unit)) {
      if (found.help === "") found.help = help;
      return found;
    }
    const checked = checkUnit(unit ?? (kind === "distribution" || kind === "states" ? "ms" : "1"));
    const options: FamilyOptions<T> = {
      name: checkName(name),
      kind,
      unit: checked,
      help,
      maxSeries: this.#limits.maxSeries,
      create: () => create(checked),
      onFold: () => this.#folded.get({ metric: name }).asCounter().add(),
    };
    if (found === undefined && this.#size >= this.#limits.maxMetrics) {
      this.#refused.get({ kind }).asCounter().add();
      return new Family(options);
    }
    return this.#insert(families, options);
  }

  /** Whether a metric has this name. */
  has(name: string): boolean {
    return this.#maps.some((families) => families.has(name));
  }

  /** Starts one metric again, or all of them; returns how many series. Observed values are whose they are. */
  reset(name: string | undefined): number {
    let series = 0;
    for (const families of this.#maps) {
      for (const family of families.values()) {
        if (name !== undefined && family.name !== name) continue;
        for (const { value } of family.all) {
          value.reset();
          series++;
        }
      }
    }
    return series;
  }

  /** Every metric that has a series, by name. */
  read(): MetricSnapshot[] {
    const metrics: MetricSnapshot[] = [
      ...snapshots(this.distributions, "distribution"),
      ...snapshots(this.states, "states"),
      ...snapshots(this.sketches, "sketch"),
      // The count of failed reads comes last: the other reads add to it.
      ...[...this.scalars.values()].filter((family) => family !== this.#failedReads).map((family) =>
        this.#readScalars(family)
      ),
    ];
    metrics.push(this.#readScalars(this.#failedReads));
    return metrics.filter(({ series }) => series.length > 0).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  get #maps(): Map<string, Family<{ reset(): void }>>[] {
    return [this.distributions, this.states, this.sketches, this.scalars];
  }

  get #size(): number {
    return this.#maps.reduce((total, { size }) => total + size, 0);
  }

  #insert<T>(families: Map<string, Family<T>>, options: FamilyOptions<T>): Family<T> {
    this.#names.reserve(options);
    const made = new Family(options);
    families.set(made.name, made);
    return made;
  }

  /** A counter of the registry's own. */
  #own(name: string, help: string): Family<Scalar> {
    const { maxSeries } = this.#limits;
    const create = () => new Scalar();
    return this.#insert(this.scalars, {
      name,
      kind: "counter",
      unit: "1",
      help,
      maxSeries,
      create,
      onFold() {},
    });
  }

  #readScalars({ name, kind, unit, help, all }: Family<Scalar>): ScalarMetric {
    const onFailure = () => this.#failedReads.get({ metric: name }).asCounter().add();
    const series = [...all].flatMap(({ labels, value: scalar }): ScalarSeries[] => {
      const reading = scalar.read(onFailure);
      return reading === undefined ? [] : [{ labels, ...reading }];
    });
    return { name, kind: kind as "counter" | "gauge", unit, help, series };
  }
}

/** The metrics of one kind. */
function snapshots<K extends MetricKind, V>(families: Map<string, Family<{ snapshot(): V }>>, kind: K) {
  return [...families.values()].map(({ name, unit, help, all }) => {
    const series = [...all].map(({ labels, value }): SeriesSnapshot<V> => ({
      labels,
      value: value.snapshot(),
    }));
    return { name, kind, unit, help, series };
  });
}
