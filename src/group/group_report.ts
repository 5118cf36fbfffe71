/**
 * What a person should know of a group.
 *
 * @module
 */

import { durationText } from "../log/duration.ts";
import type { Cell, Fact, Finding, Report, ReportTable, StateMachine, Tone } from "../report.ts";
import type { ChildSnapshot, GroupSnapshot } from "./group_types.ts";
import type { RecycleLimits } from "./recycling.ts";

/** What the report is made of. */
export interface GroupReportOptions {
  readonly snapshot: GroupSnapshot;
  readonly recycle: RecycleLimits;
  readonly now: number;
  /** How old what a child said is. */
  readonly gatheredMsAgo: (id: number) => number | undefined;
  /** Crashes that count towards giving up. */
  readonly recentCrashes: number;
  readonly failedReplacement: { readonly at: number; readonly lastWords: string } | undefined;
  readonly heartbeatMs: number;
}

/** The report of a supervisor. */
export function groupReport(options: GroupReportOptions): Report {
  const { snapshot } = options;
  const { children } = snapshot;
  const ready = children.filter(({ state }) => state === "ready").length;
  return {
    id: "group",
    title: "Group",
    summary: `${ready} of ${children.length} children ready`,
    facts: facts(options),
    tables: [listenersTable(snapshot), childrenTable(options)],
    machines: [machine(children)],
    actions: [
      { id: "restart", label: "Restart all children, one by one", fields: [] },
      { id: "replace", label: "Replace a child", fields: [{ name: "child", label: "Child" }] },
      { id: "reload-tls", label: "Read the certificates again", fields: [] },
    ],
    findings: findings(options),
  };
}

/** The report of one process that serves by itself. */
export function singleReport(
  snapshot: GroupSnapshot,
  { maxMemoryBytes, maxAgeMs, maxRequests }: RecycleLimits,
): Report {
  const isAsked = maxMemoryBytes !== undefined || maxAgeMs !== undefined || maxRequests !== undefined;
  return {
    id: "group",
    title: "Group",
    summary: `one process, ${snapshot.state}`,
    facts: [
      { label: "State", value: snapshot.state },
      {
        label: "Recycling",
        value: "unsupported",
        hint: "a process cannot replace itself: that takes workers of 2 or more",
      },
    ],
    tables: [listenersTable(snapshot)],
    actions: [{ id: "reload-tls", label: "Read the certificates again", fields: [] }],
    findings: isAsked
      ? [{
        id: "recycling-unsupported",
        severity: "warning",
        title: "Recycling was asked for, and there are no children",
        evidence: "maxMemoryBytes, maxAgeMs or maxRequests is given, and workers is below 2",
        likelyCause: "The group is one process: workers is 0 or 1.",
        remedy: "Give workers of 2 or more; or have who starts the process restart it.",
      }]
      : [],
  };
}

/** One child on a page of its own; `parts` are its reports. */
export function childDetails(
  child: ChildSnapshot,
  series: Report["series"],
  parts: readonly { readonly title: string; readonly path: string; readonly summary: string }[],
  gatheredMsAgo: number | undefined,
): Report {
  const { vitals } = child;
  return {
    id: "group",
    title: `Child ${child.id}`,
    summary: `process ${child.pid ?? "unknown"}, ${child.state}`,
    facts: [
      { label: "State", value: stateCell(child) },
      ...(child.leavingFor === undefined ? [] : [{ label: "Is replaced for", value: child.leavingFor }]),
      { label: "Started", value: { kind: "time", at: child.startedAt } },
      { label: "Connections handed over", value: child.connections },
      { label: "Requests", value: vitals?.requests ?? null },
      { label: "In flight", value: vitals?.inFlight ?? null },
      { label: "Memory", value: bytes(vitals?.rssBytes), hint: "resident" },
      { label: "Heap", value: bytes(vitals?.heapBytes) },
      { label: "Heard of", value: { kind: "duration", ms: child.heardMsAgo }, hint: "ago" },
      { label: "Reports gathered", value: ago(gatheredMsAgo), hint: "ago: they are never waited for" },
    ],
    tables: [{
      id: "reports",
      title: "Its reports",
      columns: ["Report", "In short"],
      rows: parts.map(({ title, path, summary }): Cell[] => [{ kind: "link", text: title, path }, summary]),
      empty: "It has not said anything yet.",
    }],
    ...(series && { series }),
  };
}

function facts({ snapshot, recycle, recentCrashes }: GroupReportOptions): Fact[] {
  const { handover, replaced, crashes } = snapshot;
  const reasons = Object.entries(replaced).map(([why, count]) => `${count} for ${why}`);
  return [
    { label: "State", value: snapshot.state },
    {
      label: "Connections accepted",
      value: handover?.accepted ?? 0,
      hint: "here, and handed to the children",
    },
    { label: "Waiting for a child", value: handover?.waiting ?? 0 },
    { label: "Refused", value: handover?.refused ?? 0, hint: "too many waited: the newest was closed" },
    { label: "Handed again", value: handover?.handedAgain ?? 0, hint: "a child ended before it took them" },
    { label: "Crashes", value: crashes, hint: `${recentCrashes} of them lately` },
    { label: "Replaced", value: { kind: "list", items: reasons.length > 0 ? reasons : ["none"] } },
    { label: "Replaced above", value: { kind: "list", items: limitsText(recycle) } },
  ];
}

