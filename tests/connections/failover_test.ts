import assert from "node:assert/strict";
import { test } from "node:test";

import type { ConnectError, Lease } from "@ballast/runtime/connections";
import { createDnsCache } from "@ballast/runtime/dns";
import { createLab, NOTHING, settle } from "./setup.ts";

const A = "10.0.0.1:5432";
const B = "10.0.0.2:5432";
const C = "10.0.0.3:5432";

test("tiers are tried in order, and the way back is taken once the first one is up again", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A, B], [C]] } }, aliases: { orders: "db" } });
  lab.network.peer(A, { mode: "refuse" });
  lab.network.peer(B, { mode: "refuse" });
  for (let call = 0; call < 10; call++) {
    const lease = await lab.manager.connect("orders");
    assert.equal(lease.remoteAddress, C);
    lease.release();
  }
  const { addresses, fallbacks } = lab.manager.snapshot().endpoints[0]!;
  assert.deepEqual(addresses.map(({ health }) => health), ["down", "down", "up"]);
  assert.ok(fallbacks >= 5);
  lab.network.peer(A, { mode: "accept" });
  await lab.clock.advance(11_100);
  const back = await lab.manager.connect("db");
  const over = back.remoteAddress === A ? back : await lab.manager.connect("db");
  assert.equal(over.remoteAddress, A);
  back.release();
  over.release();
  assert.ok(lab.events.some((event) => event.type === "recovered" && event.address === A));
  assert.deepEqual(await lab.end(), NOTHING);
});

test("when all fail one error lists each, with the phase, the reason and the time", async () => {
  const lab = createLab({
    endpoints: { db: { tiers: [[A], [B], ["gone.test:5432"]], timeouts: { tcpMs: 100 } } },
  });
  lab.network.peer(A, { mode: "refuse", connectMs: 3 });
  lab.network.peer(B, { mode: "hang" });
  const error = await settle(lab.clock, lab.manager.connect("db").then(() => undefined, (error) => error));
  assert.deepEqual(
    (error as ConnectError).attempts.map(({ address, phase, code }) => [address, phase, code]),
    [
      [A, "tcp", "ECONNREFUSED"],
      [B, "tcp", "TIMEOUT"],
      ["gone.test:5432", "dns", "NAME_NOT_FOUND"],
    ],
  );
  assert.match(
    error!.message,
    /cannot connect to db: every address failed; 10.0.0.1:5432 \(tcp, 3 ms\): refused: nothing listens there; 10.0.0.2:5432 \(tcp, 100 ms\): no connection within 100 ms/,
  );
  assert.deepEqual(await lab.end(), NOTHING);
});

test("where everything is down all are tried, but not what a person took out of rotation", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A], [B]], markdown: { failures: 1 } } } });
  for (const address of [A, B]) lab.network.peer(address, { mode: "refuse" });
  await assert.rejects(lab.manager.connect("db"), { code: "CONNECT_FAILED" });
  assert.deepEqual(lab.manager.snapshot().endpoints[0]!.addresses.map(({ health }) => health), [
    "down",
    "down",
  ]);
  assert.equal(lab.manager.report().findings!.some(({ severity }) => severity === "critical"), true);
  // One of them is back before its time: it is found out by the first call.
  lab.network.peer(B, { mode: "accept" });
  const lease = await lab.manager.connect("db");
  assert.equal(lease.remoteAddress, B);
  lease.release();
  assert.equal(lab.manager.snapshot().endpoints[0]!.panics, 1);
  assert.deepEqual(lab.manager.snapshot().endpoints[0]!.addresses.map(({ health }) => health), [
    "down",
    "up",
  ]);

  assert.equal(lab.manager.markDown("db"), 2);
  assert.equal(lab.network.open, 0);
  await assert.rejects(lab.manager.connect("db"), { message: /every address is out of rotation/ });
  assert.equal(lab.manager.markUp(B), 1);
  (await lab.manager.connect("db")).release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("an address that accepts and then fails is marked down, for longer each time", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A]] } } });
  const spans: number[] = [];
  lab.manager.events.subscribe((event) => {
    if (event.type === "marked-down") spans.push(event.forMs);
  });
  for (let round = 0; round < 3; round++) {
    for (let call = 0; call < (round === 0 ? 5 : 1); call++) {
      (await lab.manager.connect("db")).close(new Error("it answered nonsense"));
    }
    await lab.clock.advance(spans.at(-1)! + 1);
  }
  assert.equal(spans.length, 3);
  for (const [index, span] of spans.entries()) {
    const expected = 10_000 * 2 ** index;
    assert.ok(span >= expected * 0.9 && span <= expected * 1.1, `${span}`);
  }
  // One use that goes well, and the past is forgotten.
  (await lab.manager.connect("db")).release();
  for (let call = 0; call < 4; call++) (await lab.manager.connect("db")).close(new Error("again"));
  assert.equal(lab.manager.snapshot().endpoints[0]!.addresses[0]!.health, "up");
  assert.deepEqual(await lab.end(), NOTHING);
});

