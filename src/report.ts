/**
 * Reports: what a component says of itself, as plain data. The component knows what is wrong and what helps; whoever
 * shows it (the meta app, a command line, a supervisor that gathers its children) only renders.
 *
 * Everything here crosses a wire as JSON; so an action is an id with a label, carried out by the component's `act`.
 *
 * @module
 */

import { BallastError } from "./errors.ts";

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
  | { readonly kind: "link"; readonly text: string; readonly path: string }
  /** One of the things that the report lists: its name, and the way to its details. */
  | { readonly kind: "details"; readonly key: string };

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
  readonly fields: readonly ActionField[];
}

/** Something that has to be given with an action. */
export interface ActionField {
  /** What `act` gets it as. */
  readonly name: string;
  /** What stands beside it. */
  readonly label: string;
  /** What it holds until somebody types something else. @default nothing */
  readonly value?: string;
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
   * More on one of the things that the report lists: a report of its own, on a page of its own. Cells of kind `details`
   * lead there. Undefined for a key that is none, or no longer one; anything may be asked for.
   *
   * @example A list, and a page for each of its items
   * ```ts
   * import assert from "node:assert/strict";
   * import { createReports } from "@ballast/runtime";
   *
   * const jobs = new Map([["nightly", { runs: 3 }]]);
   * const reports = createReports();
   * reports.add("jobs", {
   *   report: () => ({
   *     id: "jobs",
   *     title: "Jobs",
   *     tables: [{
   *       id: "jobs",
   *       title: "Jobs",
   *       columns: ["Job"],
   *       rows: [...jobs.keys()].map((key) => [{ kind: "details", key }]),
   *       empty: "There is no job.",
   *     }],
   *   }),
   *   details(key) {
   *     const job = jobs.get(key);
   *     return job && { id: "jobs", title: key, facts: [{ label: "Runs", value: job.runs }] };
   *   },
   * });
   * assert.equal(reports.details("jobs", "nightly")?.title, "nightly"); // the page /jobs/nightly
   * assert.equal(reports.details("jobs", "weekly"), undefined); // no such page
   * ```
   */
  details?(key: string): Report | undefined;
  /**
   * Carries out one of the report's actions, or of its details'; the result is plain JSON.
   *
   * @throws {BallastError} `UNKNOWN_ACTION` when the component has no such action
   */
  act?(id: string, args: Readonly<Record<string, string>>): unknown;
}

/** The error of a component that is asked for an action it does not have. */
export function unknownAction(id: string, action: string): BallastError {
  return new BallastError("UNKNOWN_ACTION", `"${id}" has no action "${action}"`, { data: { id, action } });
}
