/**
 * What a person should know of the connections.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable, Tone } from "../report.ts";
import type { AddressSnapshot, ConnectionsSnapshot, EndpointSnapshot } from "./snapshot.ts";
import type { TrafficEntry } from "./traffic.ts";

const TONES: Readonly<Record<string, Tone>> = {
  up: "good",
  "half-open": "warning",
  down: "bad",
  "in use": "neutral",
  pooled: "good",
  connecting: "neutral",
  handshaking: "neutral",
};

/** Renders a snapshot as a report. */
export function connectionsReport(snapshot: ConnectionsSnapshot): Report {
  const { endpoints, open, peak, maxConnections, retries } = snapshot;
  const addresses = endpoints.flatMap((endpoint) =>
    endpoint.addresses.map((address) => ({ endpoint, address }))
  );
  const inUse = addresses.reduce((sum, { address }) => sum + address.inUse, 0);
  return {
    id: "connections",
    title: "Connections",
    summary: `${endpoints.length} endpoints, ${open} connections open, ${inUse} in use`,
    findings: findings(snapshot),
    facts: [
      { label: "Open", value: open, hint: `at most ${maxConnections}; the most there were: ${peak}` },
      { label: "In use", value: inUse },
      { label: "Waiting", value: endpoints.reduce((sum, { waiting }) => sum + waiting, 0) },
      { label: "Retries granted", value: retries.granted, hint: `${retries.refused} refused` },
      { label: "Retries available", value: retries.available },
    ],
    tables: [
      {
        id: "endpoints",
        title: "Endpoints",
        columns: [
          "Endpoint",
          "Tiers",
          "TLS",
          "Calls",
          "Reused",
          "Failed",
          "Waiting",
          "Exhausted",
          "Fallbacks",
        ],
        rows: endpoints.map((endpoint) => [
          [endpoint.name, ...endpoint.aliases].join(", "),
          endpoint.tiers,
          endpoint.tls,
          endpoint.connects,
          ratio(endpoint.reused, endpoint.connects),
          endpoint.failed,
          endpoint.waiting,
          endpoint.outOfConnections,
          endpoint.fallbacks,
        ]),
        empty: "No endpoint is configured, and no address was connected to.",
      },
      {
        id: "addresses",
        title: "Addresses",
        columns: [
          "Endpoint",
          "Tier",
          "Address",
          "Of",
          "Health",
          "Why",
          "Until",
          "Connect",
          "In use",
          "Idle",
          "Failed",
        ],
        rows: addresses.map(({ endpoint, address }) => [
          endpoint.name,
          address.tier === undefined ? "gone" : address.tier + 1,
          address.address,
          address.from,
          stateCell(address.health),
          address.reason ?? null,
          address.downUntil === undefined ? null : { kind: "time", at: address.downUntil },
          address.connectMs === undefined ? null : { kind: "duration", ms: address.connectMs },
          address.inUse,
          address.idle,
          address.failed,
        ]),
        empty: "No address is known.",
      },
      {
        id: "open",
        title: "Open connections",
        columns: ["Connection", "Endpoint", "Address", "State", "For", "Age", "Uses", "From", "Taken at"],
        rows: addresses.flatMap(({ endpoint, address }) =>
          address.connections.map((connection): Cell[] => [
            connection.number,
            endpoint.name,
            address.address,
            stateCell(connection.state),
            { kind: "duration", ms: connection.stateMs },
            { kind: "duration", ms: connection.ageMs },
            connection.uses,
            connection.localAddress,
            connection.taker ?? null,
          ])
        ),
        empty: "No connection is open.",
      },
      {
        id: "states",
        title: "Time by state",
        columns: ["State", "Now", "Time", "Share"],
        rows: snapshot.states.map(({ state, current, totalMs }) => [
          stateCell(state),
          current,
          { kind: "duration", ms: totalMs },
          ratio(totalMs, snapshot.states.reduce((sum, { totalMs }) => sum + totalMs, 0)),
        ]),
        empty: "No connection was opened yet.",
      },
      ...(snapshot.traffic === undefined ? [] : [trafficTable(snapshot.traffic)]),
    ],
    machines: [{
      id: "connection",
      title: "Connections by state",
      states: ["connecting", "handshaking", "in use", "pooled"].map((state) => ({
        state,
        tone: TONES[state]!,
        count: addresses.reduce(
          (sum, { address }) =>
            sum + address.connections.filter((connection) => connection.state === state).length,
          0,
        ),
      })),
    }],
    actions: [
      {
        id: "mark-down",
        label: "Take out of rotation",
        fields: [{ name: "what", label: "Address or endpoint" }],
      },
      { id: "mark-up", label: "Put back", fields: [{ name: "what", label: "Address or endpoint" }] },
    ],
  };
}

function trafficTable(traffic: readonly TrafficEntry[]): ReportTable {
  return {
    id: "traffic",
    title: "Last reads and writes",
    columns: ["When", "Connection", "Endpoint", "Address", "Direction", "Bytes", "Preview"],
    rows: [...traffic].reverse().map(({ at, connection, endpoint, address, direction, bytes, preview }) => [
      { kind: "time", at },
      connection,
      endpoint,
      address,
      direction,
      { kind: "bytes", bytes },
      preview ?? null,
    ]),
    empty: "Nothing was read or written yet.",
  };
}

