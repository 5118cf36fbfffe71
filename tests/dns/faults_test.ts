import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { BallastError, delay, retry } from "@ballast/runtime";
import { NameNotFoundError, ResolveError, type Resolver } from "@ballast/runtime/dns";
import { FORGED, type ProxyFault } from "../support/fault_proxy.ts";
import {
  atOnce,
  ATTEMPTS,
  COLD,
  eventually,
  FAILURE_MS,
  type Lab,
  resolvers,
  sideBySide,
  texts,
  TIMEOUT_MS,
  WARM,
  warmed,
  withLab,
} from "../support/fault_proxy_lab.ts";

/** What is done to the name server, and what then comes of a name of which nothing is held. */
interface Case {
  readonly title: string;
  /** "down": its sockets are closed. */
  readonly fault: ProxyFault | "down";
  /** The right answer, a failure, a denial where the resolver can tell it from a failure; or, by chance, any of them. */
  readonly cold: "right" | "failure" | "denial" | "any";
}

const CASES: readonly Case[] = [
  { title: "is silent", fault: { mode: "drop" }, cold: "failure" },
  { title: "loses half of the queries", fault: { mode: "drop", share: 0.5 }, cold: "any" },
  { title: "loses every first try", fault: { mode: "drop", flapping: true }, cold: "right" },
  { title: "is late", fault: { mode: "delay", delayMs: 2_000 }, cold: "failure" },
  { title: "is slow", fault: { mode: "delay", delayMs: 10 }, cold: "right" },
  { title: "says SERVFAIL", fault: { mode: "servfail" }, cold: "failure" },
  { title: "says SERVFAIL to half of the queries", fault: { mode: "servfail", share: 0.5 }, cold: "any" },
  { title: "says REFUSED", fault: { mode: "refused" }, cold: "failure" },
  { title: "says NXDOMAIN to every other query", fault: { mode: "nxdomain", flapping: true }, cold: "any" },
  { title: "says NODATA to every other query", fault: { mode: "empty", flapping: true }, cold: "any" },
  { title: "truncates, and answers by TCP", fault: { mode: "truncate", tcp: "answers" }, cold: "right" },
  { title: "truncates, and refuses TCP", fault: { mode: "truncate", tcp: "refuses" }, cold: "failure" },
  { title: "truncates, and is silent on TCP", fault: { mode: "truncate", tcp: "hangs" }, cold: "failure" },
  { title: "sends garbage", fault: { mode: "garbage" }, cold: "failure" },
  { title: "sends everything three times", fault: { mode: "duplicate", times: 3 }, cold: "right" },
  { title: "is gone, sockets and all", fault: "down", cold: "failure" },
  // As many as a socket has room for: the right reply may be lost among them.
  {
    title: "is drowned by forgers (a flood of wrong ids)",
    fault: { mode: "forge", wrong: "id", times: 100 },
    cold: "any",
  },
  ...(["id", "question", "port", "address"] as const).flatMap((wrong): Case[] => [
    {
      title: `is outrun by forgers (wrong ${wrong})`,
      fault: { mode: "forge", wrong, times: 30 },
      cold: "right",
    },
    {
      title: `is replaced by a forger (wrong ${wrong})`,
      fault: { mode: "forge", wrong, alone: true },
      cold: "failure",
    },
  ]),
];

/** Every query is denied: that has to be believed in the end, where it is certain. */
const DENIALS: readonly Case[] = [
  { title: "says NXDOMAIN", fault: { mode: "nxdomain" }, cold: "denial" },
  { title: "says NODATA", fault: { mode: "empty" }, cold: "denial" },
  { title: "replies with nothing in it", fault: { mode: "blank" }, cold: "denial" },
];

/** Lookups of each warm name that have to end while the fault is on. */
const LOOKUPS = 2;
/** What a lookup may take beyond its attempts on a machine that has other things to do. */
const SLACK_MS = 5_000;

/** A reply made of a query and its right reply. */
type Spoiler = (query: Uint8Array, right: Uint8Array) => Uint8Array;

const bytes = fc.uint8Array({ minLength: 0, maxLength: 600 });

const spoilers: fc.Arbitrary<Spoiler> = fc.oneof(
  bytes.map((noise): Spoiler => () => noise),
  // The right id, and a reply by its flags, so that it gets past the first look.
  fc.tuple(bytes, fc.nat(255), fc.nat(255)).map(([body, high, low]): Spoiler => (query) =>
    Uint8Array.of(query[0]!, query[1]!, high | 0x80, low, ...body)
  ),
  // The right question as well, and then any numbers of any records.
  fc.tuple(bytes, fc.uint8Array({ minLength: 6, maxLength: 6 })).map(
    ([body, counts]): Spoiler => (query, right) =>
      Uint8Array.of(...right.subarray(0, 6), ...counts, ...questionOf(query), ...body),
  ),
  fc.nat(100).map((length): Spoiler => (_, right) => right.slice(0, length)),
  fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { minLength: 1, maxLength: 4 }).map(
    (changes): Spoiler => (_, right) => {
      const spoiled = Uint8Array.from(right);
      for (const [at, byte] of changes) if (at < spoiled.length) spoiled[at] = byte;
      return spoiled;
    },
  ),
);

