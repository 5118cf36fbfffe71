import assert from "node:assert/strict";
import { test } from "node:test";

import { createContext, createKey, createStats, delay } from "@ballast/runtime";
import { createWorkerPool } from "@ballast/runtime/workers";
import { backends, eachBackend, START_MS, until } from "./support.ts";
import { budget, limits, Money, moved, secret, seen, seenTwice, tenant } from "./tasks/travel.ts";

eachBackend("what is under keys that travel is there in a worker, the rest is not", {}, async (pool) => {
  const context = createContext({
    name: "shop",
    locals: [tenant.of("blue"), budget.of(new Money(250)), secret.of("no")],
  });
  const call = seen.with({ pool });
  try {
    assert.deepEqual(await context.run(() => call()), {
      tenant: "blue",
      rows: 10,
      cents: 250,
      secret: undefined,
    });
    const child = context.child({ locals: [tenant.of("red"), limits.of({ rows: 3 })] });
    const there = await child.run(() => call());
    assert.deepEqual([there.tenant, there.rows, there.cents], ["red", 3, 250]);
    child.get(limits).rows = 4;
    assert.equal((await child.run(() => call())).rows, 4, "an object is copied anew with each call");
    child.set(budget, new Money(-1));
    const without = await child.run(() => call());
    assert.deepEqual(
      [without.tenant, without.cents],
      ["red", undefined],
      "a codec that throws loses its value alone",
    );
    assert.deepEqual(await call(), { tenant: undefined, rows: 10, cents: undefined, secret: undefined });
    child.close();
  } finally {
    context.close();
  }
});

eachBackend(
  "10,000 calls with a tenant of each: every one sees its own, before and after it waits",
  { size: 2, maxQueue: 4_096 },
  async (pool) => {
    const context = createContext({ name: "shop" });
    const call = seenTwice.with({ pool });
    try {
      for (let round = 0; round < 10; round++) {
        const calls = Array.from({ length: 1_000 }, async (_, index) => {
          // Every fourth has none: nothing of a neighbour's may be left to it.
          if (index % 4 === 0) return [undefined, await call()] as const;
          const name = `tenant ${round}/${index}`;
          const child = context.child({ locals: [tenant.of(name)] });
          try {
            return [name, await child.run(() => call())] as const;
          } finally {
            child.close();
          }
        });
        for (const [name, there] of await Promise.all(calls)) assert.deepEqual(there, [name, name]);
      }
    } finally {
      context.close();
    }
  },
);

test("a process has one travelling key of a name", () => {
  assert.throws(() => createKey("tests.tenant", { travels: true }), /another key "tests.tenant" travels/);
  assert.equal(createKey("tests.tenant").travels, false);
});

for (const backend of backends) {
  test(`${backend}: state statistics of a worker reach the main thread, those under way while it lives`, async () => {
    const stats = createStats();
    const pool = createWorkerPool({ kind: "cpu", size: 1, startMs: START_MS, backend, stats });
    const call = moved.with({ pool });
    const states = stats.stateStats("orders.states", { labels: { shop: "a" } });
    const current = () =>
      Object.fromEntries(states.snapshot().states.map(({ state, current }) => [state, current]));
    await call("one", "open");
    await call("two", "open");
    await call("two", "paid");
    await until(() => current().paid === 1 && current().open === 1, "the states of the worker");
    await delay(600);
    assert.deepEqual(current(), { open: 1, paid: 1 }, "counted once, however often they are told");
    await call("two", "end");
    await until(() => states.snapshot().ended === 1, "the end of one");
    await pool.close();
    const { started, ended, lifetimeMs, states: each, transitions } = states.snapshot();
    assert.deepEqual([started, ended], [2, 1]);
    assert.deepEqual(transitions, [{ from: "open", to: "paid", count: 1 }]);
    assert.deepEqual(each.map(({ state, entered, current }) => [state, entered, current]), [
      ["open", 2, 0],
      ["paid", 1, 0],
    ]);
    const sum = each.reduce((total, { totalMs }) => total + totalMs, 0);
    assert.ok(sum > 600 && Math.abs(sum - lifetimeMs) < 1, `${sum} of ${lifetimeMs} ms`);
    assert.equal(each.find(({ state }) => state === "paid")!.stays.count, 1);
  });
}
