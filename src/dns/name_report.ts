/**
 * What a person should know of one name: both its records, what their lookups came to, and what is wrong.
 *
 * @module
 */

import type { Cell, Fact, Report, ReportTable } from "../report.ts";
import { failingFindings, staleFindings } from "./findings.ts";
import { isMissing, stateOf, toneOf } from "./name_state.ts";
import type { DnsSnapshot, NameSnapshot, RecordSnapshot } from "./snapshot.ts";

/** Makes the report of the one name that a snapshot holds. */
export function nameReport(snapshot: DnsSnapshot): Report {
  const name = snapshot.names[0]!;
  return {
    id: "dns",
    title: name.name,
    summary: summary(name),
    facts: facts(name),
    series: [{ id: "queries", title: "Recent queries", unit: "ms", points: snapshot.recentQueries }],
    tables: [recordTable(name), historyTable(name)],
    actions: [{
      id: "refresh",
      label: "Look up now",
      fields: [{ name: "name", label: "Name", value: name.name }],
    }],
    findings: [...staleFindings(snapshot), ...failingFindings(snapshot)],
  };
}

function summary(name: NameSnapshot): string {
  const addresses = name.records.flatMap((record) => record.addresses);
  const held = addresses.length === 0 ? "nothing held" : addresses.join(", ");
  return `${stateOf(name)}: ${held}`;
}

function facts({ hits, pinned, records }: NameSnapshot): Fact[] {
  return [
    { label: "Answered at once", value: hits, hint: "lookups of it" },
    { label: "Kept warm", value: pinned, hint: pinned ? "preresolved" : "while somebody asks for it" },
    ...records.flatMap(({ type, expiresInMs }): Fact[] =>
      expiresInMs === undefined
        ? []
        : [{ label: `${type} is given up in`, value: duration(expiresInMs), hint: "unless DNS recovers" }]
    ),
  ];
}

function recordTable(name: NameSnapshot): ReportTable {
  return {
    id: "records",
    title: "Records",
    columns: [
      "Record",
      "State",
      "Addresses",
      "Age",
      "Next lookup in",
      "Failures",
      "Last lookup",
      "Took",
      "Server",
      "Last error",
    ],
    rows: name.records.map((record) => recordRow(record, isMissing(name, record))),
    empty: "It is being looked up for the first time.",
  };
}

/** Red is for what hurts: not for the record that a name never had. */
function recordRow(record: RecordSnapshot, missing: boolean): Cell[] {
  const { type, state, addresses, lastAttempt: last } = record;
  return [
    type,
    { kind: "state", state, tone: missing ? "neutral" : toneOf(state) },
    { kind: "list", items: addresses },
    duration(record.ageMs),
    duration(record.refreshInMs),
    record.failures,
    last ? { kind: "time", at: last.at } : null,
    duration(last?.tookMs),
    last?.server ?? null,
    record.lastFailure ?? null,
  ];
}

function duration(ms: number | undefined): Cell {
  return ms === undefined ? null : { kind: "duration", ms };
}

/** The episodes of both records, the newest first. */
function historyTable({ records }: NameSnapshot): ReportTable {
  const episodes = records.flatMap(({ type, history }) => history.map((episode) => ({ type, ...episode })));
  return {
    id: "history",
    title: "History",
    columns: ["Record", "Outcome", "Lookups", "First", "Last", "Over"],
    rows: episodes.sort((a, b) => b.to - a.to).map(({ type, outcome, times, from, to }) => [
      type,
      outcome,
      times,
      { kind: "time", at: from },
      { kind: "time", at: to },
      duration(to - from),
    ]),
    empty: "No lookup has ended yet.",
  };
}
