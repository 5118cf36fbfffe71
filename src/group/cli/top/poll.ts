/**
 * One look at a service: its first page, the reports that the overview is drawn from, and the one that somebody reads.
 *
 * @module
 */

import type { Report } from "../../../report.ts";
import { type MetaClient, MetaError } from "./client.ts";
import { type Buckets, bucketsOf, type Latency, latencyBetween, latencyMetric } from "./latency.ts";
import { type Outline, readOutline, readReport } from "./shape.ts";

/** A service at one moment. */
export interface Sample {
  /** When it was asked, in milliseconds since the epoch: by the clock of the one who asks. */
  readonly at: number;
  /** How long the answers took. */
  readonly tookMs: number;
  /** What the first page says. */
  readonly outline: Outline;
  /** The reports that were asked for, by id. */
  readonly reports: ReadonlyMap<string, Report>;
  /** How long requests took since the sample before. */
  readonly latency?: Latency;
}

/** Looks at a service, again and again. */
export interface Poller {
  /**
   * Looks once. `wanted` are ids of reports to read beside those of the overview.
   *
   * @throws {MetaError} when there is nothing to see
   */
  poll(wanted: readonly string[], signal: AbortSignal): Promise<Sample>;
}

/** What the overview is drawn from. */
const OVERVIEW = ["stats", "group", "overload", "monitor", "connections", "dns"];

/** Makes one. */
export function createPoller(client: MetaClient, clock: { now(): number; monotonic(): number }): Poller {
  let metric: string | undefined;
  let buckets: Buckets | undefined;

  async function readLatency(stats: Report | undefined, signal: AbortSignal): Promise<Latency | undefined> {
    const found = latencyMetric(stats);
    if (found !== metric) buckets = undefined;
    metric = found;
    if (metric === undefined) return undefined;
    const page = readReport(await client.read(`/stats/${encodeURIComponent(metric)}`, signal));
    if (page?.histograms === undefined) return undefined;
    const before = buckets;
    buckets = bucketsOf(page.histograms);
    return latencyBetween(metric, before, buckets);
  }

  return {
    async poll(wanted, signal) {
      const startedAt = clock.monotonic();
      const outline = readOutline(await client.read("/", signal));
      if (outline === undefined) {
        throw new MetaError("this is no meta app: its first page says something else");
      }
      const there = outline.reports.map(({ id }) => id);
      const ids = [...new Set([...OVERVIEW, ...wanted])].filter((id) => there.includes(id));
      const pages = await Promise.all(ids.map((id) => client.read(`/${encodeURIComponent(id)}`, signal)));
      const reports = pages.map(readReport).filter((report) => report !== undefined);
      const latency = await readLatency(reports.find(({ id }) => id === "stats"), signal);
      return {
        at: clock.now(),
        tookMs: clock.monotonic() - startedAt,
        outline,
        reports: new Map(reports.map((report) => [report.id, report])),
        ...(latency !== undefined && { latency }),
      };
    },
  };
}
