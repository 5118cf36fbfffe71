/**
 * What a person should know of a cache: its names, the trouble first, its servers, and what is wrong.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable, StateMachine, Tone } from "../report.ts";
import type { DnsSnapshot, NameSnapshot, RecordSnapshot, ServerSnapshot } from "./snapshot.ts";

/** Rows shown of a large cache: those with trouble come first. */
const MAX_ROWS = 500;
/** Names listed in a finding. */
const MAX_LISTED = 5;
/** Episodes of a record's history shown. */
const MAX_EPISODES = 3;
/** Consecutive failures after which a server is reported. */
const SERVER_FAILURES = 3;

type State = RecordSnapshot["state"];

const STATES: Readonly<Record<State, { readonly tone: Tone; readonly rank: number }>> = {
  failed: { tone: "bad", rank: 0 },
  stale: { tone: "warning", rank: 1 },
  nonexistent: { tone: "warning", rank: 2 },
  unresolved: { tone: "neutral", rank: 3 },
  empty: { tone: "neutral", rank: 4 },
  fresh: { tone: "good", rank: 5 },
};

/** Makes the report of a cache. */
export function dnsReport(snapshot: DnsSnapshot): Report {
  const findings = [...serverFindings(snapshot), ...staleFindings(snapshot), ...failingFindings(snapshot)];
  return {
    id: "dns",
    title: "DNS",
    summary: summary(snapshot),
    facts: [
      { label: "Resolver", value: snapshot.resolver },
      { label: "Names held", value: snapshot.names.length, hint: `at most ${snapshot.maxNames}` },
      {
        label: "Fresh for",
        value: { kind: "duration", ms: snapshot.refreshMs },
        hint: "where no TTL is known",
      },
      { label: "Served stale for", value: { kind: "duration", ms: snapshot.maxStaleMs }, hint: "after that" },
      { label: "Answered at once, fresh", value: snapshot.served.fresh },
      { label: "Answered at once, stale", value: snapshot.served.stale },
      { label: "Lookups under way", value: snapshot.lookups },
    ],
    machines: [states(snapshot)],
    series: [{ id: "queries", title: "Recent queries", unit: "ms", points: snapshot.recentQueries }],
    tables: [nameTable(snapshot), serverTable(snapshot), hostsTable(snapshot)],
    actions: [{ id: "refresh", label: "Look up now", fields: [{ name: "name", label: "Name" }] }],
    findings,
  };
}

/** The state that matters most to who asks for a name: what is held, before what is missing. */
export function stateOf({ records }: NameSnapshot): State {
  const states = records.map((record) => record.state);
  for (const state of ["stale", "fresh", "nonexistent", "failed", "unresolved", "empty"] as const) {
    if (states.includes(state)) return state;
  }
  return "unresolved";
}

function summary(snapshot: DnsSnapshot): string {
  const count = (state: State) => snapshot.names.filter((name) => stateOf(name) === state).length;
  const parts = [`${snapshot.names.length} names`, `${count("fresh")} fresh`, `${count("stale")} stale`];
  const failing = count("failed");
  if (failing > 0) parts.push(`${failing} failing`);
  return parts.join(", ");
}

function states(snapshot: DnsSnapshot): StateMachine {
  const counts = new Map<State, number>();
  for (const name of snapshot.names) counts.set(stateOf(name), (counts.get(stateOf(name)) ?? 0) + 1);
  const list = Object.entries(STATES).map(([state, { tone }]) => ({
    state,
    tone,
    count: counts.get(state as State) ?? 0,
  }));
  return { id: "names", title: "Names by state", states: list.reverse() };
}

