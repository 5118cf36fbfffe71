/**
 * Checks a file of hosts before it is pushed: a topology, or one in the form of `/etc/hosts`.
 *
 * @module
 */

import { checkHostsFile } from "./hosts_file.ts";
import { mapJson, placeOf } from "./locate.ts";
import { checkTopology, type TopologyProblem } from "./schema.ts";

/** What came of checking a file's text. */
export interface FileCheck {
  /** What the text was taken for: JSON begins with a brace or a bracket. */
  readonly form: "topology" | "hosts";
  /** Whether it will be accepted, and means what it seems to say. */
  readonly ok: boolean;
  /** What is wrong with it, at most 20. */
  readonly problems: readonly TopologyProblem[];
  /** The version of a topology that is good. */
  readonly version?: string;
  /** How much there is of what it can hold; zeros where it is no good. */
  readonly counts: {
    /** Names with fixed addresses. */
    readonly hosts: number;
    /** Names to preresolve. */
    readonly preresolve: number;
    /** Logical names. */
    readonly endpoints: number;
    /** Other names of these. */
    readonly aliases: number;
  };
}

const NOTHING = { hosts: 0, preresolve: 0, endpoints: 0, aliases: 0 };

/**
 * Checks the text of a file. Stricter than what a running service does: a key that a topology has twice, of which JSON takes the
 * last without a word, is a problem here.
 *
 * @example A name that is there twice
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkHostsText } from "@ballast/runtime/topology";
 *
 * const { problems } = checkHostsText(`{ "schema": 1, "version": "7", "hosts": {
 *   "db": ["10.0.0.4"],
 *   "db": ["10.0.0.5"]
 * } }`);
 * assert.deepEqual([problems[0]?.path, problems[0]?.line, problems[0]?.column], ['hosts["db"]', 3, 3]);
 * ```
 */
export function checkHostsText(text: string): FileCheck {
  return /^\uFEFF?\s*[{[]/.test(text) ? checkDocument(text) : checkTable(text);
}

function checkDocument(text: string): FileCheck {
  const check = checkTopology(text);
  if (!check.ok) return { form: "topology", ok: false, problems: check.problems, counts: NOTHING };
  const problems = mapJson(text).repeated.slice(0, 20).map(({ path, offset }): TopologyProblem => ({
    path,
    message: "is there twice, and only the last one counts",
    ...placeOf(text, offset),
  }));
  const { version, hosts, preresolve, endpoints, aliases } = check.topology;
  return {
    form: "topology",
    ok: problems.length === 0,
    problems,
    version,
    counts: {
      hosts: Object.keys(hosts).length,
      preresolve: preresolve.length,
      endpoints: Object.keys(endpoints).length,
      aliases: Object.keys(aliases).length,
    },
  };
}

function checkTable(text: string): FileCheck {
  const check = checkHostsFile(text);
  return check.ok
    ? {
      form: "hosts",
      ok: true,
      problems: [],
      counts: { ...NOTHING, hosts: Object.keys(check.hosts).length },
    }
    : { form: "hosts", ok: false, problems: check.problems, counts: NOTHING };
}
