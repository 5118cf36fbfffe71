/**
 * The reports of a runtime, collected: one that is broken is itself a finding, and spoils no other.
 *
 * @module
 */

import { errorMessage, show } from "./errors.ts";
import { type Finding, type Report, type Reporter, type Severity, unknownAction } from "./report.ts";

/** A finding, and the report it is from. */
export interface LocatedFinding extends Finding {
  /** The id of the report that says so. */
  readonly report: string;
}

/** The reports of a runtime. */
export interface Reports {
  /** Adds a reporter under the id of its reports; one already there is replaced. Returns what takes it out again. */
  add(id: string, reporter: Reporter): () => void;
  /** The ids, in the order in which they were added. */
  readonly ids: readonly string[];
  /** One report, or undefined for an unknown id. Never throws: a reporter that does is itself a finding. */
  get(id: string): Report | undefined;
  /**
   * The details of one of the things that a report lists, or undefined for an unknown id or key. Its id is that of the
   * report. Never throws, as `get`.
   */
  details(id: string, key: string): Report | undefined;
  /** All of them. */
  all(): Report[];
  /** The findings of all, the worst first. */
  findings(): LocatedFinding[];
  /**
   * Has a component carry out an action.
   *
   * @throws {BallastError} `UNKNOWN_ACTION` when there is no such report or action
   */
  act(id: string, action: string, args?: Readonly<Record<string, string>>): Promise<unknown>;
}

const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];

/**
 * Makes an empty collection of reports.
 *
 * @example Report on a part of your own
 * ```ts
 * import assert from "node:assert/strict";
 * import { createReports } from "@ballast/runtime";
 *
 * const reports = createReports();
 * reports.add("queue", {
 *   report: () => ({ id: "queue", title: "Mail queue", facts: [{ label: "Waiting", value: 3 }] }),
 * });
 * assert.equal(reports.get("queue")?.facts?.[0]?.value, 3);
 * ```
 */
export function createReports(): Reports {
  const reporters = new Map<string, Reporter>();

  /** What a reporter gives, or why it cannot. */
  function hold<T>(id: string, title: string, make: () => T): T | Report {
    try {
      return make();
    } catch (error) {
      return { id, title, findings: [brokenReporter(id, error)] };
    }
  }

  const read = (id: string, reporter: Reporter): Report =>
    hold(id, id, () => checkReport(reporter.report(), id));
  const all = () => [...reporters].map(([id, reporter]) => read(id, reporter));

  return {
    add(id, reporter) {
      if (!/^[a-z0-9-]+$/.test(id)) {
        throw new TypeError(`a report's id must be of a-z, 0-9 and "-", got ${JSON.stringify(id)}`);
      }
      reporters.set(id, reporter);
      return () => {
        if (reporters.get(id) === reporter) reporters.delete(id);
      };
    },
    get ids() {
      return [...reporters.keys()];
    },
    get(id) {
      const reporter = reporters.get(id);
      return reporter && read(id, reporter);
    },
    details(id, key) {
      return hold(id, key, () => {
        const report = reporters.get(id)?.details?.(key);
        return report && checkReport(report, id);
      });
    },
    all,
    findings() {
      return all()
        .flatMap((report) => (report.findings ?? []).map((finding) => ({ ...finding, report: report.id })))
        .sort((a, b) => rank(a.severity) - rank(b.severity));
    },
    async act(id, action, args = {}) {
      const reporter = reporters.get(id);
      if (!reporter?.act) throw unknownAction(id, action);
      return await reporter.act(action, args);
    },
  };
}

const LISTS = ["facts", "tables", "series", "histograms", "machines", "actions", "findings"] as const;

/** A report, held to its shape: it may be anybody's, and one that is malformed must not spoil a page of all. */
function checkReport(report: Report, id: string): Report {
  // A promise is none; and if it rejects, that is told here, not as an unhandled rejection.
  if (report instanceof Promise) report.catch(() => {});
  if (typeof report?.id !== "string" || typeof report.title !== "string") {
    throw new TypeError(`report() must return an object with an id and a title, got ${show(report)}`);
  }
  for (const list of LISTS) {
    if (report[list] !== undefined && !Array.isArray(report[list])) {
      throw new TypeError(`${list} must be an array, got ${show(report[list])}`);
    }
  }
  return report.id === id ? report : { ...report, id };
}

function rank(severity: Severity): number {
  const place = SEVERITIES.indexOf(severity);
  return place < 0 ? SEVERITIES.length : place;
}

function brokenReporter(id: string, error: unknown): Finding {
  return {
    id: `${id}-report-failed`,
    severity: "warning",
    title: `The report of "${id}" cannot be made`,
    evidence: errorMessage(error),
    likelyCause: "Its report() or details() throws, or returns something else than a report.",
    remedy: "Fix it: it must return plain data and never throw. The component itself may be well.",
  };
}
