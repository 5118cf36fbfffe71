import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { contexts, createContext } from "@ballast/runtime/context";
import { createDnsCache, type DnsCacheOptions } from "@ballast/runtime/dns";
import { simulatedClock } from "@ballast/runtime/testing";
import {
  addresses,
  EMPTY,
  onlyV4,
  type ScriptedResolver,
  scriptedResolver,
} from "../support/scripted_resolver.ts";

afterEach(() => {
  for (const context of contexts) context.close();
});

/** A service on simulated time: its context, and a cache whose queries are scripted. */
function setUp(script: ScriptedResolver["script"], options: DnsCacheOptions = {}) {
  const clock = simulatedClock();
  const resolver = scriptedResolver(clock, script);
  const dns = createDnsCache({ resolver, clock, timeoutMs: 200, ...options });
  const service = createContext({ name: "shop", clock });
  return { clock, resolver, dns, service };
}

const SLOWLY = () => ({ afterMs: 100, answer: addresses("10.0.0.1") });
const texts = (list: readonly { address: string }[] | undefined) => list?.map(({ address }) => address);

test("a request past its deadline leaves no query, timer or listener", async () => {
  const { clock, resolver, dns, service } = setUp(() => "silence");
  for (let i = 0; i < 50; i++) {
    const request = service.child({ deadlineMs: 20 });
    const { signal } = request;
    const listeners = countListeners(signal);
    const resolving = assert.rejects(request.run(() => dns.resolve("api.example")), { code: "TIMEOUT" });
    await clock.advance(19);
    assert.deepEqual([resolver.open, listeners()], [2, 1]);
    await clock.advance(1);
    await resolving;
    assert.deepEqual([resolver.open, listeners(), clock.pending], [0, 0, 0]);
    assert.equal(signal.aborted, true);
    request.close();
  }
  const { servers, names, lookups } = dns.snapshot();
  assert.deepEqual([servers[0]!.failures, servers[0]!.queries, names, lookups], [0, 0, [], 0]);
  await dns.close();
});

test("one whose deadline is later keeps the query that others leave", async () => {
  const { clock, resolver, dns, service } = setUp(SLOWLY);
  const ask = (deadlineMs: number) =>
    service.withDeadline(deadlineMs, () => dns.resolve("api.example", { family: 4 }));
  const short = [20, 30, 40].map((deadlineMs) => assert.rejects(ask(deadlineMs), { code: "TIMEOUT" }));
  const long = ask(500);
  await clock.advance(100);
  await Promise.all(short);
  assert.deepEqual(texts(await long), ["10.0.0.1"]);
  assert.equal(resolver.queries.length, 1);
  await dns.close();
  assert.equal(clock.pending, 0);
});

test("whoever asks just when the last has left begins anew, and gets an answer", async () => {
  const { clock, resolver, dns, service } = setUp(SLOWLY);
  const request = service.child({ deadlineMs: 20 });
  const asked = request.run(() => dns.resolve("api.example"));
  // In the same turn in which the lookup is given up.
  const again = asked.catch(() => dns.resolve("api.example"));
  await clock.advance(20);
  assert.equal(resolver.queries.length, 4);
  await clock.advance(100);
  assert.deepEqual(texts(await again), ["10.0.0.1"]);
  assert.equal(resolver.open, 0);
  await dns.close();
});

test("of two records, the one that somebody waits for is asked on", async () => {
  const { clock, resolver, dns, service } = setUp(({ type }) => ({
    afterMs: 100,
    answer: addresses(type === "A" ? "10.0.0.1" : "fd00::1"),
  }));
  const both = assert.rejects(service.withDeadline(20, () => dns.resolve("api.example")), {
    code: "TIMEOUT",
  });
  const one = dns.resolve("api.example", { family: 6 });
  await clock.advance(20);
  await both;
  assert.equal(resolver.open, 1);
  await clock.advance(80);
  assert.deepEqual(texts(await one), ["fd00::1"]);
  // The other was given up as if it had never been asked for: so it is asked for now.
  assert.deepEqual(texts(await dns.resolve("api.example", { family: 0 })), ["fd00::1"]);
  await clock.advance(100);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1", "fd00::1"]);
  await dns.close();
});

test("a hit asks no context for anything: no signal is made, no timer set", async () => {
  const { clock, dns, service } = setUp(onlyV4("10.0.0.1"));
  await dns.resolve("api.example");
  const before = clock.pending;
  const request = service.child({ deadlineMs: 20 });
  await request.run(() => dns.resolve("api.example"));
  assert.equal(clock.pending, before);
  await clock.advance(50);
  // Past its deadline, even: what is held costs no wait.
  assert.deepEqual(texts(await request.run(() => dns.resolve("api.example"))), ["10.0.0.1"]);
  await dns.close();
});

