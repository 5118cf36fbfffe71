import assert from "node:assert/strict";
import { test } from "node:test";

import { addresses, AMBIGUOUS, EMPTY, FAILED, onlyV4 } from "../support/scripted_resolver.ts";
import { now, setup, texts } from "./setup.ts";

const HOUR = 3_600_000;

test("a day of 200 names asks exactly as often as the policy says, and ends with nothing pending", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { idleMs: 30 * 24 * HOUR, negativeMs: HOUR });
  const names = Array.from({ length: 200 }, (_, index) => `n${index}.example`);
  await dns.preresolve(names);
  assert.equal(resolver.queries.length, 400);
  await clock.advance(24 * HOUR);
  // By hand, from the times of the queries alone: each A is asked for again 0.9 x 5 min +-10% after its answer ...
  const asked = new Map<string, number[]>();
  for (const { name, type, at } of resolver.queries) {
    if (type === "A") asked.set(name, [...(asked.get(name) ?? []), at]);
  }
  assert.equal(asked.size, 200);
  for (const [name, times] of asked) {
    for (const [index, at] of times.entries()) {
      const next = times[index + 1] ?? 24 * HOUR;
      assert.ok(next - at <= 297_001, `${name} was left alone for ${next - at} ms`);
      if (index + 1 < times.length) {
        assert.ok(next - at >= 243_000, `${name} was asked for after ${next - at} ms`);
      }
    }
  }
  // ... and each AAAA, known to be empty for negativeMs, in the wake of the first refresh of its A after that.
  let expected = 0;
  for (const times of asked.values()) {
    let emptyUntil = HOUR;
    expected++;
    for (const at of times.slice(1)) {
      if (at < emptyUntil) continue;
      expected++;
      emptyUntil = at + HOUR;
    }
  }
  assert.equal(resolver.queries.filter(({ type }) => type === "AAAA").length, expected);
  assert.equal(dns.snapshot().names.every(({ records }) => records[0]!.state === "fresh"), true);
  await dns.close();
  assert.equal(clock.pending, 0);
  assert.deepEqual(dns.snapshot().names, []);
});

test("names nobody asks for are dropped, those in use and those preresolved are kept", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.0.0.1"), { idleMs: HOUR });
  await dns.preresolve(["pinned.example"]);
  await dns.resolve("used.example");
  await dns.resolve("idle.example");
  for (let minute = 0; minute < 90; minute++) {
    await clock.advance(60_000);
    dns.peek("used.example");
  }
  assert.deepEqual(dns.snapshot().names.map(({ name }) => name).sort(), ["pinned.example", "used.example"]);
  assert.deepEqual(events.filter(({ type }) => type === "dropped"), [{
    type: "dropped",
    name: "idle.example",
    why: "idle",
  }]);
  const before = resolver.queries.filter(({ name }) => name === "idle.example").length;
  await clock.advance(HOUR);
  assert.equal(resolver.queries.filter(({ name }) => name === "idle.example").length, before);
  await dns.close();
});

test("at most maxNames are held, and the ones in use outlive a flood of others", async () => {
  const { clock, dns } = setup(onlyV4("10.0.0.1"), { maxNames: 100 });
  const favourites = Array.from({ length: 20 }, (_, index) => `favourite${index}.example`);
  for (const name of favourites) await dns.resolve(name);
  for (let index = 0; index < 2_000; index++) {
    await dns.resolve(`flood${index}.example`);
    dns.peek(favourites[index % favourites.length]!);
    assert.ok(dns.snapshot().names.length <= 100);
  }
  const held = new Set(dns.snapshot().names.map(({ name }) => name));
  assert.deepEqual(favourites.filter((name) => !held.has(name)), []);
  assert.equal(clock.pending, 100 * 2);
  await dns.close();
  assert.equal(clock.pending, 0);
});

test("names that do not resolve are forgotten once their memory ends", async () => {
  const { clock, dns } = setup(() => ({ verdict: "nonexistent" }));
  for (let index = 0; index < 500; index++) await assert.rejects(dns.resolve(`n${index}.example`));
  assert.equal(dns.snapshot().names.length, 500);
  await clock.advance(10_000);
  assert.equal(dns.snapshot().names.length, 0);
  assert.equal(clock.pending, 0);
  await dns.close();
});

test("refreshes are bounded: a thousand names due at once are asked for sixteen at a time", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { maxRefreshes: 16, idleMs: 24 * HOUR });
  for (let index = 0; index < 1_000; index++) await dns.resolve(`n${index}.example`, { family: 4 });
  let most = 0;
  resolver.script = () => {
    most = Math.max(most, resolver.open);
    return { afterMs: 10, answer: addresses("10.0.0.1") };
  };
  // A machine that slept finds all of them due.
  clock.jump(HOUR);
  await clock.advance(1_000);
  assert.equal(most, 16);
  assert.ok(dns.snapshot().names.every(({ records }) => records[0]!.state === "fresh"));
  await dns.close();
});

test("a flood of unknown names is refused beyond maxLookups, while names held are served", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"), { maxLookups: 10 });
  await dns.resolve("held.example");
  resolver.script = () => "silence";
  const flood = Array.from({ length: 50 }, (_, index) => dns.resolve(`n${index}.example`));
  const outcomes = Promise.allSettled(flood);
  assert.equal(await now(flood[49]!), "RESOLVE_FAILED");
  assert.equal(resolver.open, 20, "two queries a name");
  await assert.rejects(dns.refresh("more.example"), /maxLookups/);
  assert.deepEqual(texts(await now(dns.resolve("held.example"))), ["10.0.0.1"]);
  await clock.advance(400);
  assert.equal((await outcomes).filter(({ status }) => status === "rejected").length, 50);
  await clock.advance(1_000);
  assert.equal(dns.snapshot().names.length, 1, "names refused are not held");
  await dns.close();
});

