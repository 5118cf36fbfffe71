/** A cache in simulated time, on a resolver that answers as the test says. */

import { createDnsCache, type DnsCache, type DnsCacheOptions, type DnsEvent } from "@ballast/runtime/dns";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import { type ScriptedResolver, scriptedResolver } from "../support/scripted_resolver.ts";

export interface Setup {
  readonly clock: SimulatedClock;
  readonly resolver: ScriptedResolver;
  readonly dns: DnsCache;
  /** All events so far. */
  readonly events: DnsEvent[];
}

export function setup(script: ScriptedResolver["script"], options: DnsCacheOptions = {}): Setup {
  const clock = simulatedClock();
  const resolver = scriptedResolver(clock, script);
  const dns = createDnsCache({ clock, resolver, ...options });
  const events: DnsEvent[] = [];
  dns.events.subscribe((event) => events.push(event));
  return { clock, resolver, dns, events };
}

/** What a promise has come to without any time passing: its value, its error's code, or "pending". */
export async function now<T>(promise: Promise<T>): Promise<T | string> {
  let result: T | string = "pending";
  promise.then((value) => result = value, (error) => result = error.code ?? String(error));
  for (let hop = 0; hop < 20; hop++) await null;
  return result;
}

/** The addresses of a list, each stale one with a question mark. */
export function texts(list: unknown): string[] | unknown {
  if (!Array.isArray(list)) return list;
  return list.map(({ address, stale }) => stale ? `${address}?` : address);
}