// Most of a run is waiting: the tests below only look at what came of them.
const start = sideBySide(8);
const runs = resolvers().flatMap(({ resolver, certain }) => [
  ...CASES.map((one) => ({
    title: `${resolver.name}: names held are served while the name server ${one.title}`,
    outcome: start(() => withLab(resolver, {}, survive(one, certain))),
  })),
  ...DENIALS.map((one) => ({
    title: certain
      ? `${resolver.name}: names held are given up once confirmed when the name server ${one.title}`
      : `${resolver.name}: names held are served while the name server ${one.title}: it may be a failure`,
    outcome: start(() => withLab(resolver, {}, certain ? believe(one) : survive(one, certain))),
  })),
  {
    title: `${resolver.name}: a dead server of two costs one lookup an attempt, and none its answer`,
    outcome: start(() => failOver(resolver)),
  },
  {
    title:
      `${resolver.name}: any bytes for a reply end in an answer or a typed error, and leave nothing behind`,
    outcome: start(() => fuzz(resolver)),
  },
]);

for (const { title, outcome } of runs) test(title, () => outcome);

/** A fault that must not be noticed by those who ask for names held. */
function survive({ fault, cold }: Case, certain: boolean): (lab: Lab) => Promise<void> {
  return async (lab) => {
    await warmUp(lab);
    await begin(lab, fault);
    const from = lab.events.length;
    const asked = () => Object.keys(WARM).every((name) => lookupsEnded(lab, name, from) >= LOOKUPS);
    await Promise.all([
      ...[0, 1, 2].map((index) => expectCold(lab, index, cold, certain)),
      (async () => {
        const giveUpAt = performance.now() + 30_000;
        for (; !asked() && performance.now() < giveUpAt; await delay(10)) await expectWarm(lab);
        assert.ok(asked(), "every name was looked up under the fault");
      })(),
    ]);
    if (fault !== "down") assert.ok(lab.proxy.queries.some(({ spoiled }) => spoiled), "the fault was real");
    await expectWarm(lab);
    await expectRecovery(lab);
    assert.deepEqual(lab.events.filter(({ type }) => type === "changed" || type === "expired"), []);
    assert.ok(!JSON.stringify(lab.events).includes(FORGED.A), "nobody believed a forger");
  };
}

/** A denial that is certain: a second query confirms it, then callers are told, and in the end it is over. */
function believe({ fault, cold }: Case): (lab: Lab) => Promise<void> {
  return async (lab) => {
    await warmUp(lab);
    const from = lab.proxy.queries.length;
    await begin(lab, fault);
    await expectCold(lab, 0, cold, true);
    for (const name of Object.keys(WARM)) {
      const denied = () =>
        lab.events.some((event) => event.type === "absent" && event.record === "A" && event.name === name);
      await eventually(`${name} is given up`, denied);
      const asked = lab.proxy.queries.slice(from).filter((query) =>
        query.name === name && query.type === "A"
      );
      assert.ok(asked.length >= 2, `${name} was given up after ${asked.length} query`);
      await assert.rejects(lab.dns.resolve(name, { family: 4 }), NameNotFoundError);
    }
    await expectRecovery(lab);
  };
}

async function failOver(resolver: Resolver): Promise<void> {
  for (const dead of [{ mode: "drop" }, "down"] as const) {
    // Nothing is refreshed: every query is for somebody who waits.
    const once = { refreshMs: 60_000, timeoutMs: 1_500 };
    await withLab(resolver, ({ proxy, server }) => ({ servers: [proxy, server], ...once }), async (lab) => {
      await begin(lab, dead);
      for (let index = 0; index < 20; index++) {
        assert.deepEqual(texts(await lab.dns.resolve(COLD.name(index), { family: 4 })), [COLD.address]);
      }
      const [first, second] = lab.dns.snapshot().servers;
      assert.deepEqual([first!.queries, first!.failures], [1, 1]);
      assert.deepEqual([second!.queries, second!.failures], [20, 0]);
    });
  }
  await withLab(resolver, ({ proxy, server }) => ({ servers: [proxy, server] }), async (lab) => {
    await warmUp(lab);
    await begin(lab, "down");
    const isDown = () => lab.dns.snapshot().servers[0]!.consecutiveFailures > 0;
    await eventually("a refresh finds it dead", isDown);
    for (let index = 0; index < 20; index++) await expectCold(lab, index, "right", true);
    await expectRecovery(lab);
  });
}

/** Names, and so packets, at a time. */
const WIDTH = 24;

