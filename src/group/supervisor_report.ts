/**
 * What a supervisor says of itself and its children: the page `/group`, and that of each child.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Report } from "../report.ts";
import { childReportId } from "./child_reports.ts";
import type { Crew } from "./crew.ts";
import type { Gatherer } from "./gatherer.ts";
import type { GroupSettings } from "./group_options.ts";
import { childDetails, groupReport } from "./group_report.ts";
import type { ChildSnapshot, GroupSnapshot } from "./group_types.ts";
import type { SupervisedChild } from "./supervised_child.ts";

/** What the report is made of. */
export interface SupervisorReportOptions {
  readonly snapshot: GroupSnapshot;
  readonly settings: GroupSettings;
  readonly crew: Crew;
  readonly gatherer: Gatherer;
  readonly clock: Clock;
}

/** The page `/group`. */
export function supervisorReport(
  { snapshot, settings, crew, gatherer, clock }: SupervisorReportOptions,
): Report {
  return groupReport({
    snapshot,
    recycle: settings.recycle,
    now: clock.now(),
    gatheredMsAgo(id) {
      const child = crew.children.find((child) => child.id === id);
      return child && gatherer.ageMs(child);
    },
    recentCrashes: crew.recentCrashes,
    failedReplacement: crew.failedReplacement,
    heartbeatMs: settings.heartbeatMs,
  });
}

/** The page of one child. */
export function childPage(child: SupervisedChild, gatherer: Gatherer, clock: Clock): Report {
  const parts = (child.gathered?.reports ?? []).map(({ id, title, summary = "" }) => ({
    title,
    path: `/${childReportId(`child-${child.id}`, id)}`,
    summary,
  }));
  const points = child.beats.map(({ at, rssBytes }) => [at, rssBytes] as const);
  const series = [{ id: "memory", title: "Resident memory", unit: "bytes", points }];
  return childDetails(describeChild(child, clock), series, parts, gatherer.ageMs(child));
}

/** A child, as plain JSON. */
export function describeChild(child: SupervisedChild, clock: Clock): ChildSnapshot {
  const { id, pid, state, startedAt, readyAt, heardAt, vitals, handed, leavingFor } = child;
  const heardMsAgo = clock.monotonic() - heardAt;
  return { id, pid, state, startedAt, readyAt, heardMsAgo, vitals, connections: handed, leavingFor };
}
