import assert from "node:assert/strict";
import { test } from "node:test";

import type { SrvRecord } from "@ballast/runtime/connections";
import { createLab, NOTHING, settle } from "./setup.ts";

const A = "10.0.0.1:5432";
const B = "10.0.0.2:5432";
const C = "10.0.0.3:5432";

test("what stays in the table keeps its connections and its health, what is gone is drained", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A, B]] }, old: { tiers: [[C]] } } });
  const [held, gone] = [await lab.manager.connect("db"), await lab.manager.connect("old")];
  (await lab.manager.connect("old")).release();
  lab.manager.markDown(B, { reason: "maintenance" });
  const staying = held.remoteAddress === A ? held : await lab.manager.connect("db");
  staying.release();
  lab.manager.setEndpoints({ db: { tiers: [[A, { host: "10.0.0.2", port: 5432, weight: 3 }]] } }, {
    orders: "db",
  });
  assert.deepEqual([lab.network.sides(A).length, lab.network.sides(C).length], [1, 1]);
  const { addresses } = lab.manager.snapshot().endpoints[0]!;
  assert.deepEqual(addresses.map(({ weight, health }) => [weight, health]), [[1, "up"], [3, "down"]]);
  assert.equal((await lab.manager.connect("orders")).uses, 2);
  await assert.rejects(lab.manager.connect("old"), { code: "UNKNOWN_ENDPOINT" });
  assert.equal(lab.manager.snapshot().endpoints.length, 2);
  gone.release();
  assert.equal(lab.network.sides(C).length, 0);
  assert.deepEqual(lab.manager.snapshot().endpoints.map(({ name }) => name), ["db"]);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("who waits at an endpoint that is replaced gets a connection of the new one", async () => {
  const pool = { maxPerAddress: 1 };
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool } } });
  const held = await lab.manager.connect("db");
  const waiting = [lab.manager.connect("db"), lab.manager.connect("db")];
  await lab.clock.advance(1);
  lab.manager.setEndpoints({ other: { tiers: [[B]] } }, { db: "other" });
  for (const call of waiting) assert.equal((await settle(lab.clock, call, 100)).remoteAddress, B);
  held.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("endpoints that speak otherwise from now on open new connections", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]] } } });
  const held = await lab.manager.connect("db");
  (await lab.manager.connect("db")).release();
  lab.manager.setEndpoints({ db: { tiers: [[A]], tls: true } });
  assert.equal(lab.network.open, 1);
  held.release();
  assert.equal(lab.network.open, 0);
  assert.equal((await lab.manager.connect("db")).uses, 1);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a table that makes no sense is refused whole", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]] } } });
  const wrong: [Record<string, unknown>, Record<string, string>, RegExp][] = [
    [
      { x: { tiers: [] } },
      {},
      /endpoint "x": tiers must be a list of at least one list of addresses, got an array/,
    ],
    [{ x: { tiers: [["10.0.0.1"]] } }, {}, /an address must be "host:port"/],
    [{ x: { tiers: [["10.0.0.1:99999"]] } }, {}, /port must be a number from 1 to 65535, got 99999/],
    [{ "10.0.0.1:80": { tiers: [[A]] } }, {}, /looks like no address, got "10.0.0.1:80"/],
    [{ x: { tiers: [[A]], tls: "yes" } }, {}, /tls must be true, false or an object, got "yes"/],
    [{ x: { tiers: [[A]], srv: "_a._tcp.b" } }, {}, /has tiers and srv/],
    [{ x: { srv: "a.b" } }, {}, /srv must be a name such as/],
    [{ x: { tiers: [[A]], check: 3 } }, {}, /check must be a function, got 3/],
    [{ x: { tiers: [[A]] } }, { y: "z" }, /the alias "y" leads to "z", which is no endpoint/],
    [{ x: { tiers: [[A]] } }, { x: "x" }, /is an alias and an endpoint/],
    [{ x: null }, {}, /endpoint "x" must be an object with tiers, got null/],
  ];
  for (const [table, aliases, message] of wrong) {
    assert.throws(() => lab.manager.setEndpoints(table as never, aliases), { message });
  }
  assert.deepEqual(lab.manager.snapshot().endpoints.map(({ name }) => name), ["db"]);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("an address that moves in DNS is drained: leases finish, idle connections close", async () => {
  const lab = createLab({
    hosts: { "db.test": ["10.0.0.1"] },
    endpoints: { db: { tiers: [["db.test:5432"]] } },
  });
  const held = await lab.manager.connect("db");
  (await lab.manager.connect("db")).release();
  lab.dns.setHosts({ "db.test": ["10.0.0.2"] });
  await lab.clock.advance(1_100);
  assert.deepEqual([lab.network.sides(A).length, lab.network.sides(B).length], [1, 0]);
  const moved = await lab.manager.connect("db");
  assert.equal(moved.remoteAddress, B);
  held.release();
  moved.release();
  assert.deepEqual([lab.network.sides(A).length, lab.network.sides(B).length], [0, 1]);
  assert.deepEqual(lab.manager.snapshot().endpoints[0]!.addresses.map(({ address }) => address), [B]);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("an address of two tiers is tried once, and has the weight of the first", async () => {
  const lab = createLab({
    endpoints: {
      db: {
        tiers: [[{ host: "10.0.0.1", port: 5432, weight: 2 }], [
          { host: "10.0.0.1", port: 5432, weight: 7 },
          B,
        ]],
      },
    },
  });
  lab.network.peer(A, { mode: "refuse" });
  const lease = await lab.manager.connect("db");
  assert.deepEqual([lease.remoteAddress, lab.network.dials.get(A)], [B, 1]);
  assert.equal(lab.manager.snapshot().endpoints[0]!.addresses[0]!.weight, 2);
  lease.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("one name that does not resolve holds up nobody where another one does", async () => {
  const lab = createLab({
    hosts: { "good.test": ["10.0.0.1"] },
    endpoints: { db: { tiers: [["dead.test:5432", "good.test:5432"]] } },
  });
  const startedAt = lab.clock.monotonic();
  (await lab.manager.connect("db")).release();
  assert.equal(lab.clock.monotonic(), startedAt);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("SRV records: priorities are tiers, weights are weights, and the last answer stays when there is none", async () => {
  let records: SrvRecord[] | undefined = [
    { priority: 20, weight: 0, port: 5432, target: "c.test." },
    { priority: 10, weight: 3, port: 5432, target: "a.test" },
    { priority: 10, weight: 1, port: 5432, target: "b.test" },
  ];
  let asked = 0;
  const lab = createLab({
    hosts: { "a.test": ["10.0.0.1"], "b.test": ["10.0.0.2"], "c.test": ["10.0.0.3"] },
    endpoints: { db: { srv: "_db._tcp.Shop.test" } },
    resolveSrv: (name) => {
      asked++;
      assert.equal(name, "_db._tcp.shop.test");
      return records === undefined ? Promise.reject(new Error("SERVFAIL")) : Promise.resolve(records);
    },
  });
  assert.equal(asked, 0);
  const lease = await lab.manager.connect("db");
  assert.ok([A, B].includes(lease.remoteAddress));
  const addresses = () =>
    lab.manager.snapshot().endpoints[0]!.addresses.map((
      { address, tier, weight },
    ) => [address, tier, weight]);
  assert.deepEqual(addresses(), [[A, 0, 3], [B, 0, 1], [C, 1, 0]]);
  records = undefined;
  await lab.clock.advance(40_000);
  assert.equal(lab.manager.snapshot().endpoints[0]!.srv!.reason, "SERVFAIL");
  assert.ok(lab.manager.report().findings!.some(({ id }) => id === "connections-srv-db"));
  (await lab.manager.connect("db")).release();
  records = [{ priority: 10, weight: 1, port: 5432, target: "c.test" }];
  await lab.clock.advance(10_000);
  assert.equal((await lab.manager.connect("db")).remoteAddress, C);
  lease.release();
  assert.equal(lab.network.sides(A).length + lab.network.sides(B).length, 0);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("SRV records that cannot be had are part of the error", async () => {
  const lab = createLab({
    endpoints: { db: { srv: "_db._tcp.shop.test" } },
    resolveSrv: () => Promise.reject(new Error("SERVFAIL")),
  });
  await assert.rejects(lab.manager.connect("db"), { message: /_db._tcp.shop.test \(dns, 0 ms\): SERVFAIL/ });
  assert.deepEqual(await lab.end(), NOTHING);
});

test("addresses without an endpoint: written in every way, and bounded", async () => {
  const lab = createLab();
  const leases = [
    await lab.manager.connect("10.0.0.1:5432"),
    await lab.manager.connect({ host: "10.0.0.1", port: 5432 }),
    await lab.manager.connect({ hostname: "10.0.0.1", port: 5432 }),
  ];
  assert.equal(lab.manager.snapshot().endpoints.length, 1);
  for (const lease of leases) lease.release();
  await assert.rejects(lab.manager.connect("db"), {
    code: "UNKNOWN_ENDPOINT",
    message: /or give an address such as "db:5432"/,
  });
  await assert.rejects(lab.manager.connect("10.0.0.1:0"), RangeError);
  await assert.rejects(lab.manager.connect(undefined as never), TypeError);
  for (let port = 1; port <= 1_500; port++) (await lab.manager.connect(`10.0.1.1:${port}`)).release();
  assert.equal(lab.manager.snapshot().endpoints.length, 1_000);
  assert.ok(lab.network.open <= 1_000);
  assert.deepEqual(await lab.end(), NOTHING);
});
