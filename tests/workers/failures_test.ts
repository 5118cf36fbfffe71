import assert from "node:assert/strict";
import { test } from "node:test";

import { createContext, detectPlatform } from "@ballast/runtime";
import {
  createWorkerPool,
  type LossReason,
  type TaskFunction,
  type WorkerEvent,
  WorkerLostError,
  type WorkerPool,
} from "@ballast/runtime/workers";
import { backends, createLedger, eachBackend, release, START_MS, until } from "./support.ts";
import * as tasks from "./tasks/basic.ts";
import * as failing from "./tasks/failing.ts";

/** The ways of one worker to be lost with its call. */
const LOSSES: readonly {
  readonly what: string;
  readonly reason: LossReason;
  readonly task: TaskFunction<[ledger: Int32Array, index: number], unknown>;
}[] = [
  { what: "an error that nobody catches", reason: "crashed", task: failing.throwUncaught },
  { what: "an unhandled rejection", reason: "crashed", task: failing.rejectUnhandled },
  { what: "process.exit() in a call", reason: "exited", task: failing.exit },
  { what: "process.exit() while a call waits", reason: "exited", task: failing.exitLater },
  { what: "self.close()", reason: "exited", task: failing.closeSelf },
];

for (const { what, reason, task } of LOSSES) {
  eachBackend(`${what} loses that call alone; what had not begun runs elsewhere`, {}, async (pool) => {
    const ledger = createLedger(20);
    const events: WorkerEvent[] = [];
    pool.events.subscribe((event) => void events.push(event));
    const mark = failing.mark.with({ pool });
    // Known to be quick, so that the calls behind the fatal one are handed over with it.
    for (let index = 0; index < 3; index++) await mark(ledger, 0);
    const before = mark(ledger, 1);
    const fatal = task.with({ pool })(ledger, 2);
    const after = Array.from({ length: 10 }, (_, index) => mark(ledger, 3 + index));
    await assert.rejects(fatal, (error) => {
      assert.ok(error instanceof WorkerLostError, String(error));
      assert.equal(error.code, "WORKER_LOST");
      assert.equal(error.reason, reason);
      assert.match(error.message, /was lost with its worker, and may have run/);
      return true;
    });
    assert.deepEqual(await Promise.all(after), Array.from({ length: 10 }, (_, index) => 3 + index));
    const early = await Promise.allSettled([before]);
    if (early[0].status === "rejected") assert.ok(early[0].reason instanceof WorkerLostError);
    assert.deepEqual(
      [...ledger.subarray(1, 13)],
      Array(12).fill(1),
      "nothing has run twice, and all have run",
    );
    const lost = events.find((event) => event.type === "lost");
    assert.equal(lost?.reason, reason);
    assert.equal(lost?.function, task.name);
    assert.ok(pool.report().findings!.some(({ id }) => id === "workers-cpu-lost"));
    assert.equal(pool.snapshot().abandoned, 0, "it has ended");
  });
}

eachBackend("an infinite loop ends at its time limit, and its worker is replaced", {}, async (pool) => {
  const ledger = createLedger(4);
  await failing.mark.with({ pool })(ledger, 0);
  const startedAt = performance.now();
  const loop = failing.loopForever.with({ pool, timeoutMs: 100 })(ledger, 1);
  const next = failing.mark.with({ pool })(ledger, 2);
  await assert.rejects(loop, { code: "TIMEOUT", message: "loopForever() ran longer than 100 ms" });
  assert.ok(performance.now() - startedAt >= 99);
  assert.equal(await next, 2);
  const { functions, totals } = pool.snapshot();
  assert.equal(functions.find(({ name }) => name === "loopForever")!.counts.timedOut, 1);
  assert.equal(totals.replaced, 1);
  await release(pool, ledger);
});

eachBackend("a time limit counts from the start, not from the call", {}, async (pool) => {
  const spin = tasks.spin.with({ pool });
  await spin(1);
  const limited = tasks.spin.with({ pool, timeoutMs: 2_000 });
  const ahead = Array.from({ length: 3 }, () => spin(1_000));
  assert.equal(await limited(1), 1);
  assert.deepEqual(await Promise.all(ahead), [1_000, 1_000, 1_000]);
});