test("a name that only Deno's kind of verdict knows costs no extra query for the record it lacks", async () => {
  const { clock, resolver, dns } = setup(({ type }) => type === "A" ? addresses("10.0.0.1") : AMBIGUOUS);
  await dns.resolve("api.example");
  await clock.advance(10 * HOUR / 10);
  const [a, aaaa] = ["A", "AAAA"].map((type) =>
    resolver.queries.filter((query) => query.type === type).length
  );
  assert.ok(a! >= 12 && aaaa! <= a!, `${a} A and ${aaaa} AAAA queries`);
  await dns.close();
});

test("preresolve reports what failed, never rejects, and keeps trying", async () => {
  const { clock, resolver, dns } = setup(({ name, type }) =>
    name.startsWith("good") ? (type === "A" ? addresses("10.0.0.1") : EMPTY) : FAILED
  );
  const report = await dns.preresolve([
    "good1.example",
    "GOOD2.example.",
    "bad.example",
    "not a name",
    "good1.example",
    "::1",
  ]);
  assert.deepEqual(report.resolved, ["good1.example", "GOOD2.example.", "::1"]);
  assert.deepEqual(report.failed.map(({ name }) => name).sort(), ["bad.example", "not a name"]);
  assert.match(
    report.failed.find(({ name }) => name === "bad.example")!.reason,
    /bad\.example could not be resolved: SERVFAIL/,
  );
  resolver.script = onlyV4("10.0.0.2");
  await clock.advance(5_000);
  assert.deepEqual(texts(dns.peek("bad.example")), ["10.0.0.2"]);
  await dns.close();
});

test("preresolve is bounded, and the option warms up from the start", async () => {
  let most = 0;
  const names = Array.from({ length: 100 }, (_, index) => `n${index}.example`);
  const { clock, resolver, dns } = setup(() => {
    most = Math.max(most, resolver.open);
    return { afterMs: 10, answer: addresses("10.0.0.1") };
  }, { preresolve: names });
  await clock.advance(1_000);
  assert.equal(dns.snapshot().names.length, 100);
  assert.ok(most <= 32, `${most} at a time: both records of sixteen names`);
  await dns.close();
});

test("options that make no sense are refused with the value given and the value wanted", () => {
  const wrong: readonly [object, RegExp][] = [
    [{ timeoutMs: -5 }, /timeoutMs must be a number from 1 to \d+, got -5/],
    [{ refreshMs: NaN }, /refreshMs .* got NaN/],
    [{ maxNames: 1.5 }, /maxNames must be a whole number, got 1.5/],
    [{ attempts: 0 }, /attempts must be a number >= 1, got 0/],
    [{ refreshMs: "5m" }, /refreshMs must be a number .* got "5m"/],
    [{ minTtlMs: 10_000, maxTtlMs: 5_000 }, /maxTtlMs must be a number from 10000/],
    [{ hosts: { "a b": ["10.0.0.1"] } }, /"a b" is no host name/],
    [{ hosts: { a: "10.0.0.1" } }, /addresses of a must be an array/],
    [{ resolver: {} }, /resolver must have a query function/],
  ];
  for (const [options, message] of wrong) assert.throws(() => setup(() => FAILED, options), message);
});

test("a full cache in use makes room for new names without forgetting the others", async () => {
  for (const pinned of [false, true]) {
    const { dns } = setup(onlyV4("10.0.0.1"), { maxNames: 5_000 });
    const names = Array.from({ length: 5_000 }, (_, index) => `n${index}.example`);
    if (pinned) await dns.preresolve(names);
    else for (const name of names) await dns.resolve(name);
    for (const name of names) dns.peek(name);
    for (let index = 0; index < 50; index++) await dns.resolve(`new${index}.example`);
    const kept = names.filter((name) => dns.peek(name) !== undefined);
    assert.equal(dns.snapshot().names.length, 5_000);
    assert.ok(kept.length >= 4_950, `${kept.length} names in use are still held`);
    if (pinned) assert.ok(kept.length >= 4_999, "pinned names go last");
    await dns.close();
  }
});

test("a listener that asks for what was dropped cannot make the cache grow without bound", async () => {
  const { dns } = setup(onlyV4("10.0.0.1"), { maxNames: 10, maxLookups: 5 });
  dns.events.subscribe((event) => event.type === "dropped" ? dns.resolve(event.name) : undefined);
  for (let index = 0; index < 200; index++) {
    await dns.resolve(`n${index}.example`).catch(() => {});
    assert.ok(dns.snapshot().names.length <= 10 + 5, `${dns.snapshot().names.length} names`);
  }
  await dns.close();
});

test("names that fail keep no healthy one waiting", async () => {
  const { clock, resolver, dns } = setup(({ type }) => ({
    verdict: "addresses",
    addresses: [type === "A" ? "10.0.0.1" : "fd00::1"],
  }), { idleMs: 24 * HOUR, refreshMs: 10_000 });
  for (let index = 0; index < 1_000; index++) await dns.resolve(`dead${index}.example`, { family: 4 });
  for (let index = 0; index < 20; index++) await dns.resolve(`well${index}.example`, { family: 4 });
  const healthy = resolver.script;
  resolver.script = (query) => query.name.startsWith("dead") ? "silence" : healthy(query);
  await clock.advance(60_000);
  let stale = 0;
  for (let second = 0; second < 300; second++) {
    await clock.advance(1_000);
    for (let index = 0; index < 20; index++) if (dns.peek(`well${index}.example`)![0].stale) stale++;
  }
  assert.equal(stale, 0);
  assert.ok(dns.snapshot().refreshesWaiting > 100, "the dead ones do wait");
  await dns.close();
});
