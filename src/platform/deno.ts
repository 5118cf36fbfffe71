/** Deno: its own DNS client, and Node's built-ins for the rest. */

import { systemClock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import {
  builtin,
  nodeDnsQuery,
  nodeFiles,
  nodeNextTurn,
  nodeProcessInfo,
  nodeStorage,
  nodeUsage,
} from "./node.ts";
import { profiler } from "./node_profiler.ts";
import type { DnsQuery, Platform } from "./port.ts";

/** Makes the port of Deno. */
export function denoPlatform(): Platform {
  return {
    name: "deno",
    version: Deno.version.deno,
    clock: systemClock,
    capabilities: [
      {
        name: "dns",
        supported: true,
        note: "Deno.resolveDns: no TTLs; NXDOMAIN, SERVFAIL and no data look alike",
      },
      { name: "context propagation", supported: true, note: "AsyncLocalStorage" },
      {
        name: "process",
        supported: true,
        note: "memory, processor time, load; needs --allow-sys for the host's",
      },
      {
        name: "pause stacks",
        supported: true,
        note:
          "a sampling profiler, when asked for: starting it walks the heap (3 ms a MiB); needs --allow-sys=inspector",
      },
    ],
    nextTurn: nodeNextTurn,
    createStorage: nodeStorage,
    dns: { deno: denoDnsQuery, node: nodeDnsQuery({ certain: false }), default: "deno" },
    files: nodeFiles,
    terminal: () => ({ colors: !Deno.noColor && Deno.stdout.isTerminal() && Deno.stderr.isTerminal() }),
    processInfo: nodeProcessInfo,
    // getActiveResourcesInfo() is always empty here, so there are no resources to tell of.
    monitor: { usage: nodeUsage, stacks: profiler(builtin) },
  };
}

/** What Deno throws `NotFound` for, all alike. */
const NOT_FOUND = "no records (NXDOMAIN, SERVFAIL, REFUSED or an empty answer)";

/** Queries through `Deno.resolveDns`. */
const denoDnsQuery: DnsQuery = async (name, type, { server, signal }) => {
  const nameServer = server && { ipAddr: server.address, port: server.port };
  try {
    const addresses = await Deno.resolveDns(name, type, { nameServer, signal });
    return addresses.length > 0 ? { verdict: "addresses", addresses } : { verdict: "empty" };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof Deno.errors.NotFound) return { verdict: "ambiguous", reason: NOT_FOUND };
    return { verdict: "failed", reason: errorMessage(error) };
  }
};
