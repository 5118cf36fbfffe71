import assert from "node:assert/strict";
import { test } from "node:test";

import { createStats } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import { addresses, FAILED, onlyV4 } from "../support/scripted_resolver.ts";
import { now, setup, texts } from "./setup.ts";

test("a thousand callers share one query per name and family", async () => {
  const { clock, resolver, dns } = setup(() => ({ afterMs: 30, answer: addresses("10.0.0.1") }));
  const callers = Array.from(
    { length: 1000 },
    (_, index) => dns.resolve(index % 2 ? "api.example" : "API.example.", { family: 4 }),
  );
  await clock.advance(30);
  const lists = await Promise.all(callers);
  assert.equal(new Set(lists).size, 1);
  assert.equal(resolver.queries.length, 1);
  await dns.close();
});

test("callers of both families share the queries with callers of one", async () => {
  const { clock, resolver, dns } = setup(({ type }) => ({
    afterMs: 30,
    answer: addresses(type === "A" ? "10.0.0.1" : "fd00::1"),
  }));
  const callers = ([0, 4, 6, 0] as const).map((family) => dns.resolve("api.example", { family }));
  await clock.advance(30);
  assert.deepEqual((await Promise.all(callers)).map(texts), [
    ["10.0.0.1", "fd00::1"],
    ["10.0.0.1"],
    ["fd00::1"],
    ["10.0.0.1", "fd00::1"],
  ]);
  assert.equal(resolver.queries.length, 2);
  await dns.close();
});

test("one caller's abort ends its own wait alone", async () => {
  const { clock, resolver, dns } = setup(() => ({ afterMs: 100, answer: addresses("10.0.0.1") }));
  const controller = new AbortController();
  const leaving = dns.resolve("api.example", { family: 4, signal: controller.signal });
  const staying = dns.resolve("api.example", { family: 4 });
  await clock.advance(10);
  controller.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/);
  await clock.advance(90);
  assert.deepEqual(texts(await staying), ["10.0.0.1"]);
  assert.equal(resolver.queries.length, 1);
  await assert.rejects(dns.resolve("api.example", { signal: controller.signal }), /enough/);
  await dns.close();
});

test("closing in mid query ends every wait with CLOSED and leaves nothing behind", async () => {
  const { clock, resolver, dns } = setup(() => "silence", { preresolve: ["warm.example"] });
  const waiting = [
    dns.resolve("a.example"),
    dns.resolve("b.example", { family: 6 }),
    dns.refresh("c.example"),
  ];
  const rejections = Promise.all(waiting.map((promise) => assert.rejects(promise, { code: "CLOSED" })));
  await clock.advance(50);
  assert.equal(resolver.open, 7);
  await dns.close();
  await rejections;
  await clock.advance(0);
  assert.equal(resolver.open, 0);
  assert.equal(clock.pending, 0);
  await dns.close();
  await assert.rejects(dns.resolve("a.example"), { code: "CLOSED" });
  await assert.rejects(dns.resolve("localhost"), { code: "CLOSED" });
  assert.equal(dns.peek("a.example"), undefined);
  assert.deepEqual(dns.snapshot().names, []);
  assert.deepEqual((await dns.preresolve(["a.example"])).failed.length, 1);
});

test("a caller in the middle of a failed refresh gets what is held", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example", { family: 4 });
  resolver.script = () => ({ afterMs: 100, answer: FAILED });
  const refreshing = dns.refresh("api.example");
  assert.deepEqual(texts(await now(dns.resolve("api.example"))), ["10.0.0.1"]);
  await clock.advance(400);
  assert.deepEqual(texts(await refreshing), ["10.0.0.1"]);
  await dns.close();
});

test("refresh asks now, whatever is held", async () => {
  const { resolver, dns } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example");
  resolver.script = onlyV4("10.0.0.2");
  assert.deepEqual(texts(await dns.refresh("api.example")), ["10.0.0.2"]);
  assert.deepEqual(texts(await dns.refresh("127.0.0.1")), ["127.0.0.1"]);
  assert.deepEqual(texts(await dns.act!("refresh", { name: "api.example" })), ["10.0.0.2"]);
  assert.throws(() => dns.act!("explode", {}), { code: "UNKNOWN_ACTION" });
  await dns.close();
});

test("what a listener throws, or asks of the cache, does no harm", async () => {
  const { dns } = setup(onlyV4("10.0.0.1"));
  dns.events.subscribe(() => {
    throw new Error("a user's mistake");
  });
  dns.events.subscribe((event) => {
    if (event.type === "resolved") void dns.refresh(event.name);
  });
  assert.deepEqual(texts(await dns.resolve("api.example")), ["10.0.0.1"]);
  await dns.close();
});

test("a listener that closes the cache, or moves its names, leaves nothing behind", async () => {
  for (const act of ["close", "setHosts"] as const) {
    const { clock, dns } = setup(onlyV4("10.0.0.1"), { refreshMs: 1_000 });
    await dns.resolve("api.example");
    dns.events.subscribe(() => {
      if (act === "close") void dns.close();
      else dns.setHosts({ "api.example": ["10.0.0.9"] });
    });
    await clock.advance(10_000);
    await dns.close();
    await clock.advance(10_000);
    assert.equal(clock.pending, 0, act);
  }
});

test("every listener hears of changes in the order in which they came, though one sets off others", async () => {
  const { clock, resolver, dns } = setup(onlyV4("10.0.0.1"));
  await dns.resolve("api.example", { family: 4 });
  const heard: string[] = [];
  dns.events.subscribe((event) => {
    if (event.type === "changed" && event.addresses[0] === "10.0.0.2") {
      dns.setHosts({ "api.example": ["10.9.9.9"] });
    }
  });
  dns.events.subscribe((event) => void (event.type === "changed" && heard.push(event.addresses[0]!)));
  resolver.script = onlyV4("10.0.0.2");
  await clock.advance(300_000);
  assert.deepEqual(heard, ["10.0.0.2", "10.9.9.9"]);
  assert.equal(dns.peek("api.example")?.[0].address, "10.9.9.9");
  await dns.close();
});

test("options that make no sense leave nothing behind", () => {
  const clock = simulatedClock();
  const stats = createStats({ clock });
  assert.throws(() => setup(onlyV4("10.0.0.1"), { stats, hosts: { "a.b": ["nope"] } }));
  assert.equal(stats.snapshot().metrics.length, 0);
});
