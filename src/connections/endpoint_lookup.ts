/**
 * Node's `dns.lookup`, with endpoints among the names: for clients that take a `lookup` and bring their own port.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Address, Addresses, DnsCache, Family, Lookup } from "../dns/mod.ts";
import { createLookup } from "../dns/lookup.ts";
import { BallastError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import type { Endpoint } from "./endpoint.ts";
import { familyOf } from "./tier.ts";

/** What it stands on. */
export interface EndpointLookupOptions {
  readonly clock: Clock;
  readonly dns: DnsCache;
  /** The endpoint of a name or alias. */
  readonly named: (name: string) => Endpoint | undefined;
}

/** How long the names of an endpoint may take, where nothing is held of any. */
const RESOLVE_MS = 5_000;

/** Makes a lookup of endpoints, aliases and other names. */
export function endpointLookup({ clock, dns, named }: EndpointLookupOptions): Lookup {
  return createLookup({
    peek(name, { family }) {
      const endpoint = named(name);
      if (endpoint === undefined) return dns.peek(name, { family });
      const addresses = addressesOf(endpoint, family);
      return isSome(addresses) ? addresses : undefined;
    },
    async resolve(name, { family }) {
      const endpoint = named(name);
      if (endpoint === undefined) return await dns.resolve(name, { family });
      const enough = new AbortController();
      const timer = clock.schedule(RESOLVE_MS, () => enough.abort(), { keepAlive: true });
      try {
        for (const tier of endpoint.tiers) await tier.resolve(enough.signal);
      } finally {
        timer.cancel();
      }
      const addresses = addressesOf(endpoint, family);
      if (isSome(addresses)) return addresses;
      throw new BallastError("CONNECT_FAILED", `no name of the endpoint "${name}" has an address`);
    },
    random: () => clock.random(),
  });
}

/** The addresses of the first tier that has any in rotation; where none has, those of the first that has any. */
function addressesOf({ tiers }: Endpoint, family: Family): Address[] {
  const all = tiers.map(({ backends }) => backends.flatMap((backend) => addressOf(backend, family)));
  const up = all.map((list) => list.filter(({ backend }) => backend.health.admits));
  const first = [...up, ...all].find((list) => list.length > 0) ?? [];
  return first.map(({ address }) => address).sort((a, b) => a.family - b.family);
}

function isSome(addresses: readonly Address[]): addresses is Addresses {
  return addresses.length > 0;
}

function addressOf(backend: Backend, wanted: Family): { backend: Backend; address: Address }[] {
  const { target } = backend;
  const family = familyOf(target);
  if (target.transport !== "tcp" || family === undefined || (wanted !== 0 && wanted !== family)) return [];
  return [{ backend, address: { address: target.address, family, stale: false } }];
}
