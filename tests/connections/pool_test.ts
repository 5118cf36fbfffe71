import assert from "node:assert/strict";
import { test } from "node:test";

import type { Lease } from "@ballast/runtime/connections";
import { createLab, NOTHING, settle } from "./setup.ts";

const A = "10.0.0.1:5432";
const B = "10.0.0.2:5432";
const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

test("a connection that was given back is used again, the last one first", async () => {
  const lab = createLab();
  const [first, second] = [await lab.manager.connect(A), await lab.manager.connect(A)];
  first.release();
  second.release();
  const third = await lab.manager.connect(A);
  assert.equal(third.localAddress, second.localAddress);
  assert.deepEqual([third.uses, lab.network.dials.get(A)], [2, 2]);
  await third.write(bytes("ping"));
  assert.equal(text(await third.read()), "ping");
  third.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("unobserved: no lease is sampled and no event is told, and the counters are as ever", async () => {
  for (const observe of [true, false]) {
    const lab = createLab({ observe, endpoints: { db: { tiers: [[A]], pool: { heldMs: 1_000 } } } });
    const lease = await lab.manager.connect("db");
    await lab.clock.advance(5_000);
    const held = lab.events.find((event) => event.type === "held");
    assert.equal(lab.events.length > 0, observe);
    assert.equal(held?.type === "held" && held.taker !== undefined, observe);
    lease.release();
    assert.equal((await lab.manager.connect("db")).uses, 2);
    const { connects, reused, addresses } = lab.manager.snapshot().endpoints[0]!;
    assert.deepEqual([connects, reused, addresses[0]!.held], [2, 1, 1]);
    assert.equal(lab.manager.markDown(A), 1);
    assert.deepEqual(await lab.end(), NOTHING);
  }
  assert.throws(
    () => createLab({ observe: 1 as unknown as boolean }),
    /observe must be true or false, got 1/,
  );
});

test("a peer's end, its error and stray bytes evict an idle connection before anybody gets it", async () => {
  for (const news of ["end", "reset", "send"] as const) {
    const lab = createLab();
    const lease = await lab.manager.connect(A);
    lease.release();
    const [side] = lab.network.sides(A);
    if (news === "send") side!.send(bytes("stray"));
    else side![news]();
    assert.equal(lab.network.open, 0, news);
    const next = await lab.manager.connect(A);
    assert.equal(next.uses, 1);
    next.release();
    assert.deepEqual(await lab.end(), NOTHING);
  }
});

test("a lease that has bytes to read, was half closed, or is being read is closed when it comes back", async () => {
  const spoil: Record<string, (lease: Lease) => unknown> = {
    "something to read": async (lease) => await lease.write(bytes("echoed")),
    "half closed": (lease) => lease.end(),
    "being read": (lease) => void lease.read().catch(() => {}),
    "bytes held above it": (lease) => lease.unread(() => 1),
    "a counter that throws": (lease) =>
      lease.unread(() => {
        throw new Error("no idea");
      }),
  };
  for (const [what, how] of Object.entries(spoil)) {
    const lab = createLab();
    const lease = await lab.manager.connect(A);
    await how(lease);
    lease.release();
    assert.equal(lab.network.open, 0, what);
    assert.deepEqual(await lab.end(), NOTHING);
  }
});

test("giving back twice, using after that, and giving back after the end", async () => {
  const lab = createLab();
  const lease = await lab.manager.connect(A);
  lease.release();
  lease.release();
  lease.close(new Error("too late to blame anybody"));
  assert.equal(lab.network.open, 1);
  await assert.rejects(lease.read(), {
    code: "LEASE_ENDED",
    message: /this lease of 10.0.0.1:5432 was released already/,
  });
  await assert.rejects(lease.write(bytes("x")), { code: "LEASE_ENDED" });
  await assert.rejects(lease.end(), { code: "LEASE_ENDED" });
  assert.throws(() => lease.handOver(), { code: "LEASE_ENDED" });

  const held = await lab.manager.connect(A);
  await lab.manager.close();
  assert.equal(lab.network.open, 0);
  await assert.rejects(held.read(), { code: "ECONNRESET" });
  held.release();
  held.release();
  await assert.rejects(lab.manager.connect(A), { code: "CLOSED" });
  assert.equal(lab.manager.snapshot().open, 0);
  assert.equal(
    lab.manager.snapshot().endpoints[0]!.addresses.length === 0 ||
      lab.manager.snapshot().endpoints[0]!.addresses[0]!.inUse === 0,
    true,
  );
  assert.deepEqual(await lab.end(), NOTHING);
});

test("closing may let leases finish", async () => {
  const lab = createLab();
  const [held, idle] = [await lab.manager.connect(A), await lab.manager.connect(A)];
  idle.release();
  let ended = false;
  const closing = lab.manager.close({ finish: true }).then(() => ended = true);
  await lab.clock.advance(1_000);
  assert.deepEqual([lab.network.open, ended], [1, false]);
  await held.write(bytes("still here"));
  assert.equal(text(await held.read()), "still here");
  held.release();
  await closing;
  assert.deepEqual(await lab.end(), NOTHING);
});

test("idle connections end by idle time and by age, and those kept warm do not", async () => {
  const pool = { idleMs: 5_000, maxLifetimeMs: 20_000 };
  const lab = createLab({
    endpoints: { db: { tiers: [[A]], pool }, warm: { tiers: [[B]], pool: { ...pool, minIdle: 2 } } },
  });
  (await lab.manager.connect("db")).release();
  await lab.clock.advance(3_000);
  assert.deepEqual([lab.network.sides(A).length, lab.network.sides(B).length], [1, 2]);
  await lab.clock.advance(5_000);
  assert.deepEqual([lab.network.sides(A).length, lab.network.sides(B).length], [0, 2]);
  await lab.clock.advance(40_000);
  assert.equal(lab.network.sides(B).length, 2);
  assert.ok(lab.network.dials.get(B)! > 2);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a connection that is never idle is not used beyond its age either", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { maxLifetimeMs: 10_000 } } } });
  for (let second = 0; second < 30; second++) {
    const lease = await lab.manager.connect("db");
    await lab.clock.advance(1_000);
    lease.release();
  }
  assert.ok(lab.network.dials.get(A)! >= 3, `${lab.network.dials.get(A)} dials`);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("keys and TLS of a call's own are pooled apart, and make room for each other", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { maxPerAddress: 1 } } } });
  const alice = await lab.manager.connect("db", { key: "alice" });
  const mine = alice.localAddress;
  alice.release();
  const again = await lab.manager.connect("db", { key: "alice" });
  assert.equal(again.localAddress, mine);
  again.release();
  const bob = await lab.manager.connect("db", { key: "bob" });
  assert.notEqual(bob.localAddress, mine);
  bob.release();
  const secure = await lab.manager.connect("db", { key: "bob", tls: true });
  assert.equal(secure.uses, 1);
  secure.release();
  assert.equal(lab.network.peak, 1);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("10,000 calls with a limit of 50: first come, first served, never more than 50 open, none lost", async () => {
  const lab = createLab({
    maxConnections: 50,
    defaults: { pool: { maxWaiting: 10_000 }, timeouts: { acquireMs: 600_000 } },
  });
  lab.network.peer(A, { connectMs: 2 });
  const order: number[] = [];
  const calls = Array.from({ length: 10_000 }, async (_, index) => {
    const lease = await lab.manager.connect(A);
    order.push(index);
    await new Promise<void>((resolve) => lab.clock.schedule(1, resolve));
    if (index % 7 === 0) lease.close();
    else lease.release();
  });
  await settle(lab.clock, Promise.all(calls));
  assert.equal(order.length, 10_000);
  assert.equal(lab.network.peak, 50);
  // Those who wait are served in order, but for the moment that a new connection takes to open.
  const late = order.filter((index, place) => Math.abs(index - place) > 200);
  assert.deepEqual(late, []);
  assert.equal(lab.manager.snapshot().endpoints[0]!.waiting, 0);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a newcomer does not overtake those who wait", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { maxPerAddress: 1 } } } });
  const held = await lab.manager.connect("db");
  const order: string[] = [];
  const waiting = lab.manager.connect("db").then((lease) => {
    order.push("waiting");
    return lease;
  });
  await lab.clock.advance(1);
  // Closed, not released: there is room, and it is promised to the one who waits.
  held.close();
  const newcomer = lab.manager.connect("db").then((lease) => {
    order.push("newcomer");
    return lease;
  });
  (await waiting).release();
  (await newcomer).release();
  assert.deepEqual(order, ["waiting", "newcomer"]);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("who waits and goes away leaves its turn to the next", async () => {
  for (const how of ["release", "close"] as const) {
    const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { maxPerAddress: 1 } } } });
    const held = await lab.manager.connect("db");
    const leaving = new AbortController();
    const gone = lab.manager.connect("db", { signal: leaving.signal });
    const next = lab.manager.connect("db");
    await lab.clock.advance(1);
    held[how]();
    // In the same turn in which it was served.
    leaving.abort(new Error("never mind"));
    await assert.rejects(gone, /never mind/);
    (await settle(lab.clock, next)).release();
    assert.equal(lab.network.peak, 1);
    assert.deepEqual(await lab.end(), NOTHING);
  }
});

