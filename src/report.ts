/**
 * Reports: what a component says of itself, as plain data. The component knows what is wrong and what helps; whoever
 * shows it (the meta app, a command line, a supervisor that gathers its children) only renders.
 *
 * Everything here crosses a wire as JSON; so an action is an id with a label, carried out by the component's `act`.
 *
 * @module
 */

import { BallastError, errorMessage, show } from "./errors.ts";

/** A value as a page shows it; a bare string, number, boolean or null means itself. */
export type Cell =
  | string
  | number
  | boolean
  | null
  /** A duration in milliseconds. */
  | { readonly kind: "duration"; readonly ms: number }
  /** A moment, in milliseconds since the epoch. */
  | { readonly kind: "time"; readonly at: number }
  /** A size in bytes. */
  | { readonly kind: "bytes"; readonly bytes: number }
  /** A share of one, shown as a percentage. */
  | { readonly kind: "ratio"; readonly ratio: number }
  /** The state of a state machine. */
  | { readonly kind: "state"; readonly state: string; readonly tone: Tone }
  /** A short list, one below the other. */
  | { readonly kind: "list"; readonly items: readonly string[] }
  /** A path of the meta app itself. */
  | { readonly kind: "link"; readonly text: string; readonly path: string };

/** How a state feels to whoever is on call. */
export type Tone = "good" | "neutral" | "warning" | "bad";

/** One named value. */
export interface Fact {
  /** What it is called. */
  readonly label: string;
  /** What it is. */
  readonly value: Cell;
  /** What the value means, where the label does not say it. */
  readonly hint?: string;
}

/** Rows under named columns. */
export interface ReportTable {
  /** Unique within the report: letters, digits and hyphens. */
  readonly id: string;
  /** What the rows are. */
  readonly title: string;
  /** The names of the columns. */
  readonly columns: readonly string[];
  /** A cell for every column. */
  readonly rows: readonly (readonly Cell[])[];
  /** What to say when there is no row. */
  readonly empty: string;
  /** Rows left out, where the table is cut. @default 0 */
  readonly omitted?: number;
}

/** Numbers over time. */
export interface Series {
  /** Unique within the report. */
  readonly id: string;
  /** What the values are. */
  readonly title: string;
  /** What the values count: `ms`, `bytes`, `1`. */
  readonly unit: string;
  /** Oldest first: moment (milliseconds since the epoch) and value. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

/** How values are spread. */
export interface Histogram {
  /** Unique within the report. */
  readonly id: string;
  /** What the values are. */
  readonly title: string;
  /** What the values count: `ms`, `bytes`, `1`. */
  readonly unit: string;
  /** Values in all. */
  readonly count: number;
  /** From the lowest: bounds and the values between them. Buckets without values may be left out. */
  readonly buckets: readonly (readonly [from: number, to: number, count: number])[];
  /** Values below or at which a share `q` of all lies. */
  readonly quantiles: readonly { readonly q: number; readonly value: number }[];
}

/** A kind of state machine, and how many are in each state. */
export interface StateMachine {
  /** Unique within the report. */
  readonly id: string;
  /** What it is that has a state. */
  readonly title: string;
  /** Every state, and how many are in it. */
  readonly states: readonly { readonly state: string; readonly count: number; readonly tone: Tone }[];
}

/** Something a person may have the component do. */
export interface Action {
  /** What `act` takes. */
  readonly id: string;
  /** What a button says. */
  readonly label: string;
  /** What has to be given with it. */
  readonly fields: readonly { readonly name: string; readonly label: string }[];
}

/** How bad a finding is: is somebody hurt, will somebody be, or is it good to know. */
export type Severity = "critical" | "warning" | "info";

/** Something that is wrong, said by the part that knows best. */
export interface Finding {
  /** Stable while the same thing is wrong, so that a reader can tell old from new. */
  readonly id: string;
  /** How bad it is. */
  readonly severity: Severity;
  /** What is wrong, in one line. */
  readonly title: string;
  /** The numbers that show it. */
  readonly evidence: string;
  /** What it most often comes from. */
  readonly likelyCause: string;
  /** What to do. */
  readonly remedy: string;
  /** Since when, in milliseconds since the epoch, where that is known. */
  readonly since?: number;
}

/** What one component says of itself. Every list may be left out. */
export interface Report {
  /** The component, and the path of its section: letters, digits and hyphens. */
  readonly id: string;
  /** The component, for people. */
  readonly title: string;
  /** The state of things, in one line. */
  readonly summary?: string;
  /** Single values. */
  readonly facts?: readonly Fact[];
  /** Many values of a kind. */
  readonly tables?: readonly ReportTable[];
  /** Values over time. */
  readonly series?: readonly Series[];
  /** How values are spread. */
  readonly histograms?: readonly Histogram[];
  /** How many are in which state. */
  readonly machines?: readonly StateMachine[];
  /** What a person may have done. */
  readonly actions?: readonly Action[];
  /** What is wrong. */
  readonly findings?: readonly Finding[];
}

/** Whatever can say something of itself. */
export interface Reporter {
  /** Cheap, and made anew at each call. */
  report(): Report;
  /**
   * Carries out one of the report's actions; the result is plain JSON.
   *
   * @throws {BallastError} `UNKNOWN_ACTION` when the component has no such action
   */
  act?(id: string, args: Readonly<Record<string, string>>): unknown;
}

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

  function read(id: string, reporter: Reporter): Report {
    try {
      return checkReport(reporter.report(), id);
    } catch (error) {
      return { id, title: id, findings: [brokenReporter(id, error)] };
    }
  }

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

/** The error of a component that is asked for an action it does not have. */
export function unknownAction(id: string, action: string): BallastError {
  return new BallastError("UNKNOWN_ACTION", `"${id}" has no action "${action}"`, { data: { id, action } });
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
    likelyCause: "Its report() throws, or returns something else than a report.",
    remedy: "Fix report(): it must return plain data and never throw. The component itself may be well.",
  };
}
