/**
 * A cache on a real resolver of this runtime, the embedded name server, and the fault proxy between the two.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Clock, delay, detectPlatform, systemClock, type Timer } from "@ballast/runtime";
import {
  createDnsCache,
  denoResolver,
  type DnsCache,
  type DnsCacheOptions,
  type DnsEvent,
  nodeResolver,
  type Resolver,
} from "@ballast/runtime/dns";
import { type EmbeddedDnsServer, startDnsServer } from "../../examples/service/dns_server.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";

const API = ["127.0.0.1", "127.0.0.2", "::1"];
/** More than fit into a UDP reply. */
const MANY = Array.from({ length: 120 }, (_, index) => `10.0.0.${index}`);

/** Names of the zone that a test keeps warm, and their addresses in order. */
export const WARM: Readonly<Record<string, readonly string[]>> = {
  "api.lab.test": API,
  "www.lab.test": API,
  "many.lab.test": MANY.toSorted(),
};

/** A name of the zone, one of any number, and its only address. */
export const COLD = { name: (index: number) => `cold${index}.lab.test`, address: "127.0.0.9" } as const;
const COLD_NAMES = 64;

/** Time for one attempt, and attempts in one lookup. */
export const TIMEOUT_MS = 600;
export const ATTEMPTS = 2;
/** How long a failure is remembered. */
export const FAILURE_MS = 30;

const ZONE = {
  "api.lab.test": { a: API.slice(0, 2), aaaa: API.slice(2), ttl: 60 },
  "www.lab.test": { cname: "front.lab.test", ttl: 60 },
  "front.lab.test": { cname: "api.lab.test", ttl: 60 },
  "many.lab.test": { a: MANY, ttl: 60 },
  ...Object.fromEntries(
    Array.from({ length: COLD_NAMES }, (_, index) => [COLD.name(index), { a: [COLD.address], ttl: 60 }]),
  ),
};

/** What the cache is told unless a test says otherwise: everything happens soon. */
const SOON = {
  timeoutMs: TIMEOUT_MS,
  attempts: ATTEMPTS,
  refreshMs: 300,
  failureMs: FAILURE_MS,
  negativeMs: 100,
};

/** The resolvers of this runtime, and whether a denial of theirs is certain. */
export function resolvers(): { readonly resolver: Resolver; readonly certain: boolean }[] {
  const { name, dns } = detectPlatform();
  const made = [dns.node && nodeResolver(), dns.deno && denoResolver()];
  return made.flatMap((resolver) => resolver ? [{ resolver, certain: name !== "deno" }] : []);
}

/** What a test works with. */
export interface Lab {
  readonly dns: DnsCache;
  readonly server: EmbeddedDnsServer;
  readonly proxy: FaultProxy;
  /** All events so far. */
  readonly events: readonly DnsEvent[];
  /** Timers of this cache alone that are pending. */
  readonly pending: number;
}

/**
 * Runs `body`, and closes everything. Whatever happened in between, the cache must then hold no name, no lookup and no
 * timer.
 */
export async function withLab(
  resolver: Resolver,
  options: DnsCacheOptions | ((servers: Pick<Lab, "server" | "proxy">) => DnsCacheOptions),
  body: (lab: Lab) => Promise<void>,
): Promise<void> {
  const server = await startDnsServer({ zone: ZONE, origin: "lab.test" });
  const proxy = await startFaultProxy({ upstream: server });
  const clock = countingClock(systemClock);
  const own = typeof options === "function" ? options({ server, proxy }) : options;
  const dns = createDnsCache({ resolver, clock, servers: [proxy], ...SOON, ...own });
  const events: DnsEvent[] = [];
  dns.events.subscribe((event) => events.push(event));
  try {
    await body({
      dns,
      server,
      proxy,
      events,
      get pending() {
        return clock.pending;
      },
    });
  } finally {
    await dns.close();
    await proxy.close();
    await server.close();
  }
  await detectPlatform().nextTurn();
  assert.equal(clock.pending, 0, "a closed cache has no timer");
  const { names, lookups, refreshesWaiting } = dns.snapshot();
  assert.deepEqual({ names, lookups, refreshesWaiting }, { names: [], lookups: 0, refreshesWaiting: 0 });
}

/**
 * Starts runs side by side, at most `width` at a time: most of their time is waiting. The outcome of each is to be looked
 * at later; until then its failure is not unhandled.
 */
export function sideBySide(width: number): (run: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let free = width;
  return (run) => {
    const outcome = (async () => {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        await run();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    })();
    outcome.catch(() => {});
    return outcome;
  };
}

/** Waits, on the real clock, until something holds; says what it waited for when it gives up. */
export async function eventually(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > giveUpAt) assert.fail(`not within ${withinMs} ms: ${what}`);
    await delay(5);
  }
}

/** Has every name kept, and looked up until it is held with exactly its addresses: on a busy machine a first try may be late. */
export async function warmed(
  dns: DnsCache,
  names: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const cold = () =>
    Object.keys(names).filter((name) => texts(dns.peek(name) ?? []).join() !== names[name]!.join());
  // Names that are preresolved are kept: asked for again once a denial has ended, though nobody calls.
  await dns.preresolve(Object.keys(names));
  for (let tries = 0; cold().length > 0; tries++) {
    assert.ok(tries < 50, `still cold after ${tries} tries: ${cold().join(", ")}`);
    await Promise.all(cold().map((name) => dns.refresh(name).catch(() => {})));
    await delay(20);
  }
}

/** What a promise has come to before anything else could happen: its value, its error, or undefined. */
export async function atOnce<T>(promise: Promise<T>): Promise<T | Error | undefined> {
  let result: T | Error | undefined;
  promise.then((value) => result = value, (error) => result = error);
  for (let hop = 0; hop < 20 && result === undefined; hop++) await null;
  return result;
}

/** The addresses of a list, in order, to be compared. */
export function texts(list: readonly { readonly address: string }[]): string[] {
  return list.map(({ address }) => address).sort();
}

/** The clock with a count of its own: other tests run on the same one. */
function countingClock(clock: Clock): Clock {
  const timers = new Set<Timer>();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    random: () => clock.random(),
    onJump: (listener) => clock.onJump(listener),
    schedule(delayMs, callback, options) {
      const real = clock.schedule(delayMs, () => {
        timers.delete(timer);
        callback();
      }, options);
      const timer: Timer = {
        cancel() {
          timers.delete(timer);
          real.cancel();
        },
      };
      timers.add(timer);
      return timer;
    },
    get pending() {
      return timers.size;
    },
  };
}
