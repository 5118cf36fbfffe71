/** The first page: what is wrong, then what there is. */

import type { Capability, ProcessInfo } from "../platform/port.ts";
import type { Cell, Fact, ReportTable } from "../report.ts";
import type { LocatedFinding } from "../reports.ts";
import { renderChip, type View } from "./cell.ts";
import { countFindings, renderFindings, worstTone } from "./findings.ts";
import { formatBytes, formatRatio } from "./format.ts";
import { address } from "./link.ts";
import { type Markup, markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";
import { renderSection, type Section } from "./section.ts";
import { renderFacts, renderTable } from "./table.ts";

/** What `/` says, as plain data. */
export interface Overview {
  /** What the service is called. */
  readonly name: string;
  /** Where the runtime is in its life. */
  readonly state: MetaRuntime["state"];
  /** When the runtime was made, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** What it runs on; the version is "" where there is none. */
  readonly platform: { readonly name: string; readonly version: string };
  /** The process; null where the platform has none. */
  readonly process: ProcessInfo | null;
  /** The findings of all reports, the worst first. */
  readonly findings: readonly LocatedFinding[];
  /** The reports, one line each. */
  readonly reports: readonly ReportLine[];
  /** What the platform can and cannot do. */
  readonly capabilities: readonly Capability[];
  /** The paths there are. */
  readonly routes: readonly Route[];
  /** The meta app itself. */
  readonly meta: MetaFacts;
}

/** What the meta app says of itself. */
export interface MetaFacts {
  /** Whether it asks for a token. */
  readonly token: boolean;
  /** Wrong tokens so far. */
  readonly wrongTokens: number;
  /** When the last wrong token was given, in milliseconds since the epoch. */
  readonly lastWrongTokenAt?: number;
  /** Whether actions can be carried out from here. */
  readonly actions: boolean;
  /** Streams of events that are open. */
  readonly streams: number;
  /** How many there may be. */
  readonly maxStreams: number;
}

/** A report in one line; the whole of it is at `path`. */
export interface ReportLine {
  /** The id under which the report is registered. */
  readonly id: string;
  /** The path of its page. */
  readonly path: string;
  /** What it is called. */
  readonly title: string;
  /** The state of things, in one line. */
  readonly summary?: string;
  /** How many findings it has. */
  readonly findings: number;
}

/** A path of the meta app. */
export interface Route {
  /** Where it is. */
  readonly path: string;
  /** What it shows. */
  readonly shows: string;
}

const ROUTES: readonly Route[] = [
  { path: "/", shows: "this page" },
  { path: "/metrics", shows: "all statistics, in the OpenMetrics format" },
  { path: "/events", shows: "this page as it changes, as server-sent events; of another page with ?page=" },
  { path: "/livez", shows: "200 as long as the process answers" },
  { path: "/readyz", shows: "200 when the runtime is ready, else 503 and its state" },
];

/** The first page. */
export function overviewPage(runtime: MetaRuntime, meta: MetaFacts): Page {
  const overview = describeRuntime(runtime, meta);
  return {
    title: "Overview",
    path: "/",
    tone: worstTone(overview.findings),
    source: jsonSource(overview),
    body: (view) => renderOverview(overview, view),
    live: { page: "/" },
  };
}

/** What there is to say of a runtime as a whole. */
export function describeRuntime(runtime: MetaRuntime, meta: MetaFacts): Overview {
  const { name, state, startedAt, platform } = runtime;
  const reports = runtime.reports.ids.map((id) => describeReport(id, runtime));
  return {
    name,
    state,
    startedAt,
    platform: { name: platform.name, version: platform.version },
    process: platform.processInfo() ?? null,
    findings: runtime.reports.findings(),
    reports,
    capabilities: platform.capabilities,
    routes: [...ROUTES, ...reports.map(({ path, title }) => ({ path, shows: `the report "${title}"` }))],
    meta,
  };
}

function describeReport(id: string, runtime: MetaRuntime): ReportLine {
  const { title = id, summary, findings = [] } = runtime.reports.get(id) ?? {};
  return { id, path: `/${id}`, title, summary, findings: findings.length };
}

function renderOverview(overview: Overview, view: View): Section[] {
  const { findings, process } = overview;
  const facts = [...runtimeFacts(overview), ...(process === null ? [] : processFacts(process))];
  return [
    findings.length === 0
      ? renderSection("findings", "Nothing is wrong", renderCalm(overview))
      : renderSection("findings", "What is wrong", renderFindings(findings, view)),
    renderTable(reportTable(overview), view),
    renderTable(capabilityTable(overview), view),
    renderSection("process", "Process", renderFacts(facts, view)),
    renderTable(routeTable(overview), view),
    renderSection("meta", "Meta app", renderMeta(overview, view)),
  ];
}

function renderCalm({ reports }: Overview): Markup {
  const count = reports.length === 1 ? "the one report" : `${reports.length} reports`;
  return markup`<p class="hint">${renderChip("no finding", "good")} in ${count}</p>`;
}

function reportTable({ reports, findings }: Overview): ReportTable {
  const rows = reports.map(({ id, path, title, summary, findings: count }): Cell[] => {
    const tone = worstTone(findings.filter((finding) => finding.report === id));
    return [
      { kind: "link", text: title, path },
      { kind: "state", state: countFindings(count), tone },
      summary ?? null,
    ];
  });
  return {
    id: "reports",
    title: "Reports",
    columns: ["Report", "Findings", "Summary"],
    rows,
    empty: "There is no report.",
  };
}

function runtimeFacts({ platform, startedAt }: Overview): Fact[] {
  return [
    { label: "Platform", value: `${platform.name} ${platform.version}`.trim() },
    { label: "Started", value: { kind: "time", at: startedAt } },
  ];
}

function processFacts(info: ProcessInfo): Fact[] {
  const load = info.loadAverage?.map((average) => average.toFixed(2)).join(" ");
  return [
    { label: "Process id", value: String(info.pid) },
    { label: "Process up for", value: { kind: "duration", ms: info.uptimeMs } },
    { label: "Host", value: info.hostname || null },
    { label: "System", value: `${info.os} ${info.arch}`.trim() },
    { label: "Memory", value: { kind: "bytes", bytes: info.rssBytes }, hint: "resident set" },
    {
      label: "Heap",
      value: { kind: "bytes", bytes: info.heapUsedBytes },
      hint: `of ${formatBytes(info.heapTotalBytes)} taken from the system`,
    },
    {
      label: "Processor time",
      value: { kind: "duration", ms: info.cpuMs },
      hint: `${formatRatio(info.uptimeMs > 0 ? info.cpuMs / info.uptimeMs : 0)} of one core since the start`,
    },
    { label: "Load", value: load ?? null, hint: `1, 5, 15 minutes; ${info.cpus} cores` },
  ];
}

function renderMeta(overview: Overview, view: View): Markup {
  const leave = overview.meta.token
    ? markup`<form class="leave" method="post" action="${
      address("/logout", view.base)
    }"><button>Log out</button></form>`
    : undefined;
  return markup`${renderFacts(metaFacts(overview), view)}${leave}`;
}

function metaFacts({ meta }: Overview): Fact[] {
  return [
    {
      label: "Access",
      value: meta.token ? "by token" : "without token",
      hint: "for the hosts allowed",
    },
    ...(meta.token ? [{ label: "Wrong tokens", value: meta.wrongTokens }] : []),
    ...(meta.lastWrongTokenAt === undefined ? [] : [wrongToken(meta.lastWrongTokenAt)]),
    {
      label: "Actions",
      value: meta.actions ? "on" : "off",
      hint: meta.actions ? "each is recorded" : "they need a token",
    },
    { label: "Live pages", value: meta.streams, hint: `of at most ${meta.maxStreams}` },
  ];
}

function wrongToken(at: number): Fact {
  return { label: "Last wrong token", value: { kind: "time", at } };
}

function capabilityTable({ capabilities }: Overview): ReportTable {
  const rows = capabilities.map(({ name, supported, note }): Cell[] => [
    name,
    { kind: "state", state: supported ? "supported" : "unsupported", tone: supported ? "good" : "warning" },
    note,
  ]);
  const columns = ["Capability", "Here", "What follows"];
  return { id: "capabilities", title: "Capabilities", columns, rows, empty: "The platform names none." };
}

function routeTable({ routes }: Overview): ReportTable {
  const rows = routes.map(({ path, shows }): Cell[] => [{ kind: "link", text: path, path }, shows]);
  return { id: "routes", title: "Routes", columns: ["Path", "Shows"], rows, empty: "There is none." };
}
