/**
 * The stock: three TCP servers behind one name in two tiers, `stock-a` and `stock-b`, and `stock-c` for when both are gone.
 *
 * @module
 */

import type { ConnectionManager, EndpointOptions } from "@ballast/runtime/connections";
import { ask } from "../connections/failover.ts";
import {
  type NetstringServer,
  type ServerMode,
  startNetstringServer,
} from "../connections/netstring_server.ts";

/** What the stock says of an item. */
export interface StockReply {
  /** The server that answered. */
  readonly backend: string;
  readonly item: string;
  /** Pieces left. */
  readonly left: number;
}

/** The servers, running. */
export interface Stock {
  /** How each of them behaves, by name. */
  readonly modes: Readonly<Record<string, ServerMode>>;
  /** Where they are: an endpoint. */
  readonly endpoint: EndpointOptions;
  /** Changes how one of them behaves. Says whether there is one of that name. */
  setMode(name: string, mode: ServerMode): Promise<boolean>;
  /** Stops them. */
  close(): Promise<void>;
}

const NAMES = ["stock-a", "stock-b", "stock-c"];

/** Starts the three servers. */
export async function startStock(): Promise<Stock> {
  const servers = new Map<string, NetstringServer>();
  for (const name of NAMES) {
    let left = 1_000;
    servers.set(
      name,
      await startNetstringServer((item) =>
        JSON.stringify({ backend: name, item, left: left = left > 0 ? left - 1 : 1_000 } satisfies StockReply)
      ),
    );
  }
  const [a, b, c] = [...servers.values()].map(({ address }) => address);
  return {
    get modes() {
      return Object.fromEntries([...servers].map(([name, { mode }]) => [name, mode]));
    },
    endpoint: {
      tiers: [[a!, b!], [c!]],
      // Ten seconds and more in real life; here everything is to be seen to move.
      markdown: { failures: 1, baseMs: 2_000, maxMs: 10_000 },
      pool: { minIdle: 1 },
    },
    async setMode(name, mode) {
      const server = servers.get(name);
      await server?.setMode(mode);
      return server !== undefined;
    },
    async close() {
      await Promise.all([...servers.values()].map((server) => server.close()));
    },
  };
}

/** Asks the stock for an item: of whichever server answers. */
export async function askStock(connections: ConnectionManager, item: string): Promise<StockReply> {
  return JSON.parse(await ask(connections, "stock", item));
}
