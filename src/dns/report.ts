/**
 * What a person should know of a cache: its names, the trouble first, its servers, and what is wrong.
 *
 * @module
 */

import type { Cell, Fact, Finding, Report, ReportTable, StateMachine, Tone } from "../report.ts";
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
type ByState = ReadonlyMap<State, NameSnapshot[]>;

/** The states, the worst first. */
const STATES: readonly { readonly state: State; readonly tone: Tone }[] = [
  { state: "failed", tone: "bad" },
  { state: "stale", tone: "warning" },
  { state: "nonexistent", tone: "warning" },
  { state: "unresolved", tone: "neutral" },
  { state: "empty", tone: "neutral" },
  { state: "fresh", tone: "good" },
];

function toneOf(state: State): Tone {
  return STATES.find((known) => known.state === state)!.tone;
}

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

/** The state that matters most to who asks for a name: what is held, before what is missing. */
export function stateOf({ records }: NameSnapshot): State {
  for (const state of ["stale", "fresh", "nonexistent", "failed", "unresolved", "empty"] as const) {
    if (records.some((record) => record.state === state)) return state;
  }
  return "unresolved";
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
    name.name,
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

function serverState(server: ServerSnapshot): Cell {
  if (server.queries === 0) return { kind: "state", state: "not asked yet", tone: "neutral" };
  if (server.consecutiveFailures === 0) return { kind: "state", state: "up", tone: "good" };
  if (!isDown(server)) return { kind: "state", state: "shaky", tone: "warning" };
  return { kind: "state", state: server.silent ? "silent" : "failing", tone: "bad" };
}

/** Failures in a row, and not of one name alone if it answers: that may be the name's own trouble. */
function isDown({ consecutiveFailures, silent, failingNames }: ServerSnapshot): boolean {
  return consecutiveFailures >= SERVER_FAILURES && (silent || failingNames > 1);
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
  const down = servers.filter(isDown);
  const all = down.length === servers.length;
  return down.map(({ server, silent, consecutiveFailures, lastFailure, failingSince }) => ({
    id: `dns-server-down-${server}`,
    severity: all ? "critical" : "warning",
    title: `${all ? "No name server is of use" : "A name server is of no use"}: ${server} is ${
      silent ? "silent" : "failing"
    }`,
    evidence: `Its last ${consecutiveFailures} queries failed: ${lastFailure ?? "no reason was given"}.`,
    likelyCause: silent
      ? "The server is stopped, overloaded or cut off."
      : "The server cannot reach its own sources, or refuses this client.",
    remedy: all
      ? "Repair it, or give other servers. Names held are served meanwhile, for as long as maxStaleMs allows."
      : "Repair or remove it. The other servers are asked meanwhile.",
    since: failingSince,
  }));
}

function staleFindings({ names, refreshMs, at }: DnsSnapshot): Finding[] {
  const old = names.flatMap(({ name, records }) =>
    records.flatMap((record) => (record.staleForMs ?? 0) >= refreshMs ? [{ name, record }] : [])
  );
  if (old.length === 0) return [];
  const oldest = old.reduce((a, b) => a.record.staleForMs! >= b.record.staleForMs! ? a : b);
  const left = Math.min(...old.map(({ record }) => record.expiresInMs ?? Infinity));
  return [{
    id: "dns-stale-for-long",
    severity: "warning",
    title: `${
      plural(new Set(old.map(({ name }) => name)).size, "name is", "names are")
    } served from old answers`,
    evidence: `${oldest.name} was last confirmed ${span(oldest.record.ageMs ?? 0)} ago; ` +
      `its last lookup: ${oldest.record.lastFailure ?? "under way"}. The first answer is given up in ${
        span(left)
      }.`,
    likelyCause: "Name servers do not answer, or fail for these names.",
    remedy:
      "Repair DNS. Until then requests go to the addresses known; a replica that moves will not be noticed.",
    since: Math.round(at - oldest.record.staleForMs!),
  }];
}

/**
 * Names without an answer: a fault where they are to be kept warm. Others may be anything that somebody typed, and are only
 * told of.
 */
function failingFindings({ names }: DnsSnapshot): Finding[] {
  const failing = names.filter(({ records }) =>
    records.every(({ addresses }) => addresses.length === 0) &&
    records.some(({ failures, state }) => failures > 0 || state === "nonexistent")
  );
  const wanted = failing.filter(({ pinned }) => pinned);
  const others = failing.filter((name) => !name.pinned && stateOf(name) === "failed");
  return [
    ...(wanted.length === 0 ? [] : [
      {
        id: "dns-preresolved-names-failing",
        severity: "critical",
        title: `${
          plural(wanted.length, "preresolved name does", "preresolved names do")
        } not resolve, and nothing is held`,
        evidence: evidenceOf(wanted),
        likelyCause: "The names are misspelt or gone, or their name servers fail.",
        remedy:
          "Check spelling and name servers; they are tried again meanwhile. `hosts` gives a name addresses without DNS.",
      } as const,
    ]),
    ...(others.length === 0 ? [] : [
      {
        id: "dns-names-failing",
        severity: "info",
        title: `${plural(others.length, "name does", "names do")} not resolve, and nothing is held`,
        evidence: evidenceOf(others),
        likelyCause: "Somebody asks for names that are misspelt or gone, or whose name servers fail.",
        remedy: "Names that must resolve belong into `preresolve`, so that they are held when DNS fails.",
      } as const,
    ]),
  ];
}

function evidenceOf(names: readonly NameSnapshot[]): string {
  const listed = names.slice(0, MAX_LISTED).map(({ name, records }) => {
    const reason = records.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
    return `${name} (${reason ?? "it does not exist"})`;
  });
  return `${listed.join(", ")}${names.length > MAX_LISTED ? ", ..." : ""}.`;
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