async function fuzz(resolver: Resolver): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(spoilers, { minLength: WIDTH, maxLength: WIDTH }),
    (packets) =>
      withLab(resolver, { timeoutMs: 60 }, async (lab) => {
        // "cold17" is the first label of the name.
        const packetFor = (query: Uint8Array) =>
          packets[Number(new TextDecoder().decode(query.subarray(17, 13 + query[12]!)))]!;
        await lab.proxy.setFault({
          mode: "script",
          replies: (query, right) => [packetFor(query)(query, right)],
        });
        await Promise.all(packets.map(async (_, index) => {
          const outcome = await lab.dns.resolve(COLD.name(index)).catch((error) => error);
          if (outcome instanceof Error) assert.ok(outcome instanceof BallastError, String(outcome));
          else assert.ok(outcome.length > 0);
        }));
        await lab.proxy.setFault({ mode: "ok" });
        const right = await retry(() => lab.dns.resolve(COLD.name(63), { family: 4 }), { attempts: 20 });
        assert.deepEqual(texts(right), [COLD.address]);
      }),
  );
  await fc.assert(property, { numRuns: 12 });
}

/** The question of a query, byte for byte: a name that ends with a zero, a type, a class. */
function questionOf(query: Uint8Array): Uint8Array {
  return query.subarray(12, query.indexOf(0, 12) + 5);
}

/** How often lookups of a name's A record have ended since event number `from`. */
function lookupsEnded({ events }: Lab, name: string, from: number): number {
  const ends = ["resolved", "refreshed", "changed", "failed", "absent"];
  return events.slice(from).filter((event) =>
    event.name === name && ends.includes(event.type) && "record" in event && event.record === "A"
  ).length;
}

function warmUp({ dns }: Lab): Promise<void> {
  return warmed(dns, WARM);
}

async function begin({ proxy }: Lab, fault: Case["fault"]): Promise<void> {
  if (fault === "down") await proxy.goDown();
  else await proxy.setFault(fault);
}

/** Every warm name is answered at once, with exactly the right addresses. */
async function expectWarm({ dns }: Lab): Promise<void> {
  for (const [name, expected] of Object.entries(WARM)) {
    const answer = await atOnce(dns.resolve(name));
    assert.ok(Array.isArray(answer), `${name} was not answered at once, but with ${answer}`);
    assert.deepEqual(texts(answer), expected);
  }
}

/**
 * A cold name ends as the case says, and within its attempts. Where it says "right", tries may fail for want of time, as on a
 * machine that has other things to do; but not all of them.
 */
async function expectCold(
  lab: Lab,
  index: number,
  wanted: Case["cold"],
  certain: boolean,
  triesLeft = wanted === "right" ? 10 : 0,
): Promise<void> {
  const name = COLD.name(index);
  const enough = new AbortController();
  const tooLong = delay(ATTEMPTS * TIMEOUT_MS + SLACK_MS, { signal: enough.signal })
    .then(() => assert.fail(`${name} was left waiting`), () => {});
  const outcome = await Promise.race([lab.dns.resolve(name).catch((error: unknown) => error), tooLong]);
  enough.abort();
  if (Array.isArray(outcome)) {
    assert.deepEqual(texts(outcome), [COLD.address]);
    assert.ok(wanted === "right" || wanted === "any", "an answer out of nowhere");
    return;
  }
  if (triesLeft > 0 && outcome instanceof ResolveError && outcome.timedOut) {
    await delay(FAILURE_MS);
    return await expectCold(lab, index, wanted, certain, triesLeft - 1);
  }
  const denied = outcome instanceof NameNotFoundError;
  assert.ok(denied || outcome instanceof ResolveError, `an error of no type: ${outcome}`);
  assert.ok(certain || !denied, `denied by a resolver that cannot know: ${outcome}`);
  if (wanted !== "any") {
    assert.equal(denied ? "denial" : "failure", certain ? wanted : "failure", String(outcome));
  }
  assert.notEqual(wanted, "right", String(outcome));
}

/** Ends the fault: soon everything is fresh and right, and the server well. */
async function expectRecovery(lab: Lab): Promise<void> {
  const { dns, proxy, events } = lab;
  await proxy.setFault({ mode: "ok" });
  await proxy.comeBack();
  const from = events.length;
  const isFresh = ([name, expected]: [string, readonly string[]]) => {
    const held = dns.peek(name) ?? [];
    const isRight = texts(held).join() === expected.join() && held.every(({ stale }) => !stale);
    return isRight && lookupsEnded(lab, name, from) >= 1;
  };
  await eventually("every name is fresh and right again", () => Object.entries(WARM).every(isFresh));
  const failing = () => dns.snapshot().servers.some(({ consecutiveFailures }) => consecutiveFailures > 0);
  await eventually("the name servers are well again", () => !failing());
  await expectWarm(lab);
  assert.deepEqual(texts(await dns.resolve(COLD.name(63))), [COLD.address]);
}
