import assert from "node:assert/strict";
import { test } from "node:test";

import { addresses, onlyV4 } from "../support/scripted_resolver.ts";
import { now, setup, texts } from "./setup.ts";

test("a new table takes effect at once, and every change is an event", async () => {
  const { dns, events } = setup(onlyV4("10.9.9.9"), {
    hosts: { "a.internal": ["10.0.0.1"], "b.internal": ["10.0.0.2"] },
  });
  dns.setHosts({ "a.internal": ["10.0.0.1", "10.0.0.3"], "c.internal": ["fd00::1"] });
  assert.deepEqual(texts(dns.peek("a.internal")), ["10.0.0.1", "10.0.0.3"]);
  assert.deepEqual(texts(dns.peek("c.internal")), ["fd00::1"]);
  assert.equal(dns.peek("b.internal"), undefined);
  assert.deepEqual(
    events.flatMap((event) =>
      event.type === "changed" ? [[event.name, event.record, event.added, event.removed]] : []
    ),
    [
      ["a.internal", "A", ["10.0.0.3"], []],
      ["b.internal", "A", [], ["10.0.0.2"]],
      ["c.internal", "AAAA", ["fd00::1"], []],
    ],
  );
  await dns.close();
});

test("a bad table changes nothing", async () => {
  const { dns, events } = setup(onlyV4("10.9.9.9"), { hosts: { "a.internal": ["10.0.0.1"] } });
  for (
    const table of [{ "a.internal": ["ten"] }, { "no name": ["10.0.0.2"] }, { "a.internal": [7] }, {
      a: null,
    }]
  ) {
    assert.throws(() => dns.setHosts(table as never));
  }
  assert.deepEqual(texts(dns.peek("a.internal")), ["10.0.0.1"]);
  assert.deepEqual(events, []);
  await dns.close();
});

test("a name that the table takes over is queried no more, and its move is an event", async () => {
  const { clock, resolver, dns, events } = setup(onlyV4("10.9.9.9"));
  await dns.resolve("api.example");
  dns.setHosts({ "api.example": ["10.0.0.1"] });
  assert.deepEqual(texts(await now(dns.resolve("api.example"))), ["10.0.0.1"]);
  const change = events.find((event) => event.type === "changed");
  assert.deepEqual(change?.type === "changed" && [change.added, change.removed], [["10.0.0.1"], [
    "10.9.9.9",
  ]]);
  const before = resolver.queries.length;
  await clock.advance(3_600_000);
  assert.equal(resolver.queries.length, before);
  assert.equal(clock.pending, 0);
  dns.setHosts({});
  assert.deepEqual(texts(await now(dns.resolve("api.example"))), ["10.9.9.9"]);
  await dns.close();
});

test("a caller who waits when the table gets the name is served from the table", async () => {
  const { clock, dns } = setup(() => ({ afterMs: 100, answer: addresses("10.9.9.9") }));
  const waiting = dns.resolve("api.example", { family: 4 });
  await clock.advance(10);
  dns.setHosts({ "api.example": ["10.0.0.1"] });
  await clock.advance(90);
  assert.deepEqual(texts(await waiting), ["10.0.0.1"]);
  await clock.advance(3_600_000);
  assert.equal(clock.pending, 0);
  await dns.close();
});

test("an empty entry blocks a name", async () => {
  const { resolver, dns } = setup(onlyV4("10.9.9.9"), { hosts: { "ads.example": [] } });
  assert.equal(await now(dns.resolve("ads.example")), "NAME_NOT_FOUND");
  assert.deepEqual(resolver.queries, []);
  await dns.close();
});

test("localhost can be told otherwise", async () => {
  const { dns } = setup(onlyV4("10.9.9.9"), { hosts: { localhost: ["127.0.0.1"] } });
  assert.deepEqual(texts(await now(dns.resolve("localhost"))), ["127.0.0.1"]);
  await dns.close();
});

test("a preresolved name comes back warm from a stay in the table", async () => {
  const { clock, dns } = setup(onlyV4("10.9.9.9"), { preresolve: ["db.internal"] });
  await clock.advance(100);
  dns.setHosts({ "db.internal": ["10.0.0.1"] });
  await clock.advance(1_000);
  dns.setHosts({});
  await clock.advance(100);
  assert.deepEqual(texts(dns.peek("db.internal")), ["10.9.9.9"]);
  await clock.advance(10 * 3_600_000);
  assert.deepEqual(texts(dns.peek("db.internal")), ["10.9.9.9"]);
  await dns.close();
  assert.equal(clock.pending, 0);
  assert.throws(() => dns.setHosts({}), { code: "CLOSED" });
});
