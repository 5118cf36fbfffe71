import assert from "node:assert/strict";
import { test } from "node:test";

import { BallastError, createContext, createLog, createStats, deadlineSignal } from "@ballast/runtime";
import { createWorkerPool } from "@ballast/runtime/workers";
import { backends, eachBackend, START_MS, until } from "./support.ts";
import * as tasks from "./tasks/basic.ts";
import * as failing from "./tasks/failing.ts";
import { callHidden, defineLate, rightName } from "./tasks/wrong.ts";
import { unreachable } from "./tasks/broken.ts";

const late = defineLate();

eachBackend("a call runs in a worker, and its result comes back", {}, async (pool) => {
  const sum: number = await tasks.add.with({ pool })(20, 22);
  assert.equal(sum, 42);
  assert.equal(await tasks.nothing.with({ pool })(), undefined);
  const here = tasks.where.inline();
  const there = await tasks.where.with({ pool })();
  assert.notEqual(there, here);
  assert.equal(await tasks.where.with({ pool })(), there, "the same worker again");
});

eachBackend("arguments of every number and cloneable kind arrive as they were", {}, async (pool) => {
  const collect = tasks.collect.with({ pool });
  const values: unknown[] = [undefined, null, 1, "two", 3n, new Date(4), new Map([[5, new Set([6])]]), [7], {
    8: 9,
  }, -0];
  for (let length = 0; length <= values.length; length++) {
    assert.deepEqual(await collect(...values.slice(0, length)), values.slice(0, length));
  }
});

eachBackend(
  "a thousand calls in one turn come back in order, each to its caller",
  { size: 2 },
  async (pool) => {
    const add = tasks.add.with({ pool });
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(Array.from({ length: 1_000 }, (_, index) => add(index, round)));
      assert.deepEqual(results, results.map((_, index) => index + round));
    }
    const [fn] = pool.snapshot().functions;
    assert.equal(fn!.counts.succeeded, 3_000);
    assert.equal(pool.snapshot().waiting, 0);
    assert.equal(pool.snapshot().handed, 0);
  },
);

eachBackend("asynchronous tasks run one at a time, too", {}, async (pool) => {
  const later = tasks.later.with({ pool });
  const startedAt = performance.now();
  assert.deepEqual(await Promise.all([later(30, "a"), later(1, "b"), later(1, "c")]), ["a", "b", "c"]);
  assert.ok(performance.now() - startedAt >= 30);
});

eachBackend(
  "calls within a worker run inline: the same worker, without another message",
  {},
  async (pool) => {
    const [where, sum, here] = await tasks.nested.with({ pool })();
    assert.equal(where, here);
    assert.equal(sum, 3);
    assert.equal(pool.snapshot().workers.length, 1);
  },
);

eachBackend("cpuBoundIf runs what is small here, and the rest there", {}, async (pool) => {
  const longText = tasks.longText.with({ pool });
  const here = tasks.longText.inline("")[1];
  assert.deepEqual(await longText("short"), [5, here]);
  const [length, there] = await longText("long enough to be worth it");
  assert.equal(length, 26);
  assert.notEqual(there, here);
  const [fn] = pool.snapshot().functions;
  assert.equal(fn!.size!.max, 26, "the size is what the function's own measure says");
});

eachBackend(
  "an io pool has a thread for each of the calls that block",
  { kind: "io", size: 4 },
  async (pool) => {
    await Promise.all(Array.from({ length: 4 }, () => tasks.whereIo.with({ pool })()));
    const block = tasks.block.with({ pool });
    await Promise.all(Array.from({ length: 4 }, () => block(150)));
    assert.equal(pool.snapshot().workers.length, 4);
  },
);