test("half open, one call alone goes to the probe, and one that gives up leaves it to the next", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A], [B]], markdown: { failures: 1 } } } });
  lab.network.peer(A, { mode: "refuse" });
  (await lab.manager.connect("db")).release();
  lab.network.peer(A, { mode: "accept", connectMs: 500 });
  await lab.clock.advance(11_100);
  const before = lab.network.dials.get(A)!;
  const leaving = new AbortController();
  const probe = lab.manager.connect("db", { signal: leaving.signal });
  await lab.clock.advance(1);
  const others = await Promise.all(Array.from({ length: 20 }, () => lab.manager.connect("db")));
  assert.deepEqual(new Set(others.map(({ remoteAddress }) => remoteAddress)), new Set([B]));
  assert.equal(lab.network.dials.get(A)! - before, 1);
  leaving.abort(new Error("never mind"));
  await assert.rejects(probe, /never mind/);
  const next = await settle(lab.clock, lab.manager.connect("db"));
  assert.equal(next.remoteAddress, A);
  for (const lease of [...others, next]) lease.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("an address is probed though the others serve every call from their pools", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A, B]], markdown: { failures: 1 } } } });
  lab.network.peer(A, { mode: "refuse" });
  const call = async () => {
    const lease = await lab.manager.connect("db");
    lease.release();
    return lease.remoteAddress;
  };
  while (!lab.events.some(({ type }) => type === "marked-down")) await call();
  lab.network.peer(A, { mode: "accept" });
  for (let second = 0; second < 13; second++) {
    await call();
    await lab.clock.advance(1_000);
  }
  assert.equal(lab.manager.snapshot().endpoints[0]!.addresses[0]!.health, "up");
  assert.ok(new Set(await Promise.all(Array.from({ length: 20 }, call))).has(A));
  // Nobody asks any more: then it is not probed either.
  lab.manager.markDown(A, { forMs: 1_000 });
  await lab.clock.advance(1_000);
  const dials = lab.network.dials.get(A);
  await lab.clock.advance(30_000);
  assert.ok(lab.network.dials.get(A)! - dials! <= 1);
  assert.deepEqual(await lab.end(), NOTHING);
});

