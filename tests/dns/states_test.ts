import assert from "node:assert/strict";
import { test } from "node:test";

import { type NameNotFoundError, type ResolveError, staticResolver } from "@ballast/runtime/dns";
import { addresses, AMBIGUOUS, EMPTY, FAILED, NONEXISTENT, onlyV4 } from "../support/scripted_resolver.ts";
import { now, setup, texts } from "./setup.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("a name in the hosts table, and an IP literal, answer at once and are never queried", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.9.9.9"), {
    hosts: { "DB.internal.": ["10.0.0.4", "fd00::4"] },
  });
  assert.deepEqual(texts(await now(dns.resolve("db.internal"))), ["10.0.0.4", "fd00::4"]);
  assert.deepEqual(texts(await now(dns.resolve("db.internal", { family: 6 }))), ["fd00::4"]);
  assert.deepEqual(texts(await now(dns.resolve("192.0.2.7"))), ["192.0.2.7"]);
  assert.deepEqual(texts(await now(dns.resolve("[2001:DB8::7]"))), ["2001:db8::7"]);
  assert.deepEqual(texts(await now(dns.resolve("localhost"))), ["127.0.0.1", "::1"]);
  assert.deepEqual(texts(await now(dns.resolve("app.localhost"))), ["127.0.0.1", "::1"]);
  assert.equal(await now(dns.resolve("192.0.2.7", { family: 6 })), "NAME_NOT_FOUND");
  await clock.advance(DAY);
  assert.deepEqual(resolver.queries, []);
  assert.equal(clock.pending, 0);
  await dns.close();
});

test("a name never resolved waits for the answer", async () => {
  const { clock, dns } = setup(({ type }) => ({
    afterMs: 20,
    answer: type === "A" ? addresses("10.0.0.1") : EMPTY,
  }));
  const waiting = dns.resolve("api.example");
  assert.equal(await now(waiting), "pending");
  assert.equal(dns.peek("api.example"), undefined);
  await clock.advance(20);
  assert.deepEqual(texts(await now(waiting)), ["10.0.0.1"]);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1"]);
  await dns.close();
});

test("a name never resolved waits at most timeoutMs for each attempt", async () => {
  const { clock, resolver, dns } = setup(() => "silence", { timeoutMs: 200, attempts: 3 });
  const waiting = dns.resolve("api.example", { family: 4 });
  await clock.advance(600 - 1);
  assert.equal(await now(waiting), "pending");
  await clock.advance(1);
  await assert.rejects(waiting, (error: ResolveError) => {
    assert.equal(error.code, "RESOLVE_FAILED");
    assert.equal(error.timedOut, true);
    assert.equal(error.retryable, true);
    assert.match(
      error.message,
      /api\.example could not be resolved: the reply of system took longer than 200 ms/,
    );
    return true;
  });
  assert.deepEqual(resolver.queries.map(({ at }) => at), [0, 200, 400]);
  await dns.close();
});

test("a fresh answer is given at once, as the same frozen list to everybody", async () => {
  const { resolver, dns } = setup(onlyV4("10.0.0.1", "10.0.0.2"));
  const first = await dns.resolve("api.example");
  const second = await dns.resolve("api.example");
  assert.equal(first, second);
  assert.equal(dns.peek("api.example"), first);
  assert.ok(Object.isFrozen(first) && first.every(Object.isFrozen));
  assert.deepEqual(first[0], { address: "10.0.0.1", family: 4, stale: false });
  assert.equal(resolver.queries.length, 2);
  await dns.close();
});

test("names in use are refreshed ahead of time: while DNS is well, none is ever stale", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example");
  for (let minute = 0; minute < 600; minute++) {
    await clock.advance(MINUTE);
    assert.equal((dns.peek("api.example") ?? [])[0]?.stale, false);
  }
  const asked = resolver.queries.filter(({ type }) => type === "A").map(({ at }) => at);
  const gaps = asked.slice(1).map((at, index) => at - asked[index]!);
  // 0.9 of 5 minutes, give or take a tenth.
  for (const gap of gaps) assert.ok(gap >= 243_000 && gap <= 297_001, `refreshed after ${gap} ms`);
  assert.ok(new Set(gaps).size > gaps.length / 2, "the jitter varies");
  await dns.close();
});

