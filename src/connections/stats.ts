/**
 * What a connection manager counts. Each phase is timed by its log record, as `connect.tcp`, `connect.tls`, `connect.acquire`;
 * the rest is read off the endpoints when somebody looks.
 *
 * @module
 */

import type { Stats } from "../stats/mod.ts";
import type { RetryBudget } from "./budget.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Pool } from "./pool.ts";

/** What is observed. */
export interface Observed {
  readonly all: () => Iterable<Endpoint>;
  readonly pool: Pool;
  readonly budget: RetryBudget;
}

/** Registers the statistics. Returns what takes them out of the registry. */
export function observeConnections(stats: Stats, { all, pool, budget }: Observed): () => void {
  const total = (read: (endpoint: Endpoint) => number) => () => {
    let sum = 0;
    for (const endpoint of all()) sum += read(endpoint);
    return sum;
  };
  const gauge = (name: string, help: string, read: () => number) =>
    stats.observe(`connections.${name}`, { kind: "gauge", help }, read);
  const counter = (name: string, help: string, read: () => number) =>
    stats.observe(`connections.${name}`, { kind: "counter", help }, read);
  const observed = [
    gauge("open", "Connections open or being opened", () => pool.open),
    gauge("waiting", "Callers waiting for a connection", total(({ waiters }) => waiters.size)),
    counter("connects", "Calls for a connection", total(({ counts }) => counts.connects)),
    counter("reused", "Calls served by a pooled connection", total(({ counts }) => counts.reused)),
    counter("failed", "Calls that failed at every address", total(({ counts }) => counts.failed)),
    counter(
      "exhausted",
      "Calls that found no connection free",
      total(({ counts }) => counts.outOfConnections),
    ),
    counter("fallbacks", "Times that the next tier was tried", total(({ counts }) => counts.fallbacks)),
    counter("retries.granted", "Tries beyond the first", () => budget.snapshot().granted),
    counter("retries.refused", "Tries that the budget refused", () => budget.snapshot().refused),
    counter("leaked", "Leases lost to the garbage collector", () => pool.leaks.lost),
  ];
  return () => observed.forEach((remove) => remove());
}