test("tries beyond the first stop where the retry budget ends", async () => {
  const lab = createLab({
    endpoints: { db: { tiers: [[A, B, C]], markdown: { failures: 1_000, minOutcomes: 1_000_000 } } },
    retries: { ratio: 0.2, perSecond: 0 },
  });
  for (const address of [A, B, C]) lab.network.peer(address, { mode: "refuse" });
  const messages: string[] = [];
  for (let call = 0; call < 100; call++) {
    await lab.manager.connect("db").catch((error) => messages.push(error.message));
  }
  const dials = [...lab.network.dials.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(messages.length, 100);
  assert.equal(dials, 120);
  assert.ok(messages.some((message) => /the retry budget is spent/.test(message)));
  assert.deepEqual(await lab.end(), NOTHING);
});

test("IPv6 is tried first, IPv4 a quarter of a second later, and the winner is remembered", async () => {
  const V4 = "10.0.0.1:5432";
  const V6 = "2001:db8::1:5432";
  const lab = createLab({
    hosts: { "dual.test": ["10.0.0.1", "2001:db8::1"] },
    endpoints: { db: { tiers: [["dual.test:5432"]] } },
  });
  lab.network.peer(V6, { mode: "hang" });
  lab.network.peer(V4, { connectMs: 5 });
  const startedAt = lab.clock.monotonic();
  const first = await settle(lab.clock, lab.manager.connect("db"));
  assert.equal(first.remoteAddress, V4);
  assert.ok(lab.clock.monotonic() - startedAt <= 270);
  assert.equal(lab.network.open, 1);
  const again = lab.clock.monotonic();
  const second = await settle(lab.clock, lab.manager.connect("db"));
  assert.ok(lab.clock.monotonic() - again <= 20, "the family that hangs is not waited for again");
  first.release();
  second.release();
  assert.deepEqual(await lab.end(), NOTHING);
});

test("a call that ends, at whatever phase, leaves no socket, no timer and no listener", async () => {
  // Kept, so that it is not collected and given back.
  const held: Lease[] = [];
  const phases: Record<string, (lab: ReturnType<typeof createLab>) => Promise<void> | void> = {
    dns: () => {},
    tcp: (lab) => void lab.network.peer(A, { mode: "hang" }),
    tls: (lab) => void (lab.network.tlsMs = 1_000),
    acquire: async (lab) => void held.push(await lab.manager.connect("tcp")),
    wrap: () => {},
  };
  for (const [phase, prepare] of Object.entries(phases)) {
    for (const how of ["signal", "timeout", "close"] as const) {
      const never = () => new Promise<never>(() => {});
      const lab = createLab({
        endpoints: {
          dns: { tiers: [["slow.test:5432"]] },
          tcp: { tiers: [[A]], pool: { maxPerAddress: 1 } },
          tls: { tiers: [[A]], tls: true },
          wrap: { tiers: [[A]], wrap: never },
        },
      });
      const slow = { name: "slow", label: "slow", query: never };
      const dns = createDnsCache({ clock: lab.clock, resolver: slow, timeoutMs: 60_000 });
      const lab2 = phase === "dns"
        ? createLab({ dns, endpoints: { dns: { tiers: [["slow.test:5432"]] } } })
        : lab;
      await prepare(lab2);
      const controller = new AbortController();
      const listeners = countListeners(controller.signal);
      const call = lab2.manager.connect(phase === "acquire" ? "tcp" : phase, {
        signal: controller.signal,
        ...(how === "timeout" && { timeoutMs: 5 }),
      });
      const outcome = assert.rejects(
        call,
        how === "signal" ? /enough/ : { code: how === "timeout" ? "TIMEOUT" : "CLOSED" },
      );
      await lab2.clock.advance(1);
      if (how === "signal") controller.abort(new Error("enough"));
      if (how === "close") await lab2.manager.close();
      await lab2.clock.advance(10);
      await outcome.catch((error) => assert.fail(`${phase}, ${how}: ${error.message}`));
      assert.equal(listeners(), 0, `${phase}, ${how}: listeners`);
      assert.equal(lab2.network.open, phase === "acquire" && how !== "close" ? 1 : 0, `${phase}, ${how}`);
      assert.equal(lab2.manager.snapshot().open, lab2.network.open);
      assert.deepEqual(await lab2.end(), NOTHING, `${phase}, ${how}`);
      await dns.close();
      if (lab2 !== lab) await lab.end();
    }
  }
});

test("an error that ends by time says what was tried until then", async () => {
  const lab = createLab({ endpoints: { db: { tiers: [[A], [B]] } } });
  lab.network.peer(A, { mode: "refuse" });
  lab.network.peer(B, { mode: "hang" });
  const outcome = assert.rejects(lab.manager.connect("db", { timeoutMs: 50 }), {
    code: "TIMEOUT",
    message: /connecting to db took longer than 50 ms; 10.0.0.1:5432 \(tcp, 0 ms\): refused/,
  });
  await lab.clock.advance(60);
  await outcome;
  assert.deepEqual(await lab.end(), NOTHING);
});

/** How many listeners are on a signal. */
function countListeners(signal: AbortSignal): () => number {
  const { addEventListener, removeEventListener } = signal;
  const on = new Set<unknown>();
  signal.addEventListener = function (type: string, listener: never, options?: never) {
    on.add(listener);
    return addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = function (type: string, listener: never, options?: never) {
    on.delete(listener);
    return removeEventListener.call(signal, type, listener, options);
  };
  // Those that are told once are gone then.
  addEventListener.call(signal, "abort", () => on.clear());
  return () => on.size;
}