test("a stale answer is given at once and marked, while one refresh hangs, then fails, with backoff", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1"), { refreshMs: 10_000, failureMs: 1_000 });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => "silence";
  const before = resolver.queries.length;
  await clock.advance(HOUR);
  assert.deepEqual(texts(await now(dns.resolve("api.example", { family: 4 }))), ["10.0.0.1?"]);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1?"]);
  assert.equal(events.filter(({ type }) => type === "stale").length, 1);
  // Two attempts a lookup; the waits between lookups double up to refreshMs, so about one in 10 s.
  const at = resolver.queries.slice(before).map((query) => query.at).filter((_, index) => index % 2 === 0);
  const waits = at.slice(1).map((time, index) => time - at[index]! - 400);
  for (const [index, wanted] of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000].entries()) {
    assert.ok(
      Math.abs(waits[index]! - wanted) <= 0.1 * wanted + 3,
      `wait ${index} was ${waits[index]}, not ${wanted}`,
    );
  }
  resolver.script = onlyV4("10.0.0.1");
  await clock.advance(11_500);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1"]);
  await dns.close();
});

test("past maxStaleMs a name is as never resolved", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1"), { maxStaleMs: HOUR, idleMs: DAY });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => ({ afterMs: 30, answer: FAILED });
  await clock.advance(5 * MINUTE + HOUR - 1);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1?"]);
  await clock.advance(1);
  assert.equal(dns.peek("api.example"), undefined);
  assert.equal(events.filter(({ type }) => type === "expired").length, 1);
  resolver.script = () => ({ afterMs: 30, answer: addresses("10.0.0.2") });
  await clock.advance(2_000);
  const waiting = dns.resolve("api.example", { family: 4 });
  assert.equal(await now(waiting), "pending");
  await clock.advance(30);
  assert.deepEqual(texts(await now(waiting)), ["10.0.0.2"]);
  await dns.close();
});

test("maxStaleMs 0 serves nothing stale", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { maxStaleMs: 0 });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => FAILED;
  await clock.advance(5 * MINUTE);
  assert.equal(dns.peek("api.example"), undefined);
  await dns.close();
});

test("a name that does not exist is denied at once for negativeMs, then asked for again", async () => {
  const { clock, resolver, dns } = setup(() => NONEXISTENT, { negativeMs: 7_000 });
  await assert.rejects(dns.resolve("nowhere.example"), (error: NameNotFoundError) => {
    assert.equal(error.code, "NAME_NOT_FOUND");
    assert.equal(error.hostname, "nowhere.example");
    assert.equal(error.retryable, false);
    assert.match(error.message, /nowhere\.example does not exist/);
    return true;
  });
  assert.equal(resolver.queries.length, 2);
  await clock.advance(6_999);
  assert.equal(await now(dns.resolve("nowhere.example")), "NAME_NOT_FOUND");
  assert.equal(resolver.queries.length, 2);
  await clock.advance(1);
  assert.equal(dns.snapshot().names.length, 0);
  resolver.script = onlyV4("10.0.0.1");
  assert.deepEqual(texts(await now(dns.resolve("nowhere.example"))), ["10.0.0.1"]);
  await dns.close();
});

test("a negative TTL shorter than negativeMs is kept (RFC 2308)", async () => {
  const { clock, resolver, dns } = setup(() => ({ verdict: "nonexistent", ttlMs: 2_000 }), {
    negativeMs: 10_000,
  });
  await assert.rejects(dns.resolve("nowhere.example"));
  await clock.advance(2_000);
  await assert.rejects(dns.resolve("nowhere.example"));
  assert.equal(resolver.queries.length, 4);
  await dns.close();
});

test("a failure with nothing held is remembered for failureMs", async () => {
  const { clock, resolver, dns } = setup(() => FAILED, { failureMs: 1_500 });
  await assert.rejects(dns.resolve("api.example"), { code: "RESOLVE_FAILED", retryable: true });
  const asked = resolver.queries.length;
  await clock.advance(1_499);
  assert.equal(await now(dns.resolve("api.example")), "RESOLVE_FAILED");
  assert.equal(resolver.queries.length, asked);
  await clock.advance(1);
  resolver.script = onlyV4("10.0.0.1");
  assert.deepEqual(texts(await now(dns.resolve("api.example"))), ["10.0.0.1"]);
  await dns.close();
});