eachBackend("errors cross with name, message, code, cause and stack", {}, async (pool) => {
  const throwError = failing.throwError.with({ pool });
  await assert.rejects(throwError("range"), (error) => {
    assert.ok(error instanceof RangeError);
    assert.equal(error.message, "out of range");
    assert.ok(error.cause instanceof TypeError);
    assert.match(error.stack!, /failing\.[jt]s/, "the stack is the worker's");
    return true;
  });
  await assert.rejects(throwError("code"), { name: "CustomError", code: "ECUSTOM", message: "with a code" });
  await assert.rejects(throwError("aggregate"), (error) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors.map(({ message }: Error) => message), ["one", "two"]);
    return true;
  });
  await assert.rejects(throwError("dom"), { name: "AbortError", message: "stopped" });
  assert.equal(await throwError("a text").catch((thrown) => thrown), "a text");
  await assert.rejects(failing.rejectLater.with({ pool })(), SyntaxError);
  assert.equal(pool.snapshot().totals.crashed, 0);
});

eachBackend("what cannot be copied is told clearly, and hurts no neighbour", {}, async (pool) => {
  const collect = tasks.collect.with({ pool });
  await collect();
  const [one, bad, two] = await Promise.allSettled([collect(1), collect(1, () => {}), collect(2)]);
  assert.deepEqual(one, { status: "fulfilled", value: [1] });
  assert.deepEqual(two, { status: "fulfilled", value: [2] });
  assert.equal(bad.status, "rejected");
  assert.match(
    String((bad as PromiseRejectedResult).reason),
    /argument 2 of collect\(\) cannot be sent to a worker.*plain data/,
  );
  const [before, failed, after] = await Promise.allSettled([
    collect(3),
    failing.returnFunction.with({ pool })(),
    collect(4),
  ]);
  assert.deepEqual(before, { status: "fulfilled", value: [3] });
  assert.deepEqual(after, { status: "fulfilled", value: [4] });
  assert.match(
    String((failed as PromiseRejectedResult).reason),
    /the result cannot be sent back.*plain data/,
  );
});

eachBackend("buffers are handed over there and back, not copied", {}, async (pool) => {
  const buffer = new ArrayBuffer(1_024);
  const { bytes } = await tasks.fill.with({ pool, transfer: [buffer] })(buffer);
  assert.equal(buffer.byteLength, 0, "it is no longer here");
  assert.equal(bytes.byteLength, 1_024);
  assert.ok(bytes.every((byte) => byte === 7));
  const inline = tasks.fill.inline(new ArrayBuffer(4));
  assert.equal(inline.bytes.byteLength, 4);
});

eachBackend("a task that is defined wrongly says how it should be", {}, async (pool) => {
  await assert.rejects(
    callHidden().with({ pool })(),
    /the task "hidden" of .* is not exported: write export const hidden/,
  );
  await assert.rejects(
    rightName.with({ pool })(),
    /exported as "rightName": give it the name it is exported under/,
  );
  await assert.rejects(late.with({ pool })(), /defines no task "late" when a worker loads it/);
  assert.throws(() => defineLate(), /the task "late" is defined twice/);
  assert.equal(pool.snapshot().totals.crashed, 0);
});

eachBackend("a module that cannot be loaded fails its calls, and no others", {}, async (pool) => {
  const results = await Promise.allSettled([unreachable.with({ pool })(), tasks.add.with({ pool })(1, 1)]);
  assert.equal(results[0].status, "rejected");
  const { reason } = results[0] as PromiseRejectedResult;
  assert.equal(reason.code, "WORKER_START_FAILED");
  assert.match(reason.message, /broken on purpose/);
  assert.deepEqual(results[1], { status: "fulfilled", value: 2 });
  await assert.rejects(unreachable.with({ pool })(), /broken on purpose/, "nor when a worker is there");
  assert.equal(await tasks.add.with({ pool })(2, 2), 4);
});

