/**
 * The one window into a group: what the meta app shows of a supervisor and its children.
 *
 * @module
 */

import type { MetaRuntime } from "../meta/mod.ts";
import { type Report, type Reporter, unknownAction } from "../report.ts";
import type { LocatedFinding } from "../reports.ts";
import type { Runtime } from "../runtime.ts";
import { metricReport } from "../stats/metric_report.ts";
import { openMetricsText, prometheusText } from "../stats/mod.ts";
import { statsReport } from "../stats/stats_report.ts";
import { childFindings, childReport, childReportId, partReport, type ReportSource } from "./child_reports.ts";
import type { Gatherer } from "./gatherer.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** What the window shows. */
export interface GroupWindowOptions {
  readonly runtime: Runtime;
  readonly state: () => MetaRuntime["state"];
  readonly startedAt: number;
  readonly children: () => readonly SupervisedChild[];
  readonly gatherer: Gatherer;
  /** The report `/group`. */
  readonly group: Required<Reporter>;
}

/** Of the supervisor itself there is this to see: it serves nothing. */
const OWN_REPORTS = ["log", "monitor", "dns"];
/** The order of the pages; what else the children report follows. */
const FIRST = ["overload", "servers"];

/** Makes what the meta app of a group stands on. */
export function createGroupWindow(options: GroupWindowOptions): MetaRuntime {
  const { runtime, state, startedAt, children, gatherer, group } = options;

  function sources(): ReportSource[] {
    return children().map((child) => ({
      key: `child-${child.id}`,
      title: `Child ${child.id}`,
      reports: gatherer.of(child)?.reports ?? [],
    }));
  }

  const supervisor = (): ReportSource => ({
    key: "supervisor",
    title: "Supervisor",
    reports: OWN_REPORTS.flatMap((id) => runtime.reports.get(id) ?? []),
  });

  /** The parts that children have, `stats` apart: those are merged. */
  function parts(all: readonly ReportSource[]): string[] {
    const found = [...new Set(all.flatMap(({ reports }) => reports.map(({ id }) => id)))];
    const rest = found.filter((id) => !FIRST.includes(id) && id !== "stats" && id !== "group");
    return [...FIRST.filter((id) => found.includes(id)), ...rest];
  }

  function get(id: string): Report | undefined {
    if (id === "group") return group.report();
    if (id === "stats") return statsReport(gatherer.stats());
    const all = sources();
    if (id === "supervisor") return ownReport(supervisor());
    for (const source of [...all, supervisor()]) {
      const found = source.reports.find((report) => childReportId(source.key, report.id) === id);
      if (found !== undefined) return childReport(source, found);
    }
    return partReport(id, all);
  }

  function findings(): LocatedFinding[] {
    const own = (group.report().findings ?? []).map((finding) => ({ ...finding, report: "group" }));
    const rank = ["critical", "warning", "info"];
    return [...own, ...childFindings([...sources(), supervisor()])]
      .sort((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity));
  }

  /** On one child's page it is done there, on the page of a part by every child. */
  async function act(id: string, action: string, args: Readonly<Record<string, string>>): Promise<unknown> {
    if (id === "group") return await group.act(action, args);
    const [, number, part] = /^child-(\d+)-(.+)$/.exec(id) ?? [];
    if (part !== undefined) {
      const child = children().find((child) => child.id === Number(number));
      if (child === undefined) throw unknownAction(id, action);
      return await child.act(part, action, args);
    }
    const own = /^supervisor-(.+)$/.exec(id)?.[1];
    if (own !== undefined && OWN_REPORTS.includes(own)) return await runtime.reports.act(own, action, args);
    if (get(id)?.actions?.every((one) => one.id !== action) ?? true) throw unknownAction(id, action);
    if (id === "stats" && action === "reset") gatherer.forget();
    const ready = children().filter((child) => child.state === "ready");
    const results = await Promise.all(
      ready.map(async (child) => [child.id, await child.act(id, action, args)]),
    );
    return Object.fromEntries(results);
  }

  return {
    name: runtime.name,
    startedAt,
    platform: runtime.platform,
    log: runtime.log.child("meta"),
    context: runtime.context,
    get state() {
      return state();
    },
    reports: {
      get ids() {
        return ["group", ...parts(sources()), "stats", "supervisor"];
      },
      get,
      details(id, key) {
        if (id === "group") return group.details(key);
        return id === "stats" ? metricReport(gatherer.stats(), key) : undefined;
      },
      findings,
      act,
    },
    stats: {
      openMetrics: () => openMetricsText(gatherer.stats()),
      prometheus: () => prometheusText(gatherer.stats()),
    },
  };
}

function ownReport({ key, title, reports }: ReportSource): Report {
  return {
    id: key,
    title,
    summary: "the process that looks after the children",
    tables: [{
      id: "reports",
      title: "Its reports",
      columns: ["Report", "In short"],
      rows: reports.map(({ id, title, summary = "" }) => [
        { kind: "link", text: title, path: `/${childReportId(key, id)}` },
        summary,
      ]),
      empty: "There is none.",
    }],
  };
}