test("an ambiguous verdict never evicts, and is remembered for failureMs only", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { failureMs: 1_000 });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => AMBIGUOUS;
  await clock.advance(HOUR);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1?"]);
  await assert.rejects(dns.resolve("other.example"), (error: ResolveError) => {
    assert.equal(error.code, "RESOLVE_FAILED");
    assert.match(error.message, /cannot tell which/);
    return true;
  });
  await clock.advance(1_000);
  resolver.script = onlyV4("10.0.0.2");
  assert.deepEqual(texts(await now(dns.resolve("other.example"))), ["10.0.0.2"]);
  await dns.close();
});

test("nonexistent replaces a held answer once a second query confirms it", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1"), { negativeMs: MINUTE });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => NONEXISTENT;
  const before = resolver.queries.length;
  await clock.advance(297_001);
  assert.equal(resolver.queries.length - before, 2);
  assert.equal(await now(dns.resolve("api.example", { family: 4 })), "NAME_NOT_FOUND");
  const change = events.find(({ type }) => type === "changed");
  assert.deepEqual(change, {
    type: "changed",
    name: "api.example",
    record: "A",
    addresses: [],
    added: [],
    removed: ["10.0.0.1"],
  });
  await dns.close();
});

test("nonexistent that the second query does not confirm changes nothing", async () => {
  for (const second of [addresses("10.0.0.1"), FAILED, AMBIGUOUS]) {
    const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"));
    await dns.resolve("api.example", { family: 4 });
    let asked = 0;
    resolver.script = () => asked++ % 2 === 0 ? NONEXISTENT : second;
    await clock.advance(299_000);
    assert.ok(asked >= 2);
    assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1"]);
    await clock.advance(HOUR / 2);
    assert.equal(dns.peek("api.example")?.length, 1);
    await dns.close();
  }
});

test("A and AAAA settle apart: the second is waited for 50 ms once the first is there", async () => {
  const { clock, dns } = setup(({ type }) =>
    type === "A"
      ? { afterMs: 10, answer: addresses("10.0.0.1") }
      : { afterMs: 150, answer: addresses("fd00::1") }
  );
  const waiting = dns.resolve("api.example");
  await clock.advance(59);
  assert.equal(await now(waiting), "pending");
  await clock.advance(1);
  assert.deepEqual(texts(await now(waiting)), ["10.0.0.1"]);
  await clock.advance(90);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1", "fd00::1"]);
  await dns.close();
});

test("when the second family comes in time, callers get both, and no timer is left of the wait", async () => {
  const { clock, dns } = setup(({ type }) =>
    type === "A"
      ? { afterMs: 30, answer: addresses("10.0.0.1") }
      : { afterMs: 10, answer: addresses("fd00::1") }
  );
  const waiting = dns.resolve("api.example");
  await clock.advance(30);
  assert.deepEqual(texts(await now(waiting)), ["10.0.0.1", "fd00::1"]);
  assert.equal(clock.pending, 2);
  await dns.close();
  assert.equal(clock.pending, 0);
});

test("a family that fails does not spoil the one that answers", async () => {
  for (const other of [FAILED, AMBIGUOUS, EMPTY, NONEXISTENT, "silence"] as const) {
    const { clock, dns } = setup(({ type }) => type === "A" ? addresses("10.0.0.1") : other);
    const waiting = dns.resolve("api.example");
    await clock.advance(50);
    assert.deepEqual(texts(await now(waiting)), ["10.0.0.1"]);
    await clock.advance(DAY / 48);
    assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1"]);
    await dns.close();
  }
});

test("IPv6 that appears later is found in the wake of a refresh", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example");
  resolver.script = ({ type }) => type === "A" ? addresses("10.0.0.1") : addresses("fd00::1");
  await clock.advance(297_001);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1", "fd00::1"]);
  assert.ok(events.some((event) => event.type === "resolved" && event.record === "AAAA"));
  await dns.close();
});

