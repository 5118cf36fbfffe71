/**
 * The DNS cache against real name servers. Run by `main.ts`, as it is no unit test: it needs their programs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createDnsCache, type DnsCache, type DnsCacheOptions, type DnsEvent } from "@ballast/runtime/dns";
import { NameNotFoundError, ResolveError, type Resolver } from "@ballast/runtime/dns";
import { FORGED, type ProxyFault, startFaultProxy } from "../support/fault_proxy.ts";
import { atOnce, eventually, resolvers, sideBySide, texts, warmed } from "../support/fault_proxy_lab.ts";
import { type Daemon, DAEMONS, ORIGIN, type Records, type RunningDaemon, TTL_S } from "./daemons.ts";

const API = ["127.0.0.1", "127.0.0.2", "::1"];
/** More than fit into a UDP reply. */
const MANY = Array.from({ length: 120 }, (_, index) => `10.0.1.${index}`).sort();

const RECORDS: Records = {
  addresses: {
    api: API,
    v4: ["127.0.0.4"],
    v6: ["::6"],
    many: MANY,
    ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`cold${index}`, ["127.0.0.9"]])),
  },
  aliases: { www: "front", front: "api" },
};

/** Names that are kept warm while something happens to the server. */
const WARM: Readonly<Record<string, readonly string[]>> = { api: API, www: API, many: MANY };

/** Refreshes come soon, whatever the zone says. */
const SOON: DnsCacheOptions = { timeoutMs: 500, refreshMs: 300, failureMs: 30, negativeMs: 200 };

const FAULTS: readonly ProxyFault[] = [
  { mode: "drop" },
  { mode: "drop", share: 0.5 },
  { mode: "servfail" },
  { mode: "truncate", tcp: "answers" },
  { mode: "truncate", tcp: "refuses" },
  { mode: "forge", wrong: "id", times: 20 },
  { mode: "forge", wrong: "question", alone: true },
  { mode: "garbage" },
];

interface Scene {
  readonly server: RunningDaemon;
  readonly dns: DnsCache;
  readonly events: readonly DnsEvent[];
}

// Most of a test is waiting: they run side by side, and what is reported is what came of them.
const start = sideBySide(4);

for (const daemon of DAEMONS) {
  for (const { resolver, certain } of resolvers()) {
    tests(daemon, resolver, certain);
  }
}

