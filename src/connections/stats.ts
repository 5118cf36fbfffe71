/**
 * What a connection manager counts. Each phase is timed by its log record, as `connect.tcp`, `connect.tls`, `connect.acquire`;
 * the rest is read off the endpoints when somebody looks.
 *
 * @module
 */

import type { Distribution, Stats } from "../stats/mod.ts";
import type { RetryBudget } from "./budget.ts";
import type { ConnectionState } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Pool } from "./pool.ts";

/** What is observed. */
export interface Observed {
  readonly all: () => Iterable<Endpoint>;
  readonly pool: () => Pool;
  readonly budget: RetryBudget;
}

/** What observing gives. */
export interface Observation {
  /** Takes the statistics out of the registry. */
  dispose(): void;
  /** Counts how long a connection was in use: of those that are sampled. */
  onUsed(endpoint: string, inUseMs: number): void;
}

/** Registers the statistics. */
export function observeConnections(stats: Stats, { all, pool, budget }: Observed): Observation {
  const total = (read: (endpoint: Endpoint) => number) => () => {
    let sum = 0;
    for (const endpoint of all()) sum += read(endpoint);
    return sum;
  };
  const gauge = (name: string, help: string, read: () => number) =>
    stats.observe(`connections.${name}`, { kind: "gauge", help }, read);
  const counter = (name: string, help: string, read: () => number) =>
    stats.observe(`connections.${name}`, { kind: "counter", help }, read);
  const inState = (state: ConnectionState) => {
    const options = { kind: "gauge", help: "Connections by state", labels: { state } } as const;
    return stats.observe("connections.states", options, () => countState(all(), state));
  };
  const observed = [
    gauge("open", "Connections open or being opened", () => pool().open),
    ...(["connecting", "handshaking", "in use", "pooled"] as const).map((state) => inState(state)),
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
    counter("leaked", "Leases lost to the garbage collector", () => pool().leaks.lost),
  ];
  const used = new Map<string, Distribution>();
  return {
    dispose: () => observed.forEach((remove) => remove()),
    onUsed(endpoint, inUseMs) {
      let distribution = used.get(endpoint);
      if (distribution === undefined) {
        const help = "How long leases are held, of those that are sampled";
        distribution = stats.distribution("connections.in_use", { help, labels: { endpoint } });
        if (used.size >= MAX_ENDPOINTS) used.clear();
        used.set(endpoint, distribution);
      }
      distribution.add(inUseMs);
    },
  };
}

/** Distributions at hand: the registry has a bound of its own. */
const MAX_ENDPOINTS = 1_000;

function countState(endpoints: Iterable<Endpoint>, state: ConnectionState): number {
  let count = 0;
  for (const { backends } of endpoints) {
    for (const { connections } of backends.values()) {
      for (const connection of connections) if (connection.state === state) count++;
    }
  }
  return count;
}
