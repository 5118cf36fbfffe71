/** A connection manager on simulated time and a simulated network. */

import type { Platform } from "@ballast/runtime";
import {
  type ConnectionEvent,
  type ConnectionManager,
  type ConnectionManagerOptions,
  createConnectionManager,
} from "@ballast/runtime/connections";
import { createDnsCache, type DnsCache, staticResolver } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { detectPlatform } from "../../src/platform/detect.ts";
import { createSimulatedNet, type SimulatedNet } from "../support/simulated_net.ts";

/** What a test works with. */
export interface Lab {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNet;
  readonly manager: ConnectionManager;
  readonly dns: DnsCache;
  readonly events: ConnectionEvent[];
  /** Ends it all, and gives what is left: sockets and timers, of which there should be none. */
  end(): Promise<{ readonly sockets: number; readonly timers: number }>;
}

/** Makes a lab. Names are resolved by `hosts`, which a test may change through `dns.setHosts`. */
export function createLab(
  options: ConnectionManagerOptions & { readonly hosts?: Record<string, string[]>; readonly seed?: number } =
    {},
): Lab {
  const { hosts = {}, seed = 1, ...rest } = options;
  const clock = simulatedClock({ seed });
  const network = createSimulatedNet(clock);
  const platform: Platform = { ...detectPlatform(), clock, net: network.net };
  const dns = rest.dns ?? createDnsCache({ clock, platform, hosts, resolver: staticResolver({}) });
  const manager = createConnectionManager({ dns, clock, platform, ...rest });
  const events: ConnectionEvent[] = [];
  manager.events.subscribe((event) => events.push(event));
  return {
    clock,
    network,
    manager,
    dns,
    events,
    async end() {
      await manager.close();
      await dns.close();
      await clock.advance(0);
      return { sockets: network.open, timers: clock.pending };
    },
  };
}

/** Nothing is left. */
export const NOTHING = { sockets: 0, timers: 0 };

/** Runs `make` and lets time pass until it has settled, at most `ms`. */
export async function settle<T>(clock: SimulatedClock, promise: Promise<T>, ms = 60_000): Promise<T> {
  let settled = false;
  const mark = () => void (settled = true);
  promise.then(mark, mark);
  for (let passed = 0; !settled && passed < ms; passed += 10) await clock.advance(10);
  return await promise;
}
