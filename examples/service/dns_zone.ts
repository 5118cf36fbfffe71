/**
 * The data of one zone and the rules for answering from it (RFC 1034, section 4.3.2): pure functions, no sockets.
 *
 * @module
 */

import { isIPv4, isIPv6 } from "node:net";
import type { Answer } from "@leichtgewicht/dns-packet";

/** What a zone holds for one name: addresses, or an alias. */
export interface ZoneEntry {
  /** IPv4 addresses. @default [] */
  readonly a?: readonly string[];
  /** IPv6 addresses. @default [] */
  readonly aaaa?: readonly string[];
  /** The name that this one is an alias of. An alias has no records of its own (RFC 1034, section 3.6.2). */
  readonly cname?: string;
  /** How long these records may be cached, in seconds. @default 30 */
  readonly ttl?: number;
}

/** Names and what they have. Names are absolute, in any case, with or without the final dot. */
export type ZoneData = Readonly<Record<string, ZoneEntry>>;

/** What to answer, before it is put on the wire. */
export interface DnsReply {
  /** The response code. */
  readonly rcode: "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED" | "BADVERS";
  /** The records asked for, and the aliases on the way to them. @default [] */
  readonly answers?: Answer[];
  /** The SOA record that makes a negative answer cacheable (RFC 2308). @default [] */
  readonly authorities?: Answer[];
}

/** A zone that can be asked. */
export interface Zone {
  /** The apex: the zone answers for this name and everything below it. */
  readonly origin: string;
  /** The answer for a name, which is echoed as the query spells it, and a record type such as `A`. */
  lookup(name: string, type: string): DnsReply;
  /** "There is no such name". */
  nonexistent(): DnsReply;
  /** "The name exists, but it has no record of this type". */
  nodata(): DnsReply;
}

/** Lifetime of records that say nothing of it, and of negative answers, in seconds. */
const DEFAULT_TTL = 30;
/** RFC 2181, section 8. */
const MAX_TTL = 2 ** 31 - 1;
/** Labels of up to 63 characters, 253 in all; the underscore is for the likes of `_http._tcp`. */
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Checks the data and makes it answer queries. The data is copied.
 *
 * @param origin the apex; every name must be at or below it
 * @param serial the version of the zone, as its SOA record tells it
 * @throws {TypeError} when a name, an address, a TTL or an alias is not valid, or a name is outside `origin`
 */