test("a context that is over begins no query", async () => {
  const { resolver, dns, service } = setUp(SLOWLY);
  const request = service.child();
  request.close();
  await assert.rejects(request.run(() => dns.resolve("api.example")), { code: "CLOSED" });
  assert.equal(resolver.queries.length, 0);
  await dns.close();
});

test("a signal that is given takes the place of the context's", async () => {
  const { clock, dns, service } = setUp(SLOWLY);
  const request = service.child({ deadlineMs: 20 });
  const patient = request.run(() => dns.resolve("api.example", { signal: new AbortController().signal }));
  await clock.advance(100);
  assert.deepEqual(texts(await patient), ["10.0.0.1"]);
  await dns.close();
});

test("a refresh in the background goes on without the one who came to wait for it", async () => {
  let answers = true;
  const { clock, resolver, dns, service } = setUp(
    ({ type }) => type === "AAAA" ? EMPTY : answers ? addresses("10.0.0.1") : "silence",
    { refreshMs: 1_000, maxStaleMs: 0, preresolve: ["api.example"] },
  );
  await clock.advance(0);
  answers = false;
  await clock.advance(1_150);
  assert.equal(dns.peek("api.example"), undefined);
  const open = resolver.open;
  assert.equal(open, 1);
  await assert.rejects(
    Promise.all([
      service.withDeadline(10, () => dns.resolve("api.example", { family: 4 })),
      clock.advance(10),
    ]),
    { code: "TIMEOUT" },
  );
  assert.equal(resolver.open, open);
  await dns.close();
  assert.equal(clock.pending, 0);
});

test("preresolving and refreshing are nobody's: the deadline around them does not end them", async () => {
  const { clock, dns, service } = setUp(SLOWLY);
  const request = service.child({ deadlineMs: 20 });
  const done = request.run(() => Promise.all([dns.preresolve(["a.example"]), dns.refresh("b.example")]));
  await clock.advance(200);
  const [report, refreshed] = await done;
  assert.deepEqual([report.failed, texts(refreshed)], [[], ["10.0.0.1"]]);
  await dns.close();
});

test("what has been held is not harmed, and no failure is remembered", async () => {
  let script: ScriptedResolver["script"] = onlyV4("10.0.0.1");
  const { clock, resolver, dns, service } = setUp((query) => script(query), { failureMs: 60_000 });
  await dns.resolve("held.example");
  script = () => "silence";
  await assert.rejects(
    Promise.all([service.withDeadline(20, () => dns.resolve("api.example")), clock.advance(20)]),
    { code: "TIMEOUT" },
  );
  assert.deepEqual(texts(dns.peek("held.example")), ["10.0.0.1"]);
  script = onlyV4("10.0.0.2");
  // Had it been a failure, it would be remembered for a minute.
  assert.deepEqual(texts(await dns.resolve("api.example")), ["10.0.0.2"]);
  assert.deepEqual([dns.report().findings, resolver.open], [[], 0]);
  await dns.close();
});

test("Node's lookup ends with the deadline too, with Node's own code for it", async () => {
  const { clock, resolver, dns, service } = setUp(() => "silence");
  const code = async (request: { run<R>(fn: () => R): R }) =>
    await request.run(() =>
      new Promise((resolve) => dns.lookup("api.example", {}, (error) => resolve(error?.code)))
    );
  const timed = code(service.child({ deadlineMs: 20 }));
  await clock.advance(20);
  assert.equal(await timed, "ETIMEOUT");
  const closed = service.child();
  closed.close();
  assert.equal(await code(closed), "ECANCELLED");
  const client = new AbortController();
  client.abort();
  assert.equal(await code(service.child({ until: client })), "ECANCELLED");
  assert.equal(resolver.open, 0);
  await dns.close();
});

test("a thousand requests with deadlines of their own share two queries, and leave nothing", async () => {
  const { clock, resolver, dns, service } = setUp(() => "silence", { attempts: 1, timeoutMs: 1_000 });
  const outcomes = Array.from(
    { length: 1_000 },
    (_, i) =>
      service.withDeadline(1 + i % 500, () => dns.resolve("api.example")).catch((error) => error.code),
  );
  await clock.advance(499);
  assert.equal(resolver.open, 2);
  await clock.advance(1);
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(["TIMEOUT"]));
  assert.equal(resolver.queries.length, 2);
  assert.deepEqual([resolver.open, clock.pending, service.snapshot().open], [0, 0, 0]);
  await dns.close();
});

/** Counts the listeners that are added to a signal from now on, and not removed. */
function countListeners(signal: AbortSignal): () => number {
  const held = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    held.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    held.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  return () => held.size;
}