eachBackend("an abort of the call that runs replaces its worker, and hits nothing else", {}, async (pool) => {
  const ledger = createLedger(40);
  const mark = failing.mark.with({ pool });
  for (let index = 0; index < 5; index++) await mark(ledger, 0);
  const controller = new AbortController();
  const before = Array.from({ length: 15 }, (_, index) => mark(ledger, 1 + index));
  const running = failing.loopForever.with({ pool, signal: controller.signal })(ledger, 16);
  const after = Array.from({ length: 15 }, (_, index) => mark(ledger, 17 + index));
  const settled = Promise.allSettled([running]);
  await until(() => Atomics.load(ledger, 16) === 1, "the start of the loop", START_MS);
  controller.abort(new Error("enough"));
  const [result] = await settled;
  assert.equal((result as PromiseRejectedResult).reason.message, "enough");
  assert.deepEqual(
    await Promise.all(before),
    Array.from({ length: 15 }, (_, index) => 1 + index),
    "delivered before the end",
  );
  assert.deepEqual(
    await Promise.all(after),
    Array.from({ length: 15 }, (_, index) => 17 + index),
    "run by the next worker",
  );
  assert.deepEqual([...ledger.subarray(1, 32)], Array(31).fill(1));
  assert.equal(pool.snapshot().functions.find(({ name }) => name === "loopForever")!.counts.aborted, 1);
  assert.equal(pool.snapshot().recentLosses, 0, "that was no crash");
  await release(pool, ledger);
});

eachBackend(
  "an abort of a call that waits takes it back: it never runs, and no worker is ended",
  {},
  async (pool) => {
    const ledger = createLedger(8);
    const mark = failing.mark;
    for (let index = 0; index < 5; index++) await mark.with({ pool })(ledger, 0);
    const controller = new AbortController();
    const running = failing.markSlowly.with({ pool })(ledger, 1, 100);
    await until(() => Atomics.load(ledger, 1) === 1, "the start of the slow call", START_MS);
    const handed = mark.with({ pool, signal: controller.signal })(ledger, 2);
    const other = mark.with({ pool })(ledger, 3);
    const queued = Array.from({ length: 3 }, () => mark.with({ pool, signal: controller.signal })(ledger, 4));
    const ended = Promise.allSettled([handed, ...queued]);
    await Promise.resolve();
    controller.abort();
    for (const result of await ended) {
      assert.equal(
        (result as PromiseRejectedResult).reason.name,
        "AbortError",
      );
    }
    assert.deepEqual([await running, await other], [1, 3]);
    assert.deepEqual([...ledger.subarray(1, 5)], [1, 0, 1, 0]);
    assert.equal(pool.snapshot().totals.replaced, 0);
    await assert.rejects(mark.with({ pool, signal: controller.signal })(ledger, 5), { name: "AbortError" });
    assert.equal(ledger[5], 0);
  },
);

eachBackend(
  "the deadline of the context ends its calls: those that wait, and the one that runs",
  {},
  async (pool) => {
    const ledger = createLedger(8);
    await failing.mark.with({ pool })(ledger, 0);
    const context = createContext({ name: "request" });
    const request = context.child({ deadlineMs: 200 });
    try {
      const calls = request.run(() => [
        failing.loopForever.with({ pool })(ledger, 1),
        failing.mark.with({ pool })(ledger, 2),
      ]);
      for (const result of await Promise.allSettled(calls)) {
        assert.equal((result as PromiseRejectedResult).reason.code, "TIMEOUT");
      }
      assert.equal(ledger[2], 0);
      assert.equal(await failing.mark.with({ pool })(ledger, 3), 3);
    } finally {
      context.close();
    }
  },
);

test("threads: a call that exhausts its heap is lost, alone; the main process is not touched", async () => {
  const ledger = createLedger(8);
  const pool = createWorkerPool({
    kind: "cpu",
    size: 1,
    startMs: START_MS,
    maxHeapBytes: 48 * 2 ** 20,
    silenceMs: 5_000,
  });
  try {
    assert.equal(pool.backend, "threads");
    assert.equal(pool.snapshot().containsMemory, true);
    const mark = failing.mark.with({ pool });
    for (let index = 0; index < 3; index++) await mark(ledger, 0);
    const fatal = failing.exhaustMemory.with({ pool })(ledger, 1);
    const after = [mark(ledger, 2), mark(ledger, 3)];
    await assert.rejects(fatal, (error) => {
      assert.ok(error instanceof WorkerLostError);
      assert.ok(["crashed", "silent", "exited"].includes(error.reason), error.reason);
      return true;
    });
    assert.deepEqual(await Promise.all(after), [2, 3]);
    assert.deepEqual([...ledger.subarray(1, 4)], [1, 1, 1]);
  } finally {
    await pool.close();
  }
});