function stateCell(state: string): Cell {
  return { kind: "state", state, tone: TONES[state] ?? "neutral" };
}

function ratio(part: number, whole: number): Cell {
  return whole === 0 ? null : { kind: "ratio", ratio: part / whole };
}

function findings(snapshot: ConnectionsSnapshot): Finding[] {
  const found: Finding[] = [];
  for (const endpoint of snapshot.endpoints) {
    const down = endpoint.addresses.filter(({ health, tier }) => health !== "up" && tier !== undefined);
    const known = endpoint.addresses.filter(({ tier }) => tier !== undefined);
    if (down.length > 0 && down.length === known.length) found.push(allDown(endpoint, down));
    else if (down.length > 0) found.push(someDown(endpoint, down));
    if (endpoint.waiting > 0 || endpoint.outOfConnections > 0) found.push(exhausted(endpoint));
  }
  if (snapshot.retries.refused > 0) {
    const { refused, granted } = snapshot.retries;
    found.push({
      id: "connections-budget-spent",
      severity: "warning",
      title: "The retry budget was spent",
      evidence: `${refused} tries beyond the first were refused, ${granted} were made.`,
      likelyCause: "So many addresses fail that trying others would only add to the load.",
      remedy: "Repair the addresses named above; raise retries.ratio only if the peers have room for it.",
    });
  }
  for (const { name, srv, addresses } of snapshot.endpoints) {
    if (srv?.reason !== undefined) found.push(srvFailed(name, srv.name, srv.reason, addresses.length));
    const held = addresses.reduce((sum, address) => sum + address.held, 0);
    if (held > 0) found.push(heldLong(name, held, addresses));
  }
  if (snapshot.leaked > 0) {
    const { endpoint, taker = "an unknown place" } = snapshot.lastLeak!;
    found.push({
      id: "connections-leaked",
      severity: "warning",
      title: `${snapshot.leaked} leases were lost`,
      evidence: `The last one, of ${endpoint}, was taken at ${taker}.`,
      likelyCause:
        "A path through that code neither releases nor closes its lease, most often when something throws.",
      remedy: "Release in a finally block, or take the lease with await using.",
    });
  }
  return found;
}

function srvFailed(name: string, srv: string, reason: string, known: number): Finding {
  return {
    id: `connections-srv-${name}`,
    severity: known > 0 ? "warning" : "critical",
    title: `The SRV records of ${name} cannot be resolved`,
    evidence: `${srv}: ${reason}.`,
    likelyCause: "The name server does not answer, or the records were removed.",
    remedy: known > 0
      ? "Repair it; the addresses known so far stay in use."
      : "Repair it: no address is known.",
  };
}

function heldLong(name: string, held: number, addresses: readonly AddressSnapshot[]): Finding {
  const now = addresses.flatMap(({ connections }) => connections).filter(({ state }) => state === "in use");
  const [longest] = now.sort((a, b) => b.stateMs - a.stateMs);
  return {
    id: `connections-held-${name}`,
    severity: "info",
    title: `${held} leases of ${name} were held for long`,
    evidence: longest === undefined
      ? "None is held now."
      : `Connection ${longest.number} has been held for ${Math.round(longest.stateMs / 1000)} s${
        longest.taker === undefined ? "" : `, taken at ${longest.taker}`
      }.`,
    likelyCause: "Work that takes long, or a path through the code that does not give its lease back.",
    remedy: "Release it sooner; raise pool.heldMs where connections are meant to be held.",
  };
}

function evidence(down: readonly AddressSnapshot[]): string {
  return down.slice(0, 3).map(({ address, reason }) => `${address}: ${reason ?? "down"}`).join("; ") + ".";
}

function allDown({ name }: EndpointSnapshot, down: readonly AddressSnapshot[]): Finding {
  return {
    id: `connections-down-${name}`,
    severity: "critical",
    title: `Every address of ${name} is out of rotation`,
    evidence: evidence(down),
    likelyCause: "The service is down, or cannot be reached from here.",
    remedy: "Repair it, or add a tier to fall back on. Meanwhile all addresses are tried for every call.",
  };
}

function someDown({ name }: EndpointSnapshot, down: readonly AddressSnapshot[]): Finding {
  const count = down.length === 1 ? "One address" : `${down.length} addresses`;
  return {
    id: `connections-marked-down-${name}`,
    severity: "warning",
    title: `${count} of ${name} ${down.length === 1 ? "is" : "are"} out of rotation`,
    evidence: evidence(down),
    likelyCause: "The replica is down, overloaded or cut off.",
    remedy: "Repair it; it is tried again by itself. The others carry its share meanwhile.",
  };
}

function exhausted({ name, waiting, outOfConnections, addresses }: EndpointSnapshot): Finding {
  const inUse = addresses.reduce((sum, address) => sum + address.inUse, 0);
  return {
    id: `connections-exhausted-${name}`,
    severity: waiting > 0 ? "critical" : "warning",
    title: `Connections to ${name} run out`,
    evidence:
      `${waiting} callers wait, ${inUse} connections are in use, ${outOfConnections} calls were refused so far.`,
    likelyCause: "The peer is slow, leases are held for long, or the limit is too low for the load.",
    remedy: "Look at how long leases are held; release them sooner, or raise pool.maxPerAddress.",
  };
}