function tests(daemon: Daemon, resolver: Resolver, certain: boolean): void {
  function it(title: string, body: () => Promise<void>): void {
    const whole = `${daemon.name}, asked by the ${resolver.name} resolver: ${title}`;
    const outcome = daemon.missing ? undefined : start(body);
    test(whole, { skip: daemon.missing }, () => outcome);
  }
  const scene = (options: DnsCacheOptions, body: (scene: Scene) => Promise<void>) =>
    withScene(daemon, { resolver, ...options }, body);

  it("addresses and chains of aliases are those of the zone", () =>
    scene({}, async ({ dns }) => {
      assert.deepEqual(await dns.resolve(full("api"), { family: 4 }).then(texts), API.slice(0, 2));
      assert.deepEqual(await dns.resolve(full("api"), { family: 6 }).then(texts), API.slice(2));
      assert.deepEqual(await dns.resolve(full("V4") + ".").then(texts), ["127.0.0.4"]);
      assert.deepEqual(await dns.resolve(full("v6")).then(texts), ["::6"]);
      for (const name of ["front", "www"]) {
        await dns.refresh(full(name));
        assert.deepEqual(texts(dns.peek(full(name))!), API);
      }
    }));

  it("120 records, too many for UDP, are all there", () =>
    scene({}, async ({ dns }) => {
      assert.deepEqual(await dns.resolve(full("many"), { family: 4 }).then(texts), MANY);
    }));

  it("the zone's TTL decides on the refresh where the resolver tells it, refreshMs where not", () =>
    scene({ refreshMs: 1_000_000 }, async ({ dns }) => {
      await dns.resolve(full("v4"), { family: 4 });
      const { refreshInMs } = dns.snapshot().names[0]!.records[0]!;
      const freshMs = resolver.name === "node" ? TTL_S * 1_000 : 1_000_000;
      assert.ok(refreshInMs! > 0.7 * freshMs && refreshInMs! < freshMs, `${refreshInMs} of ${freshMs} ms`);
    }));

  it("a name or record that is not there is an error, certain or not", () =>
    scene({}, async ({ dns }) => {
      const wanted = certain ? NameNotFoundError : ResolveError;
      await assert.rejects(dns.resolve(full("nobody")), wanted);
      await assert.rejects(dns.resolve(full("v4"), { family: 6 }), wanted);
      await assert.rejects(dns.resolve(full("v6"), { family: 4 }), wanted);
      assert.deepEqual(await dns.resolve(full("v4")).then(texts), ["127.0.0.4"]);
    }));

  it("a change of the zone is an event, and is served", () =>
    scene(SOON, async ({ dns, server, events }) => {
      await warmUp(dns);
      const addresses = { ...RECORDS.addresses, api: ["127.0.0.1", "127.0.0.3", "::1"] };
      server.setRecords({ ...RECORDS, addresses });
      await eventually(
        "the new address is served",
        () => texts(dns.peek(full("api"))!).includes("127.0.0.3"),
      );
      const change = events.find(({ type, name }) => type === "changed" && name === full("api"));
      assert.ok(change?.type === "changed");
      assert.deepEqual([change.added, change.removed], [["127.0.0.3"], ["127.0.0.2"]]);
      assert.deepEqual(texts(dns.peek(full("api"))!), ["127.0.0.1", "127.0.0.3", "::1"]);
    }));

  it("a name that leaves the zone is given up where that is certain, and served on where not", () =>
    scene(SOON, async ({ dns, server, events }) => {
      await warmUp(dns);
      const { many: _, ...addresses } = RECORDS.addresses;
      server.setRecords({ ...RECORDS, addresses });
      const told = certain ? "absent" : "failed";
      const isTold = () =>
        events.some((event) => event.type === told && event.name === full("many") && event.record === "A");
      await eventually("the cache is told", isTold);
      if (certain) await assert.rejects(dns.resolve(full("many"), { family: 4 }), NameNotFoundError);
      else await expectHeld(dns, "many");
      server.setRecords(RECORDS);
      await expectFresh(dns, events);
    }));

  it("while the server is frozen names held are served, new ones time out, and it ends with it", () =>
    scene(SOON, async ({ dns, server, events }) => {
      await warmUp(dns);
      await server.freeze();
      const from = events.length;
      await assert.rejects(dns.resolve(full("cold0")), (error: unknown) => {
        assert.ok(error instanceof ResolveError && error.timedOut, String(error));
        return true;
      });
      await expectOutage(dns, events, from);
      server.thaw();
      await expectFresh(dns, events);
      assert.deepEqual(await dns.resolve(full("cold1")).then(texts), ["127.0.0.9"]);
    }));

  it("while the server is dead names held are served, new ones fail, and it ends when it is back", () =>
    scene(SOON, async ({ dns, server, events }) => {
      await warmUp(dns);
      await server.kill();
      const from = events.length;
      await assert.rejects(dns.resolve(full("cold0")), ResolveError);
      await expectOutage(dns, events, from);
      const isStale = () => Object.keys(WARM).every((name) => dns.peek(full(name))![0].stale);
      await eventually("what is served is marked stale", isStale);
      for (const name of Object.keys(WARM)) await expectHeld(dns, name);
      await server.restart();
      await expectFresh(dns, events);
      assert.deepEqual(await dns.resolve(full("cold1")).then(texts), ["127.0.0.9"]);
    }));

  it("the first server of two may be dead: that costs one lookup an attempt, and none its answer", () =>
    scene({}, async ({ server }) => {
      const dead = await startFaultProxy({ upstream: server });
      await dead.goDown();
      try {
        const options = { timeoutMs: 1_000, refreshMs: 60_000, resolver, servers: [dead, server] };
        await withCache(options, async (dns) => {
          for (let index = 0; index < 20; index++) {
            assert.deepEqual(await dns.resolve(full(`cold${index}`), { family: 4 }).then(texts), [
              "127.0.0.9",
            ]);
          }
          const [first, second] = dns.snapshot().servers;
          assert.deepEqual([first!.queries, first!.failures], [1, 1]);
          assert.deepEqual([second!.queries, second!.failures], [20, 0]);
        });
      } finally {
        await dead.close();
      }
    }));

  it("a broken way to the server is not noticed by those who ask for names held", () =>
    scene({}, async ({ server }) => {
      await Promise.all(FAULTS.map((fault) => expectUnnoticed(server, resolver, fault)));
    }));
}