test("Web Workers are reported as not containing memory", () => {
  for (const backend of backends) {
    const { containsMemory } = createWorkerPool({ kind: "cpu", backend }).snapshot();
    assert.equal(containsMemory, backend === "threads");
  }
});

for (const backend of backends) {
  test(`${backend}: threads that cannot be ended are counted, told of, and bounded`, async () => {
    const pool = createWorkerPool({ kind: "cpu", size: 1, startMs: START_MS, backend });
    const ledger = createLedger(4);
    try {
      await failing.mark.with({ pool })(ledger, 1);
      for (let loop = 0; loop < 2; loop++) {
        await assert.rejects(failing.loopForever.with({ pool, timeoutMs: 20 })(ledger, 2), {
          code: "TIMEOUT",
        });
      }
      const { abandoned } = pool.snapshot();
      // Node's threads end, whatever they do.
      assert.equal(abandoned, detectPlatform().name === "deno" ? 2 : 0);
      const finding = pool.report().findings!.find(({ id }) => id === "workers-cpu-abandoned");
      assert.equal(finding?.severity, abandoned > 0 ? "critical" : undefined);
      assert.equal(await failing.mark.with({ pool })(ledger, 3), 3, "and others work on");
      await release(pool, ledger);
    } finally {
      await pool.close();
    }
  });
}

eachBackend("a worker that gives no sign of life counts as lost", { silenceMs: 400 }, async (pool) => {
  const ledger = createLedger(4);
  await failing.mark.with({ pool })(ledger, 0);
  const silent = failing.loopForever.with({ pool })(ledger, 1);
  const next = failing.mark.with({ pool })(ledger, 2);
  await assert.rejects(silent, (error) => error instanceof WorkerLostError && error.reason === "silent");
  assert.equal(await next, 2);
  await release(pool, ledger);
  // Waiting is no silence.
  assert.equal(await tasks.later.with({ pool })(1_000, "here"), "here");
});

eachBackend("a call that may run twice does, when its worker is lost; and not for ever", {}, async (pool) => {
  const ledger = createLedger(4);
  assert.equal(await failing.recoverable.with({ pool })(ledger, 0, 1), 1, "in a new worker");
  assert.equal(ledger[0], 2);
  await assert.rejects(failing.oncePerCrash.with({ pool })(ledger, 1), WorkerLostError);
  assert.equal(ledger[1], 3, "once, and twice again");
});

eachBackend("workers that crash in a loop are braked, and calls that can run still do", {}, async (pool) => {
  const ledger = createLedger(4);
  let braked = 0;
  pool.events.subscribe((event) => void (event.type === "braked" && braked++));
  for (let crash = 0; crash < 5; crash++) {
    await assert.rejects(failing.exit.with({ pool })(ledger, 0), WorkerLostError);
  }
  assert.equal(ledger[0], 5);
  assert.equal(braked, 2);
  assert.ok(
    pool.report().findings!.some(({ id, severity }) => id === "workers-cpu-lost" && severity === "critical"),
  );
  assert.equal(await failing.mark.with({ pool })(ledger, 1), 1);
});

eachBackend(
  "calls stuck behind a long one are taken back for a worker that is free",
  { size: 2 },
  async (pool) => {
    const ledger = createLedger(12);
    await warm(pool, ledger);
    let released = false;
    const slow = failing.markSlowly.with({ pool });
    // Known as quick, and then it is not.
    for (let index = 0; index < 30; index++) await slow(ledger, 0, 0);
    const long = slow(ledger, 1, 1_500).then(() => released = true);
    const quick = Array.from({ length: 10 }, (_, index) => slow(ledger, 2 + index, 0));
    await Promise.all(quick);
    assert.equal(released, false, "none of them waited for the long one");
    await long;
    assert.deepEqual([...ledger.subarray(1)], Array(11).fill(1));
  },
);

/** Has both workers started. */
async function warm(pool: WorkerPool, ledger: Int32Array): Promise<void> {
  const slow = failing.markSlowly.with({ pool });
  await Promise.all([slow(ledger, 0, 50), slow(ledger, 0, 50)]);
  await until(
    () => pool.snapshot().workers.filter(({ state }) => state === "idle").length === 2,
    "two workers",
    START_MS,
  );
}
