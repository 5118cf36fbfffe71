import assert from "node:assert/strict";
import { test } from "node:test";

import { addresses, AMBIGUOUS, EMPTY, FAILED, NONEXISTENT } from "../support/scripted_resolver.ts";
import { now, setup, texts } from "./setup.ts";

const A = { address: "10.1.0.1" };
const B = { address: "10.1.0.2", port: 5353 };

test("servers that answer are asked in turn", async () => {
  const { resolver, dns } = setup(() => addresses("10.0.0.1"), { servers: [A, B] });
  for (let index = 0; index < 10; index++) await dns.resolve(`n${index}.example`, { family: 4 });
  const first = resolver.queries.filter(({ server }) => server === "10.1.0.1:53");
  assert.equal(first.length, 5);
  assert.equal(resolver.queries.length, 10);
  await dns.close();
});

test("a server that fails, refuses or is unsure hands over to the next one at once", async () => {
  for (const answer of [FAILED, AMBIGUOUS]) {
    const { resolver, dns } = setup(
      ({ server }) => server === "10.1.0.1:53" ? answer : addresses("10.0.0.1"),
      {
        servers: [A, B],
      },
    );
    for (let index = 0; index < 4; index++) {
      assert.deepEqual(texts(await now(dns.resolve(`n${index}.example`, { family: 4 }))), ["10.0.0.1"]);
    }
    assert.ok(resolver.queries.length <= 8);
    await dns.close();
  }
});

test("a dead first server costs the first caller one timeout, and the others nothing", async () => {
  const { clock, resolver, dns } = setup(
    ({ server }) => server === "10.1.0.1:53" ? "silence" : addresses("10.0.0.1"),
    {
      servers: [A, B],
      timeoutMs: 200,
    },
  );
  const first = dns.resolve("n0.example", { family: 4 });
  await clock.advance(200);
  assert.deepEqual(texts(await now(first)), ["10.0.0.1"]);
  for (let index = 1; index < 50; index++) {
    assert.deepEqual(texts(await now(dns.resolve(`n${index}.example`, { family: 4 }))), ["10.0.0.1"]);
  }
  assert.equal(resolver.queries.filter(({ server }) => server === "10.1.0.1:53").length, 1);
  await dns.close();
});

test("a server that comes back is found by a refresh, not by a caller", async () => {
  const { clock, resolver, dns } = setup(
    ({ server }) => server === "10.1.0.1:53" ? "silence" : addresses("10.0.0.1"),
    {
      servers: [A, B],
      refreshMs: 1_000,
    },
  );
  const waiting = dns.resolve("api.example", { family: 4 });
  await clock.advance(200);
  await waiting;
  await clock.advance(300_000);
  const trials = resolver.queries.filter(({ server }) => server === "10.1.0.1:53");
  assert.ok(
    trials.length >= 8 && trials.length <= 14,
    `${trials.length} trials in 5 minutes: backed off to one a minute`,
  );
  assert.equal(dns.snapshot().servers[0]!.consecutiveFailures, trials.length);
  resolver.script = () => addresses("10.0.0.1");
  await clock.advance(62_000);
  assert.equal(dns.snapshot().servers[0]!.consecutiveFailures, 0);
  await dns.close();
});

test("with every server dead a lookup ends after its attempts", async () => {
  const { clock, resolver, dns } = setup(() => "silence", { servers: [A, B], timeoutMs: 150, attempts: 3 });
  const waiting = dns.resolve("api.example", { family: 4 });
  const rejected = assert.rejects(waiting, { code: "RESOLVE_FAILED", timedOut: true });
  await clock.advance(450);
  await rejected;
  assert.deepEqual(resolver.queries.map(({ server }) => server), [
    "10.1.0.1:53",
    "10.1.0.2:5353",
    "10.1.0.1:53",
  ]);
  await dns.close();
});

test("a server that answers with a failure is not asked again in the same lookup", async () => {
  const { resolver, dns } = setup(() => FAILED, { attempts: 5 });
  await assert.rejects(dns.resolve("api.example", { family: 4 }));
  assert.equal(resolver.queries.length, 1);
  await dns.close();
});

test("a certain denial is an answer: no other server is asked", async () => {
  for (const answer of [NONEXISTENT, EMPTY]) {
    const { resolver, dns } = setup(() => answer, { servers: [A, B] });
    await assert.rejects(dns.resolve("api.example", { family: 4 }), { code: "NAME_NOT_FOUND" });
    assert.equal(resolver.queries.length, 1);
    await dns.close();
  }
});

test("the report says which server is down, and that one or all are", async () => {
  const { clock, resolver, dns } = setup(
    ({ server }) => server === "10.1.0.1:53" ? "silence" : addresses("10.0.0.1"),
    {
      servers: [A, B],
      refreshMs: 1_000,
    },
  );
  const waiting = dns.resolve("api.example", { family: 4 });
  await clock.advance(30_000);
  await waiting;
  const one = dns.report().findings!;
  assert.deepEqual(one.map(({ id, severity }) => [id, severity]), [[
    "dns-server-down-10.1.0.1:53",
    "warning",
  ]]);
  assert.match(one[0]!.evidence, /queries failed: the reply of 10\.1\.0\.1:53 took longer than 200 ms/);
  resolver.script = () => "silence";
  await clock.advance(30_000);
  const all = dns.report().findings!;
  assert.deepEqual(all.filter(({ severity }) => severity === "critical").length, 2);
  assert.ok(all.some(({ id }) => id === "dns-stale-for-long"));
  await dns.close();
});

test("a server that is no IP address, or a port that is none, is refused", () => {
  assert.throws(
    () => setup(() => FAILED, { servers: [{ address: "ns.example" }] }),
    /must be an IP address, got "ns.example"/,
  );
  assert.throws(
    () => setup(() => FAILED, { servers: [{ address: "10.0.0.1", port: 70_000 }] }),
    /from 1 to 65535, got 70000/,
  );
});
