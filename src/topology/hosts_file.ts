/**
 * Files in the form of `/etc/hosts`: an address, the names it has, and comments.
 *
 * @module
 */

import type { HostsTable } from "../dns/hosts.ts";
import { normalizeName, parseLiteral } from "../dns/name.ts";
import { errorMessage, show } from "../errors.ts";
import type { TopologyProblem } from "./schema.ts";

/** What came of reading one: the table, or everything that is wrong. */
export type HostsFileCheck =
  | { readonly ok: true; readonly hosts: HostsTable }
  | { readonly ok: false; readonly problems: readonly TopologyProblem[] };

/** Problems told of at once. */
const MAX_PROBLEMS = 20;

/** Reads one, whole or not at all: a line with an address that is none would else be missed by nobody until it is needed. */
export function checkHostsFile(text: string): HostsFileCheck {
  const hosts = new Map<string, string[]>();
  const problems: TopologyProblem[] = [];
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.replace(/#.*$/, "");
    const [first, ...names] = [...line.matchAll(/\S+/g)];
    if (first === undefined) continue;
    const complain = (word: { readonly index: number }, message: string) =>
      problems.push({ path: `line ${index + 1}`, message, line: index + 1, column: word.index + 1 });
    const literal = parseLiteral(first[0].replace(/%.*$/, ""));
    if (literal === undefined) {
      complain(first, `must begin with an IP address, got ${show(first[0])}`);
      continue;
    }
    if (names.length === 0) complain(first, `must have a name behind ${first[0]}`);
    for (const name of names) {
      try {
        const known = hosts.get(normalizeName(name[0])) ?? [];
        if (!known.includes(literal.address)) known.push(literal.address);
        hosts.set(normalizeName(name[0]), known);
      } catch (error) {
        complain(name, errorMessage(error));
      }
    }
  }
  return problems.length === 0
    ? { ok: true, hosts: Object.fromEntries(hosts) }
    : { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}