test("a TTL is kept, within its bounds", async () => {
  const lifetimes: readonly [number, number][] = [[30_000, 30_000], [0, 5_000], [86_400_000, 300_000]];
  for (const [ttlMs, wanted] of lifetimes) {
    const { clock, resolver, dns } = setup(() => ({ verdict: "addresses", addresses: ["10.0.0.1"], ttlMs }));
    await dns.resolve("api.example", { family: 4 });
    resolver.script = () => FAILED;
    await clock.advance(wanted - 1);
    assert.equal(dns.peek("api.example")?.[0]?.stale, false, `TTL ${ttlMs}`);
    await clock.advance(1);
    assert.equal(dns.peek("api.example")?.[0]?.stale, true, `TTL ${ttlMs}`);
    await dns.close();
  }
});

test("changed addresses are an event; the same ones in another order are not", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1", "10.0.0.2"));
  await dns.resolve("api.example", { family: 4 });
  resolver.script = onlyV4("10.0.0.2", "10.0.0.1");
  await clock.advance(297_001);
  assert.deepEqual(events.map(({ type }) => type), ["resolved", "refreshed"]);
  resolver.script = onlyV4("10.0.0.2", "10.0.0.3");
  await clock.advance(297_001);
  assert.deepEqual(events.at(-1), {
    type: "changed",
    name: "api.example",
    record: "A",
    addresses: ["10.0.0.2", "10.0.0.3"],
    added: ["10.0.0.3"],
    removed: ["10.0.0.1"],
  });
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.2", "10.0.0.3"]);
  await dns.close();
});

test("a machine that slept finds its answers as old as they are", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { maxStaleMs: DAY });
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => "silence";
  clock.jump(HOUR);
  await clock.advance(0);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1?"]);
  assert.equal(resolver.open, 1);
  clock.jump(2 * DAY);
  assert.equal(dns.peek("api.example"), undefined);
  await dns.close();
  assert.equal(clock.pending, 0);
});

test("a clock set back changes nothing", async () => {
  const { clock, dns } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example", { family: 4 });
  clock.jump(-DAY);
  assert.deepEqual(texts(dns.peek("api.example")), ["10.0.0.1"]);
  await dns.close();
});

test("a resolver that breaks its contract is a failed lookup, not a broken cache", async () => {
  const breaches: readonly unknown[] = [
    undefined,
    null,
    {},
    { verdict: "perhaps" },
    { verdict: "addresses", addresses: ["not an address"] },
    { verdict: "addresses", addresses: ["fd00::1"] },
    { verdict: "addresses" },
  ];
  for (const answer of breaches) {
    const { dns } = setup(() => FAILED, {
      resolver: { name: "odd", query: () => Promise.resolve(answer as never) },
    });
    await assert.rejects(dns.resolve("api.example", { family: 4 }), { code: "RESOLVE_FAILED" });
    await dns.close();
  }
  for (
    const query of [() => Promise.reject(new Error("boom")), () => {
      throw new Error("boom");
    }]
  ) {
    const { dns } = setup(() => FAILED, { resolver: { name: "odd", query } });
    await assert.rejects(dns.resolve("api.example", { family: 4 }), /boom/);
    await dns.close();
  }
});

test("the static resolver knows its table, and denies the rest", async () => {
  const { dns } = setup(() => FAILED, { resolver: staticResolver({ "Db.internal": ["10.0.0.4"] }) });
  assert.deepEqual(texts(await dns.resolve("db.internal")), ["10.0.0.4"]);
  await assert.rejects(dns.resolve("db.internal", { family: 6 }), { code: "NAME_NOT_FOUND" });
  await assert.rejects(dns.resolve("nowhere.internal"), { code: "NAME_NOT_FOUND" });
  assert.throws(() => staticResolver({ db: ["ten"] }), /db must map to IP addresses, got "ten"/);
  await dns.close();
});

test("a name asked for in one family is completed by who asks for both, without a wait", async () => {
  const both = ({ type }: { type: string }) => addresses(type === "A" ? "10.0.0.1" : "fd00::1");
  for (const family of [4, 6] as const) {
    const { dns } = setup(both);
    const first = texts(await dns.resolve("api.example", { family }));
    assert.deepEqual(texts(await now(dns.resolve("api.example"))), first);
    assert.deepEqual(texts(await now(dns.resolve("api.example"))), ["10.0.0.1", "fd00::1"]);
    await dns.close();
    const warmed = setup(both);
    await warmed.dns.resolve("api.example", { family });
    await warmed.dns.preresolve(["api.example"]);
    assert.deepEqual(texts(warmed.dns.peek("api.example")), ["10.0.0.1", "fd00::1"]);
    await warmed.dns.close();
  }
});