async function expectUnnoticed(server: RunningDaemon, resolver: Resolver, fault: ProxyFault): Promise<void> {
  const proxy = await startFaultProxy({ upstream: server });
  try {
    await withCache({ ...SOON, resolver, servers: [proxy] }, async (dns, events) => {
      await warmUp(dns);
      await proxy.setFault(fault);
      await expectOutage(dns, events, events.length);
      await proxy.setFault({ mode: "ok" });
      await expectFresh(dns, events);
      assert.ok(proxy.queries.some(({ spoiled }) => spoiled), "the fault was real");
      assert.deepEqual(events.filter(({ type }) => type === "changed"), []);
      assert.ok(!JSON.stringify(events).includes(FORGED.A));
    });
  } finally {
    await proxy.close();
  }
}

function full(name: string): string {
  return `${name}.${ORIGIN}`;
}

async function withScene(
  daemon: Daemon,
  options: DnsCacheOptions,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const server = await daemon.start(RECORDS);
  try {
    await withCache(
      { timeoutMs: 1_000, ...options, servers: [server] },
      (dns, events) => body({ server, dns, events }),
    );
  } finally {
    await server.close();
  }
}

async function withCache(
  options: DnsCacheOptions,
  body: (dns: DnsCache, events: readonly DnsEvent[]) => Promise<void>,
): Promise<void> {
  const dns = createDnsCache(options);
  const events: DnsEvent[] = [];
  dns.events.subscribe((event) => events.push(event));
  try {
    await body(dns, events);
  } finally {
    await dns.close();
  }
}

function warmUp(dns: DnsCache): Promise<void> {
  return warmed(dns, Object.fromEntries(Object.entries(WARM).map(([name, list]) => [full(name), list])));
}

/** The name is answered at once, and with the right addresses. */
async function expectHeld(dns: DnsCache, name: string): Promise<void> {
  const answer = await atOnce(dns.resolve(full(name)));
  assert.ok(Array.isArray(answer), `${name} was not answered at once, but with ${answer}`);
  assert.deepEqual(texts(answer), WARM[name]);
}

/** Until two lookups of every name have ended, all of them are answered as ever. */
async function expectOutage(dns: DnsCache, events: readonly DnsEvent[], from: number): Promise<void> {
  const isAsked = (name: string) => lookupsEnded(events, name, from) >= 2;
  const round = async () => {
    for (const name of Object.keys(WARM)) await expectHeld(dns, name);
  };
  let rounds = Promise.resolve();
  await eventually("every name was looked up", () => {
    rounds = rounds.then(round);
    rounds.catch(() => {});
    return Object.keys(WARM).every(isAsked);
  });
  await rounds;
}

/** Soon every name has been looked up well, and is right and not stale. */
async function expectFresh(dns: DnsCache, events: readonly DnsEvent[]): Promise<void> {
  const from = events.length;
  const isFresh = ([name, expected]: [string, readonly string[]]) => {
    const held = dns.peek(full(name)) ?? [];
    const isRight = texts(held).join() === expected.join() && held.every(({ stale }) => !stale);
    return isRight && lookupsEnded(events, name, from) > 0;
  };
  await eventually("every name is fresh and right", () => Object.entries(WARM).every(isFresh));
  const isWell = () => dns.snapshot().servers.every(({ consecutiveFailures }) => consecutiveFailures === 0);
  await eventually("the server is well", isWell);
}

function lookupsEnded(events: readonly DnsEvent[], name: string, from: number): number {
  const ends = ["resolved", "refreshed", "changed", "failed", "absent"];
  return events.slice(from).filter((event) =>
    event.name === full(name) && ends.includes(event.type) && "record" in event && event.record === "A"
  ).length;
}
