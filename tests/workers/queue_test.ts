import assert from "node:assert/strict";
import { test } from "node:test";

import { createContext } from "@ballast/runtime";
import { OverloadError, type Priority } from "@ballast/runtime/overload";
import { QueueFullError, type WorkerPool } from "@ballast/runtime/workers";
import { createLedger, eachBackend, START_MS, until } from "./support.ts";
import * as tasks from "./tasks/basic.ts";
import { TaskQueue } from "../../src/workers/queue.ts";
import * as failing from "./tasks/failing.ts";

/** Keeps the only worker of a pool busy; what is called meanwhile waits. */
async function occupy(pool: WorkerPool): Promise<() => Promise<unknown>> {
  const ledger = createLedger(2);
  const gate = createLedger(1);
  const call = failing.loopUntil.with({ pool })(ledger, 1, gate);
  await until(() => ledger[1] === 1, "the start of the call", START_MS);
  return () => {
    Atomics.store(gate, 0, 1);
    return call;
  };
}

function rejected(pool: WorkerPool, name: string): number {
  return pool.snapshot().functions.find((fn) => fn.name === name)!.counts.rejected;
}

eachBackend("what matters more goes first, and within one priority what came first", {}, async (pool) => {
  const release = await occupy(pool);
  const order: string[] = [];
  const call = (name: string, priority?: Priority) =>
    tasks.spin.with({ pool, priority })(1).then(() => void order.push(name));
  const calls = [
    call("sheddable", "sheddable"),
    call("one"),
    call("two"),
    call("critical", "critical"),
    call("three", "normal"),
  ];
  await assert.rejects(
    tasks.add.with({ pool, priority: "urgent" as Priority })(1, 1),
    /priority must be one of critical, normal, sheddable, got "urgent"/,
  );
  await release();
  await Promise.all(calls);
  assert.deepEqual(order, ["critical", "one", "two", "three", "sheddable"]);
});

eachBackend("a full queue refuses the newcomer, or what matters less", { maxQueue: 3 }, async (pool) => {
  const release = await occupy(pool);
  const add = tasks.add.with({ pool });
  const calls = [add(1, 0), tasks.add.with({ pool, priority: "sheddable" })(2, 0), add(3, 0)];
  // Each of those that wait matters as much or more, but the sheddable one: it makes room, once.
  const four = add(4, 0);
  const settled = Promise.allSettled([...calls, four]);
  await assert.rejects(add(5, 0), QueueFullError);
  await release();
  const [one, two, three, fourth] = await settled;
  assert.deepEqual([one, three, fourth], [1, 3, 4].map((value) => ({ status: "fulfilled", value })));
  assert.ok((two as PromiseRejectedResult).reason instanceof QueueFullError);
  assert.equal(rejected(pool, "add"), 2);
  assert.ok(pool.report().findings!.some(({ id }) => id === "workers-cpu-queue"));
  assert.equal(pool.snapshot().waiting, 0);
});

eachBackend(
  "where waiting is bounded, what has waited too long is refused",
  { waits: { targetMs: 40, intervalMs: 60, maxWaitMs: 60_000 } },
  async (pool) => {
    const release = await occupy(pool);
    const call = (number: number) => tasks.add.with({ pool })(number, 0);
    const old = Promise.allSettled([call(1), call(2), call(3)]);
    for (const result of await old) {
      const { reason } = result as PromiseRejectedResult;
      assert.ok(reason instanceof OverloadError, String(reason));
      assert.equal(reason.reason, "age");
      assert.equal(reason.code, "OVERLOADED");
    }
    assert.equal(rejected(pool, "add"), 3);
    await release();
    await tasks.add.with({ pool })(4, 0);
  },
);

eachBackend("a call that cannot begin before its deadline is refused at once", {}, async (pool) => {
  for (let round = 0; round < 3; round++) await tasks.spin.with({ pool })(20);
  const release = await occupy(pool);
  const before = Array.from({ length: 20 }, () => tasks.spin.with({ pool })(20));
  const context = createContext({ name: "shop" });
  try {
    const hasty = context.child({ deadlineMs: 100 });
    const patient = context.child({ deadlineMs: 60_000 });
    await assert.rejects(
      hasty.run(() => tasks.add.with({ pool })(1, 1)),
      (error) => error instanceof OverloadError && error.reason === "deadline",
    );
    const later = patient.run(() => tasks.add.with({ pool })(1, 1));
    await release();
    assert.equal(await later, 2);
    await Promise.all(before);
    assert.equal(rejected(pool, "add"), 1);
    hasty.close();
    patient.close();
  } finally {
    context.close();
  }
});

/** As much of a call as the queue looks at. */
function waiting(calledAt: number, priority: Priority) {
  return { calledAt, priority, state: "queued", expectedMs: 0, fn: { expectedMs: 1 } };
}

test("under overload the newest goes first, and the short wait is for the least important alone", () => {
  const queue = new TaskQueue({ targetMs: 20, intervalMs: 100, maxWaitMs: 500 });
  const refused: number[] = [];
  const push = (at: number, priority: Priority) => queue.push(waiting(at, priority) as never);
  const sweep = (now: number) =>
    queue.sweep(now, (task) => {
      refused.push(task.calledAt);
      queue.forget(task);
      task.state = "settled";
    });
  push(0, "critical");
  push(1, "normal");
  sweep(50);
  assert.equal(queue.overloaded, false, "not yet for an interval");
  for (const at of [130, 131, 132]) push(at, "normal");
  sweep(151);
  assert.equal(queue.overloaded, true);
  assert.deepEqual(refused, [1], "longer than one and a half times the target");
  const order: number[] = [];
  for (let task = queue.peek(); task !== undefined; task = queue.peek()) {
    queue.shift(task);
    order.push(task.calledAt);
  }
  assert.deepEqual(order, [0, 132, 131, 130]);
  assert.deepEqual([queue.size, queue.backlogMs, queue.overloaded], [0, 0, false], "an empty queue is calm");
  push(200, "critical");
  sweep(701);
  assert.deepEqual(refused, [1, 200], "nobody waits longer than the longest wait");
});

eachBackend("a result does not wait for a long call that was handed over with it", {}, async (pool) => {
  const ledger = createLedger(4);
  const mark = failing.mark.with({ pool });
  for (let round = 0; round < 3; round++) await mark(ledger, 1);
  const quick = [mark(ledger, 1), mark(ledger, 1), mark(ledger, 1)];
  const slow = failing.markSlowly.with({ pool })(ledger, 3, 400);
  let isOver = false;
  void slow.then(() => isOver = true);
  await Promise.all(quick);
  assert.equal(isOver, false);
  await slow;
});
