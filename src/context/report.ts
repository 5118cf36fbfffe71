/**
 * What a person should know of a tree of contexts.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable } from "../report.ts";
import type { ConfigEntry, SettingSource } from "./config.ts";
import type { ContextSnapshot, LocalSnapshot, RingSnapshot, TaskSnapshot } from "./snapshot.ts";

const HIDDEN = "(not shown)";

const SOURCES: Readonly<Record<SettingSource, string>> = {
  given: "the program",
  environment: "the environment",
  default: "default",
  unset: "not set",
};

/** So much longer than its deadline a child is open because nobody closes it. */
const FORGOTTEN_MS = 60_000;

/** Makes the report of a tree of contexts. */
export function contextReport(snapshot: ContextSnapshot): Report {
  const { name, open, made, deadlines, tasks, tasksOpen, config, locals, recent } = snapshot;
  return {
    id: "context",
    title: "Contexts",
    summary: `${open} open within "${name}", ${deadlines} with a deadline`,
    facts: [
      { label: "Open", value: open, hint: "children not closed, those that were just dropped among them" },
      { label: "With a deadline of their own", value: deadlines },
      { label: "Made", value: made, hint: "children so far" },
    ],
    tables: [
      registryTable(snapshot),
      {
        id: "tasks",
        title: "Going on now",
        columns: ["What", "For", "Left", "Trace", "Children", "Locals"],
        rows: tasks.map(taskRow),
        omitted: tasksOpen - tasks.length,
        empty: "Nothing that has a label is open.",
      },
      {
        id: "configuration",
        title: "Configuration",
        columns: ["Setting", "Value", "From", "Variable", "For"],
        rows: config.map(configRow),
        empty: "No settings were given.",
      },
      {
        id: "locals",
        title: "Locals of all",
        columns: ["Local", "Value"],
        rows: locals.map(({ name, value }) => [name, value ?? HIDDEN]),
        empty: "None is set.",
      },
      ringsTable(recent),
      ...recent.map(ringTable),
    ],
    findings: forgotten(tasks),
  };
}

function registryTable({ registry, name }: ContextSnapshot): ReportTable {
  return {
    id: "registry",
    title: "Contexts of this process",
    columns: ["Name", "Open children", "Made in all", "This one"],
    rows: registry.map((context) => [context.name, context.children, context.made, context.name === name]),
    empty: "None is open.",
  };
}

function taskRow({ label, ageMs, remainingMs, traceId, children, locals }: TaskSnapshot): Cell[] {
  return [
    label,
    { kind: "duration", ms: ageMs },
    remainingMs === undefined ? null : { kind: "duration", ms: remainingMs },
    traceId ?? null,
    children,
    { kind: "list", items: locals.map(localText) },
  ];
}

function localText({ name, value }: LocalSnapshot): string {
  return value === undefined ? name : `${name}: ${value}`;
}

function configRow({ name, source, env, value, hidden, about }: ConfigEntry): Cell[] {
  return [name, hidden ? HIDDEN : value ?? null, SOURCES[source], env ?? null, about ?? null];
}

function ringsTable(rings: readonly RingSnapshot[]): ReportTable {
  return {
    id: "rings",
    title: "Recent rings",
    columns: ["Ring", "Keys", "Held", "Bytes", "At most", "Added", "Too large"],
    rows: rings.map(({ name, keys, entries, bytes, maxBytes, added, refused }) => [
      name,
      keys,
      entries,
      { kind: "bytes", bytes },
      { kind: "bytes", bytes: maxBytes },
      added,
      refused,
    ]),
    empty: "None was made.",
  };
}

function ringTable({ name, latest, entries }: RingSnapshot, index: number): ReportTable {
  const columns = [...new Set(latest.flatMap(({ cells }) => Object.keys(cells)))];
  return {
    id: `recent-${index + 1}`,
    title: `Recent: ${name}`,
    columns: ["When", "Key", ...columns],
    rows: latest.map(({ at, key, cells }) => [
      { kind: "time", at },
      key,
      ...columns.map((column) => cells[column] ?? null),
    ]),
    omitted: entries - latest.length,
    empty: "Nothing has been kept.",
  };
}

function forgotten(tasks: readonly TaskSnapshot[]): Finding[] {
  const old = tasks.filter(({ remainingMs, ageMs }) => remainingMs === 0 && ageMs > FORGOTTEN_MS);
  if (old.length === 0) return [];
  return [{
    id: "contexts-not-closed",
    severity: "warning",
    title: "Contexts are past their deadline and still open",
    evidence: `${old.length} of the oldest, the first is "${old[0]!.label}"`,
    likelyCause: "Work that does not mind its deadline, or a context that nobody closes.",
    remedy: "Hand `context.signal` to what the work waits for, and close contexts in a finally block.",
  }];
}