test("somebody who waits for a connection of another key is passed over a few times at most", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { maxPerAddress: 1 } } } });
  let served = 0;
  let other = -1;
  let held = await lab.manager.connect("db", { key: "busy" });
  const quiet = lab.manager.connect("db", { key: "quiet" }).then((lease) => {
    other = served;
    lease.release();
  });
  await lab.clock.advance(1);
  for (; served < 50 && other === -1; served++) {
    const next = lab.manager.connect("db", { key: "busy" });
    await lab.clock.advance(1);
    held.release();
    held = await settle(lab.clock, next, 900);
  }
  await quiet;
  held.release();
  assert.ok(other > 0 && other <= 10, `served after ${other} others`);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("of two endpoints under one limit, neither starves the other", async () => {
  const lab = createLab({
    maxConnections: 1,
    endpoints: { busy: { tiers: [[A]] }, quiet: { tiers: [[B]] } },
  });
  let held = await lab.manager.connect("busy");
  let served = 0;
  let other = -1;
  const quiet = lab.manager.connect("quiet").then((lease) => {
    other = served;
    lease.release();
  });
  await lab.clock.advance(1);
  for (; served < 50 && other === -1; served++) {
    const next = lab.manager.connect("busy");
    await lab.clock.advance(1);
    held.release();
    held = await settle(lab.clock, next, 900);
  }
  await quiet;
  held.release();
  assert.ok(other >= 0 && other <= 10, `served after ${other} others`);
  assert.equal(lab.network.peak, 1);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("too many who wait, and waits that are too long, are errors that say what to do", async () => {
  const lab = createLab({
    endpoints: {
      db: { tiers: [[A]], pool: { maxPerAddress: 1, maxWaiting: 1 }, timeouts: { acquireMs: 100 } },
    },
  });
  const held = await lab.manager.connect("db");
  const waiting = assert.rejects(lab.manager.connect("db"), {
    code: "OUT_OF_CONNECTIONS",
    message: /none came back within 100 ms \(pool.maxPerAddress is 1, 1 connections are open in all\)/,
  });
  await lab.clock.advance(1);
  await assert.rejects(lab.manager.connect("db"), { code: "OUT_OF_CONNECTIONS", message: /pool.maxWaiting/ });
  await lab.clock.advance(100);
  await waiting;
  held.release();
  assert.equal(lab.events.filter(({ type }) => type === "out-of-connections").length, 2);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("who waits for an address that goes down moves on to the next tier", async () => {
  const lab = createLab({
    endpoints: { db: { tiers: [[A], [B]], pool: { maxPerAddress: 1 }, timeouts: { acquireMs: 5_000 } } },
  });
  const held = await lab.manager.connect("db");
  const waiting = lab.manager.connect("db");
  await lab.clock.advance(1);
  lab.manager.markDown(A);
  const lease = await settle(lab.clock, waiting, 100);
  assert.equal(lease.remoteAddress, B);
  lease.release();
  held.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a check before reuse, and a wrap of what is new", async () => {
  let good = true;
  let wraps = 0;
  const lab = createLab({
    endpoints: {
      db: {
        tiers: [[A]],
        check: () => good,
        wrap: async (lease) => {
          await lease.write(bytes("hello"));
          return `${text(await lease.read())} ${++wraps}`;
        },
      },
    },
  });
  const first = await lab.manager.connect("db");
  assert.equal(first.state, "hello 1");
  first.release();
  const second = await lab.manager.connect("db");
  assert.deepEqual([second.state, second.uses], ["hello 1", 2]);
  second.release();
  good = false;
  const third = await lab.manager.connect("db");
  assert.equal(third.state, "hello 2");
  third.release();
  assert.equal(lab.network.open, 1);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a check that hangs, and a wrap that fails, hold nobody up and leave nothing", async () => {
  const never = () => new Promise<boolean>(() => {});
  const lab = createLab({
    endpoints: {
      hangs: { tiers: [[A]], check: never, timeouts: { checkMs: 100 } },
      fails: { tiers: [[A], [B]], wrap: () => Promise.reject(new Error("wrong password")) },
    },
  });
  (await lab.manager.connect("hangs")).release();
  const lease = await settle(lab.clock, lab.manager.connect("hangs"), 300);
  assert.equal(lease.uses, 1);
  lease.release();
  await assert.rejects(lab.manager.connect("fails"), {
    code: "CONNECT_FAILED",
    message: /10.0.0.1:5432 \(check, 0 ms\): wrong password; 10.0.0.2:5432 \(check/,
  });
  assert.equal(lab.network.sides(B).length, 0);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a check of a connection that was waited for", async () => {
  let good = true;
  const lab = createLab({
    endpoints: { db: { tiers: [[A]], pool: { maxPerAddress: 1 }, check: () => good } },
  });
  const held = await lab.manager.connect("db");
  const waiting = lab.manager.connect("db");
  await lab.clock.advance(1);
  good = false;
  held.release();
  const lease = await settle(lab.clock, waiting, 900);
  assert.equal(lease.uses, 1);
  assert.equal(lab.network.dials.get(A), 2);
  lease.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a lease held for long is reported once, with where it was taken", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], pool: { heldMs: 10_000 } } } });
  const lease = await lab.manager.connect("db");
  await lab.clock.advance(30_000);
  const held = lab.events.filter((event) => event.type === "held");
  assert.equal(held.length, 1);
  assert.match(held[0]!.taker!, /pool_test/);
  assert.match(JSON.stringify(lab.manager.report().findings), /held/);
  lease.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("the time in each state is known, and in use or pooled to the second", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]], tls: true } } });
  lab.network.peer(A, { connectMs: 100 });
  lab.network.tlsMs = 300;
  const lease = await settle(lab.clock, lab.manager.connect("db"));
  await lab.clock.advance(10_000);
  lease.release();
  await lab.clock.advance(20_000);
  const times = Object.fromEntries(
    lab.manager.snapshot().states.map(({ state, totalMs }) => [state, totalMs]),
  );
  assert.deepEqual([times.connecting, times.handshaking], [100, 300]);
  assert.ok(Math.abs(times["in use"]! - 10_000) <= 1_000 && Math.abs(times.pooled! - 20_000) <= 1_000);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("traffic is remembered where that is wanted, redacted and bounded", async () => {
  const lab = createLab({ traffic: { last: 3, previewBytes: 40 } });
  const lease = await lab.manager.connect(A);
  for (const said of ["one", "AUTH: hunter2\r\n"]) {
    await lease.write(bytes(said));
    await lease.read();
  }
  lease.release();
  const { traffic } = lab.manager.snapshot();
  assert.deepEqual(traffic!.map(({ direction, bytes, preview }) => [direction, bytes, preview]), [
    ["in", 3, "one"],
    ["out", 15, "AUTH: ***"],
    ["in", 15, "AUTH: ***"],
  ]);
  const quiet = createLab();
  assert.equal(quiet.manager.snapshot().traffic, undefined);
  assert.deepEqual([await lab.end(), await quiet.end()], [NOTHING, NOTHING]);
});
