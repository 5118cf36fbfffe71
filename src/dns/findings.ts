/**
 * What is wrong with a cache, its names and its servers.
 *
 * @module
 */

import type { Finding } from "../report.ts";
import { stateOf } from "./name_state.ts";
import type { DnsSnapshot, NameSnapshot, ServerSnapshot } from "./snapshot.ts";

/** Names listed in a finding. */
const MAX_LISTED = 5;
/** Consecutive failures after which a server is reported. */
const SERVER_FAILURES = 3;

/** Failures in a row, and not of one name alone if it answers: that may be the name's own trouble. */
export function isDown({ consecutiveFailures, silent, failingNames }: ServerSnapshot): boolean {
  return consecutiveFailures >= SERVER_FAILURES && (silent || failingNames > 1);
}

/** Servers that are of no use. */
export function serverFindings({ servers }: DnsSnapshot): Finding[] {
  const down = servers.filter(isDown);
  const all = down.length === servers.length;
  return down.map(({ server, silent, consecutiveFailures, lastFailure, failingSince }) => ({
    id: `dns-server-down-${server}`,
    severity: all ? "critical" : "warning",
    title: `${all ? "No name server is of use" : "A name server is of no use"}: ${server} is ${
      silent ? "silent" : "failing"
    }`,
    evidence: `Its last ${consecutiveFailures} queries failed: ${lastFailure ?? "no reason was given"}.`,
    likelyCause: silent
      ? "The server is stopped, overloaded or cut off."
      : "The server cannot reach its own sources, or refuses this client.",
    remedy: all
      ? "Repair it, or give other servers. Names held are served meanwhile, for as long as maxStaleMs allows."
      : "Repair or remove it. The other servers are asked meanwhile.",
    since: failingSince,
  }));
}

/** Names that are served from answers which should have been replaced. */
export function staleFindings({ names, refreshMs, at }: DnsSnapshot): Finding[] {
  const old = names.flatMap(({ name, records }) =>
    records.flatMap((record) => (record.staleForMs ?? 0) >= refreshMs ? [{ name, record }] : [])
  );
  if (old.length === 0) return [];
  const oldest = old.reduce((a, b) => a.record.staleForMs! >= b.record.staleForMs! ? a : b);
  const left = Math.min(...old.map(({ record }) => record.expiresInMs ?? Infinity));
  return [{
    id: "dns-stale-for-long",
    severity: "warning",
    title: `${
      plural(new Set(old.map(({ name }) => name)).size, "name is", "names are")
    } served from old answers`,
    evidence: `${oldest.name} was last confirmed ${span(oldest.record.ageMs ?? 0)} ago; ` +
      `its last lookup: ${oldest.record.lastFailure ?? "under way"}. The first answer is given up in ${
        span(left)
      }.`,
    likelyCause: "Name servers do not answer, or fail for these names.",
    remedy:
      "Repair DNS. Until then requests go to the addresses known; a replica that moves will not be noticed.",
    since: Math.round(at - oldest.record.staleForMs!),
  }];
}

/**
 * Names without an answer: a fault where they are to be kept warm. Others may be anything that somebody typed, and are only
 * told of.
 */
export function failingFindings({ names }: DnsSnapshot): Finding[] {
  const failing = names.filter(({ records }) =>
    records.every(({ addresses }) => addresses.length === 0) &&
    records.some(({ failures, state }) => failures > 0 || state === "nonexistent")
  );
  const wanted = failing.filter(({ pinned }) => pinned);
  const others = failing.filter((name) => !name.pinned && stateOf(name) === "failed");
  return [
    ...(wanted.length === 0 ? [] : [
      {
        id: "dns-preresolved-names-failing",
        severity: "critical",
        title: `${
          plural(wanted.length, "preresolved name does", "preresolved names do")
        } not resolve, and nothing is held`,
        evidence: evidenceOf(wanted),
        likelyCause: "The names are misspelt or gone, or their name servers fail.",
        remedy:
          "Check spelling and name servers; they are tried again meanwhile. `hosts` gives a name addresses without DNS.",
      } as const,
    ]),
    ...(others.length === 0 ? [] : [
      {
        id: "dns-names-failing",
        severity: "info",
        title: `${plural(others.length, "name does", "names do")} not resolve, and nothing is held`,
        evidence: evidenceOf(others),
        likelyCause: "Somebody asks for names that are misspelt or gone, or whose name servers fail.",
        remedy: "Names that must resolve belong into `preresolve`, so that they are held when DNS fails.",
      } as const,
    ]),
  ];
}

function evidenceOf(names: readonly NameSnapshot[]): string {
  const listed = names.slice(0, MAX_LISTED).map(({ name, records }) => {
    const reason = records.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
    return `${name} (${reason ?? "it does not exist"})`;
  });
  return `${listed.join(", ")}${names.length > MAX_LISTED ? ", ..." : ""}.`;
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A span of time in its largest unit that leaves two digits. */
export function span(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
