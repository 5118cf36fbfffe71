/**
 * DNS through `node:dns`, for Node and Bun, and for Deno when it is asked for.
 *
 * @module
 */

import type * as Dns from "node:dns/promises";
import type * as Net from "node:net";

import { errorMessage } from "../errors.ts";
import { abortable } from "../signal.ts";
import { builtin } from "./node_builtin.ts";
import type { DnsAnswer, DnsQuery, DnsServer, SrvRecord } from "./port.ts";

/** Codes by which c-ares tells that the name, or the record, certainly is not there. */
const CERTAIN: Readonly<Record<string, "nonexistent" | "empty">> = {
  ENOTFOUND: "nonexistent",
  ENODATA: "empty",
};

/** What a query may outlive its attempt by: less, and c-ares's own time limit would race the attempt's. */
const SLACK_MS = 100;

/** How {@linkcode nodeDnsQuery} reads a failure. */
export interface NodeDnsOptions {
  /** Whether `ENOTFOUND` means NXDOMAIN; under Deno and Bun it may be any failure. @default true */
  readonly certain?: boolean;
}

/** Queries through `node:dns`, with the lowest TTL of the records. */
export function nodeDnsQuery({ certain = true }: NodeDnsOptions = {}): DnsQuery {
  const resolvers = new Map<string, Dns.Resolver>();

  // A resolver per server and timeout: its timeout is c-ares's own, so that no query outlives its attempt for long,
  // and a single query cannot be cancelled without its neighbours.
  function resolverFor(server: DnsServer | undefined, timeoutMs: number): Dns.Resolver {
    const key = `${server?.address ?? ""} ${server?.port ?? 53} ${timeoutMs}`;
    let resolver = resolvers.get(key);
    if (resolver === undefined) {
      const dns = builtin<typeof Dns>("node:dns/promises");
      resolver = new dns.Resolver({ timeout: Math.ceil(timeoutMs) + SLACK_MS, tries: 1 });
      if (server !== undefined) resolver.setServers([serverText(server)]);
      resolvers.set(key, resolver);
    }
    return resolver;
  }

  return async (name, type, { server, timeoutMs, signal }) => {
    const resolver = resolverFor(server, timeoutMs);
    try {
      const query = type === "A"
        ? resolver.resolve4(name, { ttl: true })
        : resolver.resolve6(name, { ttl: true });
      const records = await abortable(query, signal);
      if (records.length === 0) return { verdict: "empty" };
      const ttlMs = Math.min(...records.map((record) => record.ttl)) * 1000;
      return { verdict: "addresses", addresses: records.map((record) => record.address), ttlMs };
    } catch (error) {
      if (signal?.aborted) throw error;
      return failure(error, certain);
    }
  };
}

/** SRV records through `node:dns`. */
export async function nodeSrvQuery(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]> {
  const { Resolver } = builtin<typeof Dns>("node:dns/promises");
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const records = await abortable(resolver.resolveSrv(name), signal);
  return records.map(({ name: target, ...record }) => ({ ...record, target }));
}

function failure(error: unknown, certain: boolean): DnsAnswer {
  const code = (error as { code?: string }).code ?? "";
  const verdict = CERTAIN[code];
  if (verdict === undefined) {
    return { verdict: "failed", reason: code || errorMessage(error), timedOut: code === "ETIMEOUT" };
  }
  return certain ? { verdict } : { verdict: "ambiguous", reason: code };
}

function serverText({ address, port = 53 }: DnsServer): string {
  const isV6 = builtin<typeof Net>("node:net").isIPv6(address);
  return isV6 ? `[${address}]:${port}` : `${address}:${port}`;
}
