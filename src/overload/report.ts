/**
 * What a person should know of overload: the limit, who waits, who was refused and why, and what is wrong.
 *
 * @module
 */

import type { Fact, Report, ReportTable, Series } from "../report.ts";
import { overloadFindings } from "./findings.ts";
import type { ShedderSnapshot } from "./shedder.ts";

/** Makes the report of a shedder. */
export function overloadReport(snapshot: ShedderSnapshot): Report {
  return {
    id: "overload",
    title: "Overload",
    summary: summary(snapshot),
    facts: facts(snapshot),
    machines: [{
      id: "requests",
      title: "Requests",
      states: [
        { state: "running", count: snapshot.inFlight, tone: "good" },
        { state: "waiting", count: snapshot.waiting, tone: snapshot.overloaded ? "bad" : "neutral" },
      ],
    }],
    series: series(snapshot),
    tables: [refusalTable(snapshot), priorityTable(snapshot), clientTable(snapshot)],
    findings: overloadFindings(snapshot),
  };
}

function summary(snapshot: ShedderSnapshot): string {
  const { overloaded, inFlight, limit, waiting, refusedLately } = snapshot;
  const state = overloaded ? "overloaded" : "calm";
  return `${state}: ${inFlight} of ${limit.limit} running, ${waiting} waiting, ${refusedLately} refused in the last minute`;
}

function facts(snapshot: ShedderSnapshot): Fact[] {
  const { limit, inFlight, waiting, oldestAgeMs, overloaded, overloadedAt, waitedMs, exempt } = snapshot;
  return [
    {
      label: "State",
      value: {
        kind: "state",
        state: overloaded ? "overloaded" : "calm",
        tone: overloaded ? "bad" : "good",
      },
      hint: "overloaded: more comes than is served, so the newest is served first",
    },
    {
      label: "Last overloaded",
      value: overloadedAt === null ? "never" : { kind: "time", at: overloadedAt },
    },
    {
      label: "Limit",
      value: limit.limit,
      hint: `may run at a time; adapts to latency, from ${limit.min} to ${limit.max}`,
    },
    { label: "Running", value: inFlight },
    { label: "Waiting", value: waiting },
    { label: "Oldest waits", value: { kind: "duration", ms: oldestAgeMs } },
    { label: "Wait of those let in later, median", value: duration(waitedMs.p50) },
    { label: "Wait of those let in later, p99", value: duration(waitedMs.p99) },
    {
      label: "Latency, median",
      value: duration(limit.latencyMs),
      hint: "of the last window that was measured",
    },
    { label: "Latency without load", value: duration(limit.baselineMs), hint: "the baseline of the limit" },
    { label: "Exempt", value: exempt, hint: "never refused: health, the meta app" },
  ];
}

function series({ series }: ShedderSnapshot): Series[] {
  const all: readonly (Omit<Series, "unit">)[] = [
    { id: "limit", title: "Limit", points: series.limit },
    { id: "in-flight", title: "Running, the most of each second", points: series.inFlight },
    { id: "waiting", title: "Waiting, the most of each second", points: series.waiting },
    { id: "refused", title: "Refused, each second", points: series.refused },
  ];
  return all.filter(({ points }) => points.length > 0).map((one) => ({ ...one, unit: "1" }));
}

function refusalTable({ refused }: ShedderSnapshot): ReportTable {
  return {
    id: "refusals",
    title: "Refusals",
    columns: ["Reason", "Priority", "Count"],
    rows: refused.map(({ reason, priority, count }) => [reason, priority, count]),
    empty: "Nothing has been refused.",
  };
}

function priorityTable({ admitted, refused }: ShedderSnapshot): ReportTable {
  return {
    id: "priorities",
    title: "By priority",
    columns: ["Priority", "Let in", "Refused", "Share refused"],
    rows: admitted.map(({ priority, count }) => {
      const no = refused.filter((one) => one.priority === priority).reduce((sum, one) => sum + one.count, 0);
      return [priority, count, no, no === 0 ? null : { kind: "ratio", ratio: no / (no + count) }];
    }),
    empty: "Nothing has been asked for.",
  };
}

function clientTable({ clients }: ShedderSnapshot): ReportTable {
  return {
    id: "clients",
    title: "Clients that ask most",
    columns: ["Client", "Asked", "Refused"],
    rows: clients.map(({ client, asked, refused }) => [client, asked, refused]),
    empty: "Clients are not told apart: see the option client.",
  };
}

function duration(ms: number | null): Fact["value"] {
  return ms === null ? null : { kind: "duration", ms };
}