test("a name that does not exist has no record of either family (RFC 8020)", async () => {
  const { clock, resolver, dns } = setup(({ type }) => type === "A" ? NONEXISTENT : "silence", {
    negativeMs: 10_000,
  });
  assert.equal(await now(dns.resolve("nowhere.example")), "NAME_NOT_FOUND");
  await clock.advance(9_999);
  assert.equal(await now(dns.resolve("nowhere.example")), "NAME_NOT_FOUND");
  assert.equal(await now(dns.resolve("nowhere.example", { family: 6 })), "NAME_NOT_FOUND");
  assert.ok(resolver.queries.length <= 3);
  await dns.close();
});

test("a record that failed is not taken for one that is not there, however late the other one comes", async () => {
  const { clock, dns } = setup(({ type }) => type === "A" ? FAILED : { afterMs: 1_500, answer: EMPTY }, {
    timeoutMs: 2_000,
  });
  const waiting = dns.resolve("api.example");
  const rejected = assert.rejects(waiting, { code: "RESOLVE_FAILED" });
  await clock.advance(1_500);
  await rejected;
  await dns.close();
});

test("a TTL that is none is as good as none", async () => {
  for (const ttlMs of [NaN, -1, Infinity, "60" as never]) {
    const { clock, dns } = setup(({ type }) =>
      type === "A"
        ? { verdict: "addresses", addresses: ["10.0.0.1"], ttlMs }
        : { verdict: "nonexistent", ttlMs }
    );
    assert.deepEqual(texts(await dns.resolve("api.example", { family: 4 })), ["10.0.0.1"]);
    assert.equal(await now(dns.resolve("api.example", { family: 6 })), "NAME_NOT_FOUND");
    assert.ok(clock.pending > 0);
    await dns.close();
  }
});

test("what a resolver gives is copied, and spelt in the one way", async () => {
  const given = ["[2001:DB8:0::1]"];
  const { dns } = setup(() => ({ verdict: "addresses", addresses: given }));
  await dns.resolve("api.example", { family: 6 });
  given[0] = "::2";
  assert.deepEqual(texts(dns.peek("api.example", { family: 6 })), ["2001:db8::1"]);
  await dns.close();
});

test("a preresolved name that does not resolve is a finding as long as it does not", async () => {
  for (const answer of [FAILED, AMBIGUOUS, NONEXISTENT, EMPTY, "silence"] as const) {
    const { clock, dns } = setup(() => answer, { preresolve: ["db.internal"] });
    await clock.advance(2_000);
    if (answer === EMPTY) continue;
    for (let second = 0; second < 600; second++) {
      await clock.advance(1_000);
      const found = dns.report().findings!.find(({ id }) => id === "dns-preresolved-names-failing");
      assert.equal(found?.severity, "critical", `${JSON.stringify(answer)} after ${second} s`);
      assert.match(found!.evidence, /^db\.internal \(/);
    }
    await dns.close();
  }
});

test("one name that fails is no reason to call a server down", async () => {
  const { clock, dns } = setup(({ name, type }) =>
    name === "bad.example" ? FAILED : type === "A" ? addresses("10.0.0.1") : EMPTY
  );
  for (let index = 0; index < 50; index++) await dns.resolve(`n${index}.example`);
  for (let index = 0; index < 5; index++) {
    await assert.rejects(dns.resolve("bad.example"));
    await clock.advance(1_500);
  }
  assert.deepEqual(dns.report().findings!.filter(({ severity }) => severity !== "info"), []);
  await dns.close();
});

test("an answer with a long TTL is not stale for long the moment it is stale", async () => {
  const { clock, resolver, dns } = setup(
    () => ({ verdict: "addresses", addresses: ["10.0.0.1"], ttlMs: HOUR }),
    {
      refreshMs: MINUTE,
      maxTtlMs: HOUR,
      idleMs: DAY,
    },
  );
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => AMBIGUOUS;
  await clock.advance(HOUR + 1_000);
  assert.deepEqual(dns.report().findings, []);
  await clock.advance(MINUTE);
  const [found] = dns.report().findings!;
  assert.equal(found?.id, "dns-stale-for-long");
  assert.equal(clock.now() - found!.since!, MINUTE + 1_000);
  await dns.close();
});