eachBackend("context locals that may travel, trace and deadline are there, others are not", {
  carry: ["tenant"],
}, async (pool) => {
  const context = createContext({ name: "shop", locals: { tenant: "blue", secret: "no" } });
  try {
    const inContext = tasks.inContext.with({ pool });
    const none = { secret: undefined, hasDeadline: false, traceId: undefined };
    assert.deepEqual(await inContext(), { ...none, tenant: undefined });
    const { tenant, secret, hasDeadline } = await context.run(() => inContext());
    assert.deepEqual([tenant, secret, hasDeadline], ["blue", undefined, false]);
    const request = context.child({ deadlineMs: 30_000, locals: { tenant: "red" } });
    const both = await request.run(() => Promise.all([inContext(), inContext()]));
    const { traceId } = request.trace!;
    assert.deepEqual(both, Array(2).fill({ tenant: "red", secret: undefined, hasDeadline: true, traceId }));
    request.close();
    assert.deepEqual(await inContext(), { ...none, tenant: undefined });
    await assert.rejects(async () => await request.run(() => inContext()), { code: "CLOSED" });
  } finally {
    context.close();
  }
});

for (const backend of backends) {
  test(`${backend}: statistics and records made in a worker reach the main thread, once`, async () => {
    const stats = createStats();
    const log = createLog({ category: ["shop"] });
    const pool = createWorkerPool({
      kind: "cpu",
      size: 1,
      startMs: START_MS,
      backend,
      stats,
      workerLog: log,
    });
    const done = () => stats.counter("orders.done").value;
    await tasks.recorded.with({ pool })(10);
    await until(() => done() === 10, "the counter of the worker");
    await tasks.recorded.with({ pool })(100);
    await pool.close();
    assert.equal(done(), 110);
    const size = stats.distribution("orders.size", { unit: "1" });
    assert.deepEqual([size.count, size.min, size.max, size.sum], [110, 1, 100, 5_105]);
    assert.ok(Math.abs(size.mean - 5_105 / 110) < 1e-9);
    const records = log.recent({ level: "warn" });
    assert.deepEqual(records.map(({ fields }) => fields.times), [100, 10]);
    assert.deepEqual(records[0]!.category, ["shop", "orders"]);
  });
}

eachBackend("a large result that blocks while it is copied is noticed and explained", {}, async (pool) => {
  const big = tasks.big.with({ pool });
  await big(10);
  assert.equal(pool.report().findings!.length, 0);
  await big(200_000);
  await until(() => pool.snapshot().functions[0]!.counts.slowClones > 0, "the notice of a slow copy");
  const [finding] = pool.report().findings!;
  assert.match(finding!.title, /Results of big\(\) block the main thread about \d+ ms while they are copied/);
  assert.match(finding!.remedy, /summary/);
});

test("without workers calls run inline, and say so", async () => {
  const pool = createWorkerPool({ kind: "cpu", backend: "inline" });
  assert.equal(pool.backend, "inline");
  assert.equal(await tasks.where.with({ pool })(), tasks.where.inline());
  await assert.rejects(failing.throwError.with({ pool })("range"), RangeError);
  const limited = tasks.later.with({ pool, timeoutMs: 10 })(10_000, "never");
  await assert.rejects(limited, { code: "TIMEOUT" });
  const { signal, release } = deadlineSignal(1_000);
  assert.equal(await tasks.add.with({ pool, signal })(1, 2), 3);
  release();
  assert.equal(pool.snapshot().functions[0]!.counts.inline, 1);
  await pool.close();
  await assert.rejects(tasks.add.with({ pool })(1, 2), { code: "CLOSED" });
});

test("options that make no sense are refused, with what was wanted", () => {
  const make = (options: object) => () => createWorkerPool({ kind: "cpu", ...options });
  assert.throws(make({ kind: "gpu" }), /kind must be "cpu" or "io", got "gpu"/);
  assert.throws(make({ size: 0 }), RangeError);
  assert.throws(make({ maxQueue: 1.5 }), RangeError);
  assert.throws(make({ maxHeapBytes: 1 }), RangeError);
  assert.throws(make({ carry: "tenant" }), /carry must be a list/);
  if (backends.includes("web")) {
    assert.throws(make({ backend: "web", maxHeapBytes: 2 ** 28 }), (error) => {
      assert.ok(error instanceof BallastError);
      assert.equal(error.code, "UNSUPPORTED");
      assert.match(error.message, /does not contain memory, "threads" does/);
      return true;
    });
  }
  assert.equal(createWorkerPool({ kind: "cpu", maxHeapBytes: 2 ** 28 }).backend, "threads");
});