export function createZone(data: ZoneData, origin: string, serial: number): Zone {
  const apex = checkName("origin", origin);
  const entries = new Map<string, ZoneEntry>();
  // Every name between an entry and the apex exists too, with no records of its own: an empty non-terminal (RFC 8020).
  const existing = new Set([apex]);
  for (const [given, entry] of Object.entries(data)) {
    const name = checkName("zone name", given);
    if (!isWithin(name, apex)) {
      throw new TypeError(`zone name "${given}" is not below "${apex}": set "origin"`);
    }
    if (entries.has(name)) throw new TypeError(`zone name "${given}" is given twice`);
    entries.set(name, checkEntry(given, entry, name === apex));
    for (let at = name; at !== apex; at = parentOf(at)) existing.add(at);
  }
  const soa: Answer = {
    type: "SOA",
    name: apex,
    ttl: DEFAULT_TTL,
    data: {
      mname: `ns.${apex}`,
      rname: `hostmaster.${apex}`,
      serial,
      refresh: 3_600,
      retry: 600,
      expire: 86_400,
      minimum: DEFAULT_TTL,
    },
  };

  function recordsOf(key: string, owner: string, type: string): Answer[] {
    const { a = [], aaaa = [], cname, ttl = DEFAULT_TTL } = entries.get(key) ?? {};
    const wants = (candidate: string) => type === candidate || type === "ANY";
    const records: Answer[] = [];
    if (wants("SOA") && key === apex) records.push({ ...soa, name: owner });
    if (wants("CNAME") && cname !== undefined) records.push({ type: "CNAME", name: owner, ttl, data: cname });
    for (const ip of wants("A") ? a : []) records.push({ type: "A", name: owner, ttl, data: ip });
    for (const ip of wants("AAAA") ? aaaa : []) records.push({ type: "AAAA", name: owner, ttl, data: ip });
    return records;
  }

  const nonexistent = (answers: Answer[] = []): DnsReply => ({
    rcode: "NXDOMAIN",
    answers,
    authorities: [soa],
  });
  const nodata = (answers: Answer[] = []): DnsReply => ({ rcode: "NOERROR", answers, authorities: [soa] });

  function lookup(name: string, type: string): DnsReply {
    // Zone transfers are not for everyone.
    if (!isWithin(normalize(name), apex) || type === "AXFR" || type === "IXFR") return { rcode: "REFUSED" };
    const answers: Answer[] = [];
    const visited = new Set<string>();
    // The owner is what the reply says, the key is what the zone knows: they differ in case only.
    let owner = name;
    for (;;) {
      const key = normalize(owner);
      // An alias that leads out of the zone is the client's to follow; one that leads in a circle ends here.
      if (!isWithin(key, apex) || visited.has(key)) return { rcode: "NOERROR", answers };
      visited.add(key);
      if (!existing.has(key)) return nonexistent(answers);
      const records = recordsOf(key, owner, type);
      answers.push(...records);
      if (records.length > 0) return { rcode: "NOERROR", answers };
      const alias = entries.get(key)?.cname;
      if (alias === undefined) return nodata(answers);
      answers.push(...recordsOf(key, owner, "CNAME"));
      owner = alias;
    }
  }

  return { origin: apex, lookup, nonexistent: () => nonexistent(), nodata: () => nodata() };
}

/**
 * The apex that a zone's names suggest: the longest suffix they have in common, the parent of a name that is alone,
 * `demo.test` for an empty zone.
 */
export function commonOrigin(data: ZoneData): string {
  const names = Object.keys(data).map((name) => normalize(name).split("."));
  const [first, ...others] = names;
  if (first === undefined) return "demo.test";
  if (others.length === 0) return first.slice(first.length > 1 ? 1 : 0).join(".");
  let shared = 0;
  const at = (labels: string[], fromEnd: number) => labels[labels.length - 1 - fromEnd];
  while (at(first, shared) !== undefined && others.every((name) => at(name, shared) === at(first, shared))) {
    shared++;
  }
  if (shared === 0) {
    throw new TypeError(`the names of the zone share no suffix: ${Object.keys(data).join(", ")}`);
  }
  return first.slice(first.length - shared).join(".");
}

/** A name as the zone knows it: in lower case, without the final dot. */
export function normalize(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function isWithin(name: string, apex: string): boolean {
  return name === apex || name.endsWith(`.${apex}`);
}

function parentOf(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

function checkName(what: string, given: string): string {
  const name = normalize(given);
  if (!NAME.test(name)) throw new TypeError(`${what} must be a domain name, got ${JSON.stringify(given)}`);
  return name;
}

function checkEntry(name: string, entry: ZoneEntry, isApex: boolean): ZoneEntry {
  const { a = [], aaaa = [], cname, ttl = DEFAULT_TTL } = entry;
  const reject = (text: string): never => {
    throw new TypeError(`zone entry "${name}": ${text}`);
  };
  for (const ip of a) if (!isIPv4(ip)) reject(`"a" must list IPv4 addresses, got ${JSON.stringify(ip)}`);
  for (const ip of aaaa) {
    if (!isIPv6(ip)) reject(`"aaaa" must list IPv6 addresses, got ${JSON.stringify(ip)}`);
  }
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > MAX_TTL) {
    reject(`"ttl" must be whole seconds up to ${MAX_TTL}, got ${ttl}`);
  }
  if (cname === undefined) return { a: [...a], aaaa: [...aaaa], ttl };
  if (a.length + aaaa.length > 0 || isApex) reject(`an alias ("cname") can have no other record beside it`);
  checkName(`zone entry "${name}": "cname"`, cname);
  return { cname, ttl };
}
