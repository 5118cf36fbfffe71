/** What a set of servers says of itself, for people. */

import type { Fact, Report, ReportTable } from "../report.ts";
import { serverFindings } from "./server_findings.ts";
import type { ListenerSnapshot, ServerSetSnapshot } from "./server_snapshot.ts";

/** The report of a snapshot. */
export function serverReport(snapshot: ServerSetSnapshot): Report {
  const { listeners, state } = snapshot;
  const sum = (read: (listener: ListenerSnapshot) => number) =>
    listeners.reduce((total, listener) => total + read(listener), 0);
  const facts: Fact[] = [
    { label: "State", value: state },
    { label: "Connections open", value: sum(({ open }) => open) },
    { label: "Connections waiting", value: sum(({ waiting }) => waiting) },
    { label: "Requests in flight", value: sum(({ inFlight }) => inFlight) },
    { label: "Requests served", value: sum(({ requests }) => requests) },
    { label: "Refused", value: sum(refusedIn) },
  ];
  const tables = [listenersTable(listeners), refusalsTable(listeners), clientsTable(listeners)];
  return {
    id: "servers",
    title: "Servers",
    summary: `${listeners.length} ${listeners.length === 1 ? "listener" : "listeners"}, ${state}`,
    facts,
    tables: listeners.some(({ tls }) => tls) ? [...tables, certificatesTable(listeners)] : tables,
    findings: serverFindings(snapshot),
  };
}

function refusedIn({ refused }: ListenerSnapshot): number {
  return refused.reduce((total, { count }) => total + count, 0);
}

function listenersTable(listeners: readonly ListenerSnapshot[]): ReportTable {
  return {
    id: "listeners",
    title: "Listeners",
    columns: [
      "Listener",
      "Address",
      "Open",
      "Most",
      "Limit",
      "Waiting",
      "Idle",
      "In flight",
      "Requests",
      "Errors",
    ],
    rows: listeners.map((listener) => [
      listener.name,
      listener.url,
      listener.open,
      listener.peak,
      listener.limits.maxConnections,
      listener.waiting,
      listener.phases.idle ?? 0,
      listener.inFlight,
      listener.requests,
      listener.errors,
    ]),
    empty: "There is no listener.",
  };
}

function refusalsTable(listeners: readonly ListenerSnapshot[]): ReportTable {
  const rows = listeners.flatMap(({ name, refused }) =>
    refused.map(({ reason, count, lastAt }) => [name, reason, count, { kind: "time", at: lastAt }] as const)
  );
  return {
    id: "refused",
    title: "Refused or cut",
    columns: ["Listener", "Limit", "Times", "Last"],
    rows,
    empty: "Nothing was refused.",
  };
}

function clientsTable(listeners: readonly ListenerSnapshot[]): ReportTable {
  const rows = listeners.flatMap(({ name, topClients }) =>
    topClients.map(({ address, connections }) => [name, address, connections])
  );
  const all = listeners.reduce((total, { clients }) => total + clients, 0);
  return {
    id: "clients",
    title: "Clients with the most connections",
    columns: ["Listener", "Address", "Connections"],
    rows,
    empty: "Nobody is connected.",
    omitted: all - rows.length,
  };
}

function certificatesTable(listeners: readonly ListenerSnapshot[]): ReportTable {
  const rows = listeners.flatMap(({ name, tls }) =>
    tls === undefined ? [] : [[
      name,
      tls.subject,
      tls.names,
      { kind: "time", at: tls.expiresAt } as const,
      { kind: "time", at: tls.loadedAt } as const,
      tls.refused?.reason ?? null,
    ]]
  );
  return {
    id: "certificates",
    title: "Certificates",
    columns: ["Listener", "Subject", "Names", "Valid until", "Read", "Refused since"],
    rows,
    empty: "There is no certificate.",
  };
}