function limitsText({ maxMemoryBytes, maxAgeMs, maxRequests }: RecycleLimits): string[] {
  const items = [
    ...(maxMemoryBytes === undefined ? [] : [`${Math.round(maxMemoryBytes / 2 ** 20)} MiB`]),
    ...(maxAgeMs === undefined ? [] : [durationText(maxAgeMs)]),
    ...(maxRequests === undefined ? [] : [`${maxRequests} requests`]),
  ];
  return items.length > 0 ? items : ["no limit is set"];
}

function listenersTable({ listeners, meta }: GroupSnapshot): ReportTable {
  return {
    id: "listeners",
    title: "Where it listens",
    columns: ["Name", "Serves", "Address"],
    rows: [
      ...listeners.map(({ name, kind, url }): Cell[] => [name, kind, url]),
      ...(meta === undefined ? [] : [["meta", "this app", meta.url]]),
    ],
    empty: "Nowhere yet.",
  };
}

function childrenTable({ snapshot, now, gatheredMsAgo }: GroupReportOptions): ReportTable {
  const { children } = snapshot;
  const total = children.reduce((sum, { connections }) => sum + connections, 0);
  return {
    id: "children",
    title: "Children",
    columns: [
      "Child",
      "Process",
      "State",
      "Age",
      "Memory",
      "Heap",
      "Requests",
      "In flight",
      "Connections",
      "Share",
      "Loop late",
      "Heard of",
      "Gathered",
    ],
    rows: children.map((child): Cell[] => [
      { kind: "details", key: String(child.id) },
      // A name, not an amount.
      child.pid === undefined ? null : String(child.pid),
      stateCell(child),
      { kind: "duration", ms: now - child.startedAt },
      bytes(child.vitals?.rssBytes),
      bytes(child.vitals?.heapBytes),
      child.vitals?.requests ?? null,
      child.vitals?.inFlight ?? null,
      child.vitals?.connections ?? null,
      total === 0 ? null : { kind: "ratio", ratio: child.connections / total },
      child.vitals ? { kind: "duration", ms: child.vitals.lagMs } : null,
      { kind: "duration", ms: child.heardMsAgo },
      ago(gatheredMsAgo(child.id)),
    ]),
    empty: "There is none.",
  };
}

const TONES: Readonly<Record<ChildSnapshot["state"], Tone>> = {
  starting: "neutral",
  ready: "good",
  draining: "neutral",
  ended: "bad",
};

function stateCell({ state }: ChildSnapshot): Cell {
  return { kind: "state", state, tone: TONES[state] };
}

function machine(children: readonly ChildSnapshot[]): StateMachine {
  return {
    id: "children",
    title: "Children",
    states: (["starting", "ready", "draining"] as const).map((state) => ({
      state,
      count: children.filter((child) => child.state === state).length,
      tone: TONES[state],
    })),
  };
}

function findings(options: GroupReportOptions): Finding[] {
  const { snapshot, recentCrashes, failedReplacement, heartbeatMs } = options;
  const found: Finding[] = [];
  if (recentCrashes > 0) {
    found.push({
      id: "children-crash",
      severity: recentCrashes > 2 ? "critical" : "warning",
      title: "Children crash",
      evidence: `${recentCrashes} lately, ${snapshot.crashes} in all`,
      likelyCause: "An error that nothing catches, memory that ran out, or somebody who kills them.",
      remedy: 'Their last words are in the log, with the event "child crashed".',
    });
  }
  if (failedReplacement !== undefined) {
    found.push({
      id: "replacement-failed",
      severity: "critical",
      title: "A child's successor could not start, so the old one still serves",
      evidence: failedReplacement.lastWords.slice(0, 500),
      likelyCause: "The program on the disk, or its configuration, is another by now, and does not start.",
      remedy: "Mend it and restart again: until then nothing is lost, but a crash could not be made up for.",
      since: failedReplacement.at,
    });
  }
  const silent = snapshot.children.filter(({ state, heardMsAgo }) =>
    state === "ready" && heardMsAgo > 3 * heartbeatMs
  );
  for (const { id, heardMsAgo } of silent) {
    found.push({
      id: `child-${id}-silent`,
      severity: "warning",
      title: `Child ${id} is silent`,
      evidence: `last heard of ${
        (heardMsAgo / 1_000).toFixed(1)
      } s ago; it should be every ${heartbeatMs} ms`,
      likelyCause: "Its event loop is blocked, by work that belongs into a worker.",
      remedy: "Look at its page of the monitor once it is back; it is killed when it stays silent.",
    });
  }
  return [...found, ...refusals(options)];
}

function refusals({ snapshot: { handover } }: GroupReportOptions): Finding[] {
  if (handover === undefined || handover.refused === 0) return [];
  return [{
    id: "connections-refused",
    severity: "warning",
    title: "Connections were closed because no child took them in time",
    evidence: `${handover.refused} refused, ${handover.waiting} wait now`,
    likelyCause: "All children were busy or gone at the same time, or a flood of connections.",
    remedy: "Give more workers; limits.acceptQueueMaxLength says how many may wait.",
  }];
}

function bytes(value: number | undefined): Cell {
  return value === undefined ? null : { kind: "bytes", bytes: value };
}

function ago(ms: number | undefined): Cell {
  return ms === undefined ? null : { kind: "duration", ms };
}
