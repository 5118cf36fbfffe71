/**
 * What a person should know of a cache: its names, the trouble first, its servers, and what is wrong.
 *
 * @module
 */

import type { Cell, Fact, Report, ReportTable, StateMachine } from "../report.ts";
import { failingFindings, isDown, serverFindings, span, staleFindings } from "./findings.ts";
import { isMissing, type State, stateOf, STATES, toneOf } from "./name_state.ts";
import type { DnsSnapshot, NameSnapshot, RecordSnapshot, ServerSnapshot } from "./snapshot.ts";

/** Rows shown of a large cache: those with trouble come first. */
const MAX_ROWS = 500;
/** Episodes of a record's history shown. */
const MAX_EPISODES = 3;

type ByState = ReadonlyMap<State, NameSnapshot[]>;

/** Makes the report of a cache. */
export function dnsReport(snapshot: DnsSnapshot): Report {
  const byState = groupByState(snapshot.names);
  return {
    id: "dns",
    title: "DNS",
    summary: summary(snapshot, byState),
    facts: facts(snapshot),
    series: [{ id: "queries", title: "Recent queries", unit: "ms", points: snapshot.recentQueries }],
    machines: [states(byState)],
    tables: [nameTable(snapshot, byState), serverTable(snapshot), hostsTable(snapshot)],
    actions: [{ id: "refresh", label: "Look up now", fields: [{ name: "name", label: "Name" }] }],
    findings: [...serverFindings(snapshot), ...staleFindings(snapshot), ...failingFindings(snapshot)],
  };
}

function groupByState(names: readonly NameSnapshot[]): ByState {
  const groups = new Map<State, NameSnapshot[]>(STATES.map(({ state }) => [state, []]));
  for (const name of names) groups.get(stateOf(name))!.push(name);
  return groups;
}

function summary({ names }: DnsSnapshot, byState: ByState): string {
  const count = (state: State) => `${byState.get(state)!.length} ${state}`;
  const parts = [`${names.length} names`, count("fresh"), count("stale")];
  if (byState.get("failed")!.length > 0) parts.push(count("failed"));
  return parts.join(", ");
}

function facts({ resolver, names, maxNames, refreshMs, maxStaleMs, served, lookups }: DnsSnapshot): Fact[] {
  return [
    { label: "Resolver", value: resolver },
    { label: "Names held", value: names.length, hint: `at most ${maxNames}` },
    { label: "Fresh for", value: { kind: "duration", ms: refreshMs }, hint: "where no TTL is known" },
    { label: "Served stale for", value: { kind: "duration", ms: maxStaleMs }, hint: "after that" },
    { label: "Answered at once, fresh", value: served.fresh },
    { label: "Answered at once, stale", value: served.stale },
    { label: "Answered at once, fixed", value: served.fixed, hint: "hosts table and addresses" },
    { label: "Lookups under way", value: lookups },
  ];
}

function states(byState: ByState): StateMachine {
  const counts = STATES.map(({ state, tone }) => ({ state, tone, count: byState.get(state)!.length }));
  return { id: "names", title: "Names by state", states: counts.reverse() };
}

function nameTable({ names }: DnsSnapshot, byState: ByState): ReportTable {
  // Sorted group by group, and no group of which few would be shown: there may be ten thousand names.
  const shown: NameSnapshot[] = [];
  for (const { state } of STATES) {
    const group = byState.get(state)!;
    if (group.length <= MAX_ROWS) group.sort((a, b) => (a.name < b.name ? -1 : 1));
    shown.push(...group.slice(0, MAX_ROWS - shown.length));
  }
  return {
    id: "names",
    title: "Names",
    columns: [
      "Name",
      "State",
      "Addresses",
      "Age",
      "Next lookup in",
      "Hits",
      "Last lookup",
      "Took",
      "Last error",
      "History",
    ],
    rows: shown.map(nameRow),
    omitted: names.length - shown.length,
    empty: "No name has been asked for yet.",
  };
}

function nameRow(name: NameSnapshot): Cell[] {
  const { records } = name;
  const state = stateOf(name);
  const ages = records.flatMap(({ ageMs }) => ageMs ?? []);
  const refreshes = records.flatMap(({ refreshInMs }) => refreshInMs ?? []);
  const last = records.flatMap(({ lastAttempt }) => lastAttempt ?? []).sort((a, b) => b.at - a.at)[0];
  return [
    { kind: "details", key: name.name },
    { kind: "state", state, tone: toneOf(state) },
    { kind: "list", items: records.flatMap(({ addresses }) => addresses) },
    ages.length > 0 ? { kind: "duration", ms: Math.max(...ages) } : null,
    refreshes.length > 0 ? { kind: "duration", ms: Math.min(...refreshes) } : null,
    name.hits,
    last ? { kind: "time", at: last.at } : null,
    last ? { kind: "duration", ms: last.tookMs } : null,
    records.find((record) => isTrouble(name, record))?.lastFailure ?? null,
    { kind: "list", items: records.filter((record) => !isMissing(name, record)).flatMap(historyText) },
  ];
}

function isTrouble(name: NameSnapshot, record: RecordSnapshot): boolean {
  return record.failures > 0 && !isMissing(name, record);
}

function historyText({ type, history }: RecordSnapshot): string[] {
  return history.slice(-MAX_EPISODES).reverse().map(({ outcome, from, to, times }) =>
    `${type} ${outcome}${times > 1 ? ` ×${times} in ${span(to - from)}` : ""}`
  );
}

function serverTable({ servers }: DnsSnapshot): ReportTable {
  return {
    id: "servers",
    title: "Name servers",
    columns: ["Server", "State", "Queries", "Failures", "Failing since", "Last failure"],
    rows: servers.map((server) => [
      server.server,
      serverState(server),
      server.queries,
      server.failures,
      server.failingSince === undefined ? null : { kind: "time", at: server.failingSince },
      server.lastFailure ?? null,
    ]),
    empty: "There is no name server.",
  };
}

function serverState(server: ServerSnapshot): Cell {
  if (server.queries === 0) return { kind: "state", state: "not asked yet", tone: "neutral" };
  if (server.consecutiveFailures === 0) return { kind: "state", state: "up", tone: "good" };
  if (!isDown(server)) return { kind: "state", state: "shaky", tone: "warning" };
  return { kind: "state", state: server.silent ? "silent" : "failing", tone: "bad" };
}

function hostsTable({ hosts }: DnsSnapshot): ReportTable {
  return {
    id: "hosts",
    title: "Hosts table",
    columns: ["Name", "Addresses"],
    rows: hosts.slice(0, MAX_ROWS).map(({ name, addresses }) => [name, { kind: "list", items: addresses }]),
    omitted: Math.max(0, hosts.length - MAX_ROWS),
    empty: "No name is fixed.",
  };
}
