/**
 * Resolvers: who is asked. The cache takes any object of this shape; these are the ones the runtimes bring along, and
 * one that answers from a table.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { DnsAnswer, DnsQuery, Platform } from "../platform/port.ts";
import { dohResolver } from "./doh.ts";
import { normalizeName, parseLiteral } from "./name.ts";

export type { DnsAnswer, DnsQuery, DnsQueryOptions, DnsServer, RecordType } from "../platform/port.ts";

/** Sends single queries. The cache adds everything else: time limits, failover, memory. */
export interface Resolver {
  /** For logs and pages. */
  readonly name: string;
  /** Whom it asks, where it is not the cache's `servers` but always the same. @default "system" */
  readonly label?: string;
  /**
   * One query to one server. What it throws counts as `failed`; a query that ignores its signal is abandoned when its
   * time is up.
   */
  readonly query: DnsQuery;
}

/**
 * `Deno.resolveDns`. It knows no TTL and cannot tell a name that does not exist from a server that fails: both are
 * `ambiguous`. It reads the hosts file and applies the search domains of the machine.
 *
 * @throws {BallastError} `UNSUPPORTED` elsewhere than on Deno
 */
export function denoResolver(): Resolver {
  return platformResolver(detectPlatform(), "deno");
}

/**
 * The `Resolver` of `node:dns`, with TTLs. On Node it tells apart names that do not exist, empty answers and failures;
 * under Deno all three are `ambiguous`. It reads no hosts file and applies no search domain.
 *
 * @throws {BallastError} `UNSUPPORTED` where there is no `node:dns`
 */
export function nodeResolver(): Resolver {
  return platformResolver(detectPlatform(), "node");
}

/**
 * The DNS over HTTPS service that is asked where the runtime has no DNS client and nothing else is said: Cloudflare's public
 * resolver, which so gets to know the names. For another one, `dohResolver({ url })`.
 *
 * By its name, not its address: `fetch` resolves that by itself, without the cache, and in production workerd connects to no
 * bare address.
 */
export const DEFAULT_DOH_URL = "https://cloudflare-dns.com/dns-query";

/** The default resolver of a platform: its own DNS client, or where it has none the service at {@linkcode DEFAULT_DOH_URL}. */
export function defaultResolver(platform: Platform): Resolver {
  const kind = platform.dns.default;
  return kind === undefined ? dohResolver({ url: DEFAULT_DOH_URL }) : platformResolver(platform, kind);
}

function platformResolver(platform: Platform, kind: "deno" | "node"): Resolver {
  const query = platform.dns[kind];
  if (query !== undefined) return { name: kind, query };
  const message =
    `the ${kind} resolver is not to be had on ${platform.name}: use its default, or give a resolver`;
  throw new BallastError("UNSUPPORTED", message);
}

/**
 * Answers from a table of names and addresses, and says `nonexistent` to every other name: for tests, and for networks
 * without DNS.
 *
 * @example A cache without a network
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDnsCache, staticResolver } from "@ballast/runtime/dns";
 *
 * await using dns = createDnsCache({ resolver: staticResolver({ "db.internal": ["10.0.0.4"] }) });
 * assert.equal((await dns.resolve("db.internal"))[0].address, "10.0.0.4");
 * await assert.rejects(dns.resolve("nowhere.internal"), { code: "NAME_NOT_FOUND" });
 * ```
 * @throws {TypeError} when the table holds something that is no IP address
 */
export function staticResolver(table: Readonly<Record<string, readonly string[]>>): Resolver {
  const names = new Map(
    Object.entries(table).map(([name, addresses]) => [normalizeName(name), literals(name, addresses)]),
  );
  return {
    name: "static",
    query(name, type): Promise<DnsAnswer> {
      const found = names.get(name);
      if (found === undefined) return Promise.resolve({ verdict: "nonexistent" });
      const addresses = found.filter(({ family }) => family === (type === "A" ? 4 : 6)).map(({ address }) =>
        address
      );
      return Promise.resolve(
        addresses.length > 0 ? { verdict: "addresses", addresses } : { verdict: "empty" },
      );
    },
  };
}

/**
 * The addresses of one name of a table.
 *
 * @throws {TypeError} when one of them is no IP address
 */
export function literals(name: string, addresses: readonly string[]): { address: string; family: 4 | 6 }[] {
  if (!Array.isArray(addresses)) {
    throw new TypeError(`the addresses of ${name} must be an array of IP addresses`);
  }
  return addresses.map((text) => {
    const literal = parseLiteral(text);
    if (literal === undefined) {
      throw new TypeError(`${name} must map to IP addresses, got ${JSON.stringify(text)}`);
    }
    return literal;
  });
}