function nameTable(snapshot: DnsSnapshot): ReportTable {
  const byTrouble = [...snapshot.names].sort((a, b) =>
    STATES[stateOf(a)].rank - STATES[stateOf(b)].rank || (a.name < b.name ? -1 : 1)
  );
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
    rows: byTrouble.slice(0, MAX_ROWS).map(nameRow),
    omitted: Math.max(0, byTrouble.length - MAX_ROWS),
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
    name.name,
    { kind: "state", state, tone: STATES[state].tone },
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

/** A record that has nothing while the other one serves is just not there: no trouble, and no news. */
function isMissing(name: NameSnapshot, record: RecordSnapshot): boolean {
  return record.addresses.length === 0 && name.records.some(({ addresses }) => addresses.length > 0);
}

function historyText({ type, history }: RecordSnapshot): string[] {
  return history.slice(-MAX_EPISODES).reverse().map(({ outcome, from, to, times }) =>
    `${type} ${outcome}${times > 1 ? ` ${times} times in ${span(to - from)}` : ""}`
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

function serverState({ consecutiveFailures, queries }: ServerSnapshot): Cell {
  if (queries === 0) return { kind: "state", state: "not asked yet", tone: "neutral" };
  if (consecutiveFailures === 0) return { kind: "state", state: "up", tone: "good" };
  if (consecutiveFailures < SERVER_FAILURES) return { kind: "state", state: "shaky", tone: "warning" };
  return { kind: "state", state: "down", tone: "bad" };
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

function serverFindings({ servers }: DnsSnapshot): Finding[] {
  const down = servers.filter(({ consecutiveFailures }) => consecutiveFailures >= SERVER_FAILURES);
  const all = down.length === servers.length;
  return down.map((server) => ({
    id: `dns-server-down-${server.server}`,
    severity: all ? "critical" : "warning",
    title: all ? `No name server answers: ${server.server} is down` : `Name server ${server.server} is down`,
    evidence: `Its last ${server.consecutiveFailures} queries failed: ${
      server.lastFailure ?? "no reason was given"
    }.`,
    likelyCause: "The server is stopped, overloaded or cut off, or refuses this client.",
    remedy: all
      ? "Repair it, or give other servers. Names held are served meanwhile, for as long as maxStaleMs allows."
      : "Repair or remove it. The other servers are asked meanwhile.",
    since: server.failingSince,
  }));
}

function staleFindings({ names, refreshMs, at }: DnsSnapshot): Finding[] {
  const held = names.flatMap((name) =>
    name.records.flatMap((record) =>
      record.ageMs === undefined ? [] : [{ name: name.name, record, ageMs: record.ageMs }]
    )
  );
  const old = held.filter(({ record, ageMs }) => record.state === "stale" && ageMs >= 2 * refreshMs);
  if (old.length === 0) return [];
  const oldest = old.reduce((a, b) => a.ageMs >= b.ageMs ? a : b);
  const left = Math.min(...old.map(({ record }) => record.expiresInMs ?? Infinity));
  return [{
    id: "dns-stale-for-long",
    severity: "warning",
    title: `${
      plural(new Set(old.map(({ name }) => name)).size, "name is", "names are")
    } served from old answers`,
    evidence: `${oldest.name} was last confirmed ${span(oldest.ageMs)} ago; ` +
      `its last lookup: ${oldest.record.lastFailure ?? "under way"}. The first answer is given up in ${
        span(left)
      }.`,
    likelyCause: "Name servers do not answer, or fail for these names.",
    remedy:
      "Repair DNS. Until then requests go to the addresses known; a replica that moves will not be noticed.",
    since: Math.round(at - oldest.ageMs + refreshMs),
  }];
}

function failingFindings({ names }: DnsSnapshot): Finding[] {
  const failing = names.filter((name) => stateOf(name) === "failed");
  if (failing.length === 0) return [];
  const listed = failing.slice(0, MAX_LISTED).map(({ name }) => name).join(", ");
  const reason = failing[0]!.records.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
  return [{
    id: "dns-failing-names",
    severity: "critical",
    title: `${plural(failing.length, "name does", "names do")} not resolve, and nothing is held for them`,
    evidence: `${listed}${failing.length > MAX_LISTED ? ", ..." : ""}: ${reason ?? "no reason was given"}.`,
    likelyCause: "The names are misspelt or gone, or their name servers fail.",
    remedy:
      "Check the spelling and the name servers; put names that must resolve at start-up into `preresolve` or `hosts`.",
  }];
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A span of time in its largest unit that leaves two digits. */
function span(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
