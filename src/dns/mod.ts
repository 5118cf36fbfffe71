/**
 * An asynchronous DNS cache that never blocks a request on a name it knows.
 *
 * Names are resolved once, refreshed ahead of time in the background, and served stale while DNS is down; every other
 * caller of a name under way shares its query. `lookup` brings all that to any client that takes Node's `dns.lookup`.
 *
 * @example Keep names warm
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDnsCache, staticResolver } from "@ballast/runtime/dns";
 *
 * await using dns = createDnsCache({ resolver: staticResolver({ "db.internal": ["10.0.0.4"] }) });
 * const { failed } = await dns.preresolve(["db.internal"]);
 * assert.deepEqual(failed, []);
 * assert.equal(dns.peek("db.internal")?.[0].address, "10.0.0.4"); // at once, from now on
 * ```
 *
 * @module
 */

// The cache
export { createDnsCache, type DnsCache, type ResolveOptions } from "./cache.ts";
export type { PreresolveReport } from "./preresolve.ts";
export type { DnsCacheOptions } from "./options.ts";
export type { Address, Addresses, Family } from "./names.ts";
export type { HostsTable } from "./hosts.ts";

// What goes wrong
export { NameNotFoundError, ResolveError } from "./errors.ts";

// Who is asked
export { DEFAULT_DOH_URL, denoResolver, nodeResolver, type Resolver, staticResolver } from "./resolver.ts";
export { dohResolver, type DohResolverOptions } from "./doh.ts";
export type { DnsAnswer, DnsQuery, DnsQueryOptions, DnsServer, RecordType } from "./resolver.ts";

// For clients that take `dns.lookup`
export type { Lookup, LookupAddress, LookupCallback, LookupError, LookupOptions } from "./lookup.ts";

// What it says of itself
export type { DnsEvent } from "./events.ts";
export type { DnsSnapshot, NameSnapshot, RecordSnapshot, ServerSnapshot } from "./snapshot.ts";
export type { Attempt } from "./query.ts";
export type { Episode } from "./names.ts";
