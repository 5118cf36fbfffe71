/**
 * The hosts table: names whose addresses are given, never queried.
 *
 * @module
 */

import type { RecordType } from "../platform/port.ts";
import { difference, type DnsEvent } from "./events.ts";
import { normalizeName } from "./name.ts";
import { type Address, type Answers, createView } from "./names.ts";
import { literals } from "./resolver.ts";

/** Names and their addresses. */
export type HostsTable = Readonly<Record<string, readonly string[]>>;

/** RFC 6761, 6.3: never to be queried. */
const LOCALHOST: HostsTable = { localhost: ["127.0.0.1", "::1"] };

/** What the names of a table answer. `localhost` is always among them. */
export type Hosts = ReadonlyMap<string, Answers>;

/**
 * Reads a table, whole or not at all.
 *
 * @throws {TypeError} when an address is none
 * @throws {BallastError} `INVALID_NAME` when a name is none
 */
export function createHosts(table: HostsTable): Hosts {
  const hosts = new Map<string, Answers>();
  for (const [name, addresses] of Object.entries({ ...LOCALHOST, ...table })) {
    hosts.set(normalizeName(name), createAnswers(literals(name, addresses)));
  }
  return hosts;
}

/** What a name with these addresses answers. */
export function createAnswers(addresses: readonly Omit<Address, "stale">[]): Answers {
  const own = addresses.map(({ address, family }) => ({ address, family, stale: false }));
  const of = (family: 4 | 6) => own.filter((address) => address.family === family);
  return { any: createView([...of(4), ...of(6)]), v4: createView(of(4)), v6: createView(of(6)), hits: 0 };
}

/** The answers for a name: its own, or those of `localhost` for the names below it (RFC 6761). */
export function findHost(hosts: Hosts, name: string): Answers | undefined {
  return hosts.get(name) ?? (name.endsWith(".localhost") ? hosts.get("localhost") : undefined);
}

/** What replacing one table by another changes, for those who hold connections to the old addresses. */
export function hostsChanges(
  before: Hosts,
  after: Hosts,
  cached: (name: string) => Answers | undefined,
): Extract<DnsEvent, { type: "changed" }>[] {
  const changes: Extract<DnsEvent, { type: "changed" }>[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name) ?? cached(name);
    for (const record of ["A", "AAAA"] as const) {
      const addresses = addressesOf(after.get(name), record);
      const change = difference(addressesOf(old, record), addresses);
      if (change) changes.push({ type: "changed", name, record, addresses, ...change });
    }
  }
  return changes;
}

function addressesOf(answers: Answers | undefined, record: RecordType): string[] {
  const view = record === "A" ? answers?.v4 : answers?.v6;
  return (view?.addresses ?? []).map(({ address }) => address);
}
