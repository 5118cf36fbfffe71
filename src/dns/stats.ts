/**
 * What a cache counts. Each query is timed by its log record, as `dns.query`; the rest is here.
 *
 * @module
 */

import type { Counter, Stats } from "../stats/mod.ts";
import type { Keeper } from "./keeper.ts";

/** The counters that callers' own paths add to. */
export interface DnsStats {
  readonly waited: Counter;
  readonly failed: Counter;
  /** Takes the observed metrics out of the registry. */
  dispose(): void;
}

/** Registers the statistics of a cache. Those of the hot path are read off the names when somebody looks. */
export function createDnsStats(stats: Stats, keeper: Keeper): DnsStats {
  const { names, served, look } = keeper.table;
  const fromHeld = (state: "fresh" | "stale") => () => {
    for (const name of names.values()) look(name);
    return served[state];
  };
  const observed = [
    stats.observe("dns.names", { kind: "gauge", help: "Names held" }, () => names.size),
    stats.observe(
      "dns.refreshes.waiting",
      { kind: "gauge", help: "Refreshes waiting for their turn" },
      () => keeper.refreshesWaiting,
    ),
    stats.observe(
      "dns.served.fresh",
      { kind: "counter", help: "Calls answered at once, fresh" },
      fromHeld("fresh"),
    ),
    stats.observe(
      "dns.served.stale",
      { kind: "counter", help: "Calls answered at once, stale" },
      fromHeld("stale"),
    ),
  ];
  return {
    waited: stats.counter("dns.resolve.waited", { help: "Calls that waited for a query" }),
    failed: stats.counter("dns.resolve.failed", { help: "Calls that ended in an error" }),
    dispose: () => observed.forEach((remove) => remove()),
  };
}
