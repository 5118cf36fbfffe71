/**
 * What a topology may say, and what is wrong with one that says something else.
 *
 * @module
 */

import { checkAlias, checkEndpoint } from "../connections/directory.ts";
import type { EndpointTable } from "../connections/options.ts";
import { createHosts, type HostsTable } from "../dns/hosts.ts";
import { normalizeName } from "../dns/name.ts";
import { BallastError, errorMessage, show } from "../errors.ts";
import { type JsonMap, mapJson, placeOf } from "./locate.ts";

/** The one schema there is. */
const SCHEMA = 1;
/** More than that is no description of a network, but an accident. */
const MAX_NAMES = 100_000;
/** Problems told of at once. */
const MAX_PROBLEMS = 20;

/** A description of where things are, pushed from one place to every service. */
export interface Topology {
  /** The schema it is written in: 1. */
  readonly schema: 1;
  /** Which push this is, as a person names it: a date, a number, a commit. */
  readonly version: string;
  /** Names and the addresses they have, whatever DNS says. */
  readonly hosts: HostsTable;
  /** Names to resolve at once and to keep warm. */
  readonly preresolve: readonly string[];
  /** Logical names, and where they lead: tiers of addresses, limits, timeouts. */
  readonly endpoints: EndpointTable;
  /** Other names of these endpoints. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** Names the place in the document, as in `hosts["db.internal"][0]`, and what is wrong there. */
export interface TopologyProblem {
  /** "" for the document as a whole. */
  readonly path: string;
  /** What is wrong, and what would be right. */
  readonly message: string;
  /** The line of the text that it is in, from 1; undefined for what is missing altogether. */
  readonly line?: number;
  /** The column in that line, from 1. */
  readonly column?: number;
}

/** What came of reading a document: a topology, or everything that is wrong with it. */
export type TopologyCheck =
  | { readonly ok: true; readonly topology: Topology }
  | { readonly ok: false; readonly problems: readonly TopologyProblem[] };

/** Reads a key of the document, noting what is wrong. */
type Reader<T> = (value: unknown, problems: TopologyProblem[]) => T;

const READERS: { readonly [Key in keyof Topology]: Reader<Topology[Key]> } = {
  schema(value, problems) {
    if (value !== SCHEMA) problems.push({ path: "schema", message: `must be ${SCHEMA}, got ${show(value)}` });
    return SCHEMA;
  },
  version(value, problems) {
    if (typeof value === "string" && value !== "" && value.length <= 200) return value;
    problems.push({ path: "version", message: `must be a text of 1 to 200 characters, got ${show(value)}` });
    return "";
  },
  hosts(value, problems) {
    const names = namesOf("hosts", value, problems);
    const spellings = new Map<string, string>();
    for (const [name, addresses] of names) {
      const path = `hosts[${JSON.stringify(name)}]`;
      attempt(path, problems, () => void createHosts({ [name]: addresses as string[] }));
      attempt(path, problems, () => {
        const first = spellings.get(normalizeName(name));
        if (first !== undefined) throw new TypeError(`is the same name as ${JSON.stringify(first)}`);
        spellings.set(normalizeName(name), name);
      });
    }
    return Object.fromEntries(names) as HostsTable;
  },
  preresolve(value = [], problems) {
    if (!Array.isArray(value)) {
      problems.push({ path: "preresolve", message: `must be an array of names, got ${show(value)}` });
      return [];
    }
    for (const [index, name] of value.entries()) {
      attempt(`preresolve[${index}]`, problems, () => void normalizeName(name));
    }
    return value;
  },
  endpoints(value, problems) {
    const names = namesOf("endpoints", value, problems);
    for (const [name, endpoint] of names) {
      const path = `endpoints[${JSON.stringify(name)}]`;
      attempt(path, problems, () => void checkEndpoint(name, endpoint as EndpointTable[string]));
    }
    return Object.fromEntries(names) as EndpointTable;
  },
  aliases(value, problems) {
    return Object.fromEntries(namesOf("aliases", value, problems)) as Record<string, string>;
  },
};

/**
 * Reads a document, whole or not at all.
 *
 * @example Check a file before it is pushed
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkTopology } from "@ballast/runtime/topology";
 *
 * const good = checkTopology(`{ "schema": 1, "version": "7", "hosts": { "db.internal": ["10.0.0.4"] } }`);
 * assert.ok(good.ok && good.topology.version === "7");
 *
 * const bad = checkTopology(`{ "schema": 1, "version": "8", "hosts": { "db.internal": ["ten"] } }`);
 * assert.ok(!bad.ok && bad.problems[0]?.path === 'hosts["db.internal"]');
 * ```
 */
export function checkTopology(text: string): TopologyCheck {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    const { fault } = mapJson(text);
    const message = `is no JSON: ${fault?.message ?? errorMessage(error)}`;
    return { ok: false, problems: [{ path: "", message, ...(fault && placeOf(text, fault.offset)) }] };
  }
  if (!isObject(document)) {
    return { ok: false, problems: [{ path: "", message: `must be a JSON object, got ${show(document)}` }] };
  }
  const problems: TopologyProblem[] = [];
  const keys = Object.keys(READERS);
  for (const key of Object.keys(document)) {
    if (!keys.includes(key)) {
      problems.push({ path: key, message: `is unknown; there are ${keys.join(", ")}` });
    }
  }
  const { schema, version, hosts, preresolve, endpoints, aliases } = document;
  const topology: Topology = {
    schema: READERS.schema(schema, problems),
    version: READERS.version(version, problems),
    hosts: READERS.hosts(hosts, problems),
    preresolve: READERS.preresolve(preresolve, problems),
    endpoints: READERS.endpoints(endpoints, problems),
    aliases: READERS.aliases(aliases, problems),
  };
  const known = new Set(Object.keys(topology.endpoints));
  for (const [alias, name] of Object.entries(topology.aliases)) {
    attempt(`aliases[${JSON.stringify(alias)}]`, problems, () => checkAlias(alias, name, known));
  }
  if (problems.length === 0) return { ok: true, topology };
  return { ok: false, problems: located(problems.slice(0, MAX_PROBLEMS), text, mapJson(text)) };
}

/** The same problems with their places in the text. */
function located(problems: readonly TopologyProblem[], text: string, map: JsonMap): TopologyProblem[] {
  return problems.map((problem) => {
    const offset = map.offsets.get(problem.path);
    return offset === undefined ? problem : { ...problem, ...placeOf(text, offset) };
  });
}

/** A problem as one line. */
export function problemText({ path, message }: TopologyProblem): string {
  return path === "" ? `the document ${message}` : `${path}: ${message}`;
}

/** The entries of an object, none where it is no object or too large. */
function namesOf(path: string, value: unknown = {}, problems: TopologyProblem[]): [string, unknown][] {
  if (!isObject(value)) {
    problems.push({ path, message: `must be an object of names, got ${show(value)}` });
    return [];
  }
  const names = Object.entries(value);
  if (names.length <= MAX_NAMES) return names;
  problems.push({ path, message: `has ${names.length} names, at most ${MAX_NAMES} are allowed` });
  return [];
}

function attempt(path: string, problems: TopologyProblem[], check: () => void): void {
  try {
    check();
  } catch (error) {
    // One problem for a place is enough.
    if (problems.at(-1)?.path === path) return;
    const message = error instanceof BallastError
      ? String(error.data.why ?? error.message)
      : errorMessage(error);
    problems.push({ path, message });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
