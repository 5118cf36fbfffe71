import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createRuntime, currentContext } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { createWorkerPool, type WorkerEvent, type WorkerPool } from "@ballast/runtime/workers";
import { backends, createLedger, eachBackend, START_MS, until } from "./support.ts";
import * as tasks from "./tasks/basic.ts";
import * as failing from "./tasks/failing.ts";

function recycled(pool: WorkerPool): Extract<WorkerEvent, { type: "recycled" }>[] {
  const seen: Extract<WorkerEvent, { type: "recycled" }>[] = [];
  pool.events.subscribe((event) => void (event.type === "recycled" && seen.push(event)));
  return seen;
}

eachBackend(
  "a worker is recycled after its calls, its replacement ready first",
  { recycle: { tasks: 20 } },
  async (pool) => {
    const seen = recycled(pool);
    const states: string[][] = [];
    pool.events.subscribe(({ type }) => {
      if (type === "started") states.push(pool.snapshot().workers.map(({ state }) => state));
    });
    const first = await tasks.where.with({ pool })();
    const ledger = createLedger(300);
    for (let index = 0; index < 30; index++) await failing.mark.with({ pool })(ledger, index);
    await until(() => seen.length > 0, "the first worker's end", START_MS);
    assert.deepEqual([seen[0]!.worker, seen[0]!.why], [1, "tasks"]);
    assert.equal(states[1]!.length, 2, "when the second was ready the first was still there");
    assert.notEqual(await tasks.where.with({ pool })(), first);
    assert.deepEqual([...ledger.subarray(0, 30)], Array(30).fill(1));
  },
);

eachBackend("a worker is recycled by age", { recycle: { ageMs: 200 } }, async (pool) => {
  const seen = recycled(pool);
  await tasks.where.with({ pool })();
  await until(() => seen.some(({ why }) => why === "age"), "the end of an old worker", START_MS);
});

eachBackend("a worker is recycled by the size of its heap", { recycle: { heapBytes: 1 } }, async (pool) => {
  const seen = recycled(pool);
  await tasks.where.with({ pool })();
  await until(() => seen.some(({ why }) => why === "heap"), "the end of a fat worker", START_MS);
});

eachBackend("workers are replaced when a person asks for it", {}, async (pool) => {
  const seen = recycled(pool);
  await tasks.where.with({ pool })();
  assert.deepEqual(pool.act("recycle"), { workers: 1 });
  await until(() => seen.length === 1, "the end of the worker", START_MS);
  assert.equal(seen[0]!.why, "asked");
  assert.throws(() => pool.act("explode"), { code: "UNKNOWN_ACTION" });
});

eachBackend(
  "a pool has no worker before its first call, and none when it has been idle",
  { idleMs: 100 },
  async (pool) => {
    assert.deepEqual(pool.snapshot().workers, []);
    await tasks.where.with({ pool })();
    assert.equal(pool.snapshot().workers.length, 1);
    await until(() => pool.snapshot().workers.length === 0, "the end of the idle worker", START_MS);
    assert.equal(pool.snapshot().totals.retired, 1);
    assert.equal(typeof await tasks.where.with({ pool })(), "number", "and it comes back");
  },
);

eachBackend("closing ends within a second: what runs gets a moment, what waits is told", {}, async (pool) => {
  const ledger = createLedger(8);
  for (let index = 0; index < 3; index++) await failing.mark.with({ pool })(ledger, 0);
  const short = failing.markSlowly.with({ pool })(ledger, 1, 100);
  await until(() => ledger[1] === 1, "the start of the call", START_MS);
  const waiting = Promise.allSettled([
    failing.mark.with({ pool })(ledger, 2),
    failing.loopForever.with({ pool })(ledger, 3),
  ]);
  const closed = pool.close();
  assert.equal(await short, 1);
  for (const result of await waiting) assert.equal((result as PromiseRejectedResult).reason.code, "CLOSED");
  await closed;
  await pool.close();
  await assert.rejects(failing.mark.with({ pool })(ledger, 4), { code: "CLOSED" });
  assert.deepEqual([...ledger.subarray(2, 5)], [0, 0, 0]);
  assert.deepEqual(pool.snapshot().workers, []);
});

eachBackend("closing ends a call that never would", {}, async (pool) => {
  const ledger = createLedger(2);
  const loop = assert.rejects(failing.loopForever.with({ pool })(ledger, 1), { code: "CLOSED" });
  await until(() => ledger[1] === 1, "the start of the loop", START_MS);
  const startedAt = performance.now();
  await pool.close({ graceMs: 50 });
  await loop;
  Atomics.store(ledger, 0, -1_000_000);
  assert.ok(performance.now() - startedAt < 5_000);
});

eachBackend("closing can wait until everything is done", { size: 2 }, async (pool) => {
  const ledger = createLedger(200);
  const calls = Array.from(
    { length: 200 },
    (_, index) => failing.markSlowly.with({ pool })(ledger, index, 1),
  );
  await pool.close({ finish: true });
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 200 }, (_, index) => index));
  assert.ok(ledger.every((times) => times === 1));
});

test("the workers of a runtime run what is called within its context, and are on its pages", async () => {
  const runtime = createRuntime({
    name: "shop",
    workers: { carry: ["tenant"], cpu: { size: 1, startMs: START_MS } },
  });
  try {
    const request = runtime.context.child({ locals: { tenant: "green" } });
    const seen = await request.run(() => tasks.inContext());
    assert.equal(seen.tenant, "green");
    assert.equal(runtime.workers.snapshot().pools[0]!.functions[0]!.name, "inContext");
    await request.run(() => tasks.recorded(3));
    request.close();
    await until(() => runtime.stats.counter("orders.done").value === 3, "the worker's counter");
    const meta = createMetaApp(runtime);
    const page = await (await meta.request("/workers", { headers: { accept: "text/html" } })).text();
    for (const text of ["Workers", "inContext", "Contains memory", "Queued p50"]) {
      assert.ok(page.includes(text), text);
    }
    assert.match(
      runtime.stats.openMetrics(),
      /workers_calls_total\{function="inContext",outcome="succeeded",pool="cpu"\} 1/,
    );
    assert.equal(currentContext(), undefined);
  } finally {
    await runtime.close();
  }
  await assert.rejects(async () => await runtime.context.run(() => tasks.add(1, 2)));
});

/** Runs a program of the tests to its end. */
function run(path: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const file = fileURLToPath(new URL(path, import.meta.url));
  const isDeno = process.versions.deno !== undefined;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...isDeno ? ["run", "--quiet", "--no-check", "--allow-all"] : [], file, ...args],
      { timeout: 60_000 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 124), output: stdout + stderr }),
    );
  });
}

const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

for (const backend of backends) {
  test(`${backend}: a program ends by itself when its calls are done, idle workers or not`, async () => {
    const { code, output } = await run(`./programs/natural_end${extension}`, backend);
    assert.equal(output.trim(), "3 5");
    assert.equal(code, 0);
  });
}

test("a task in the program's own entry module is refused, with advice", async () => {
  const { code, output } = await run(`./programs/own_entry${extension}`);
  assert.notEqual(code, 0);
  assert.match(output, /is defined in the program's entry module.*put tasks into a module of their own/s);
});

test("a user's own worker is none of ours: there, too, calls go to workers", async () => {
  const { code, output } = await run(`./programs/own_worker${extension}`);
  assert.equal(output.trim(), "own worker: another thread");
  assert.equal(code, 0);
});

test("an unreferenced pool is no reason for a test to hang", () => {
  createWorkerPool({ kind: "cpu" });
});
