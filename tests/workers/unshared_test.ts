/** Where memory cannot be shared a worker has one call at a time; all else holds. */

import assert from "node:assert/strict";

import { createContext } from "@ballast/runtime";
import { WorkerLostError, type WorkerPool } from "@ballast/runtime/workers";
import { eachBackend } from "./support.ts";
import * as tasks from "./tasks/basic.ts";
import * as failing from "./tasks/failing.ts";
import { seenTwice, tenant } from "./tasks/travel.ts";

/** Runs a test as in a browser whose page is not isolated. */
function withoutSharing(name: string, run: (pool: WorkerPool) => Promise<void>): void {
  eachBackend(`without shared memory: ${name}`, {}, async (pool) => {
    const scope = globalThis as { SharedArrayBuffer?: unknown };
    const { SharedArrayBuffer } = scope;
    scope.SharedArrayBuffer = undefined;
    try {
      await run(pool);
    } finally {
      scope.SharedArrayBuffer = SharedArrayBuffer;
    }
  });
}

withoutSharing("results, failures and context, in order", async (pool) => {
  const handed: number[] = [];
  const calls = Array.from({ length: 200 }, async (_, index) => {
    const sum = await tasks.add.with({ pool })(index, 1);
    handed.push(pool.snapshot().workers[0]!.handed);
    return sum;
  });
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 200 }, (_, index) => index + 1));
  assert.ok(handed.every((count) => count <= 1), "the worker has one call at a time");
  assert.equal(await tasks.nothing.with({ pool })(), undefined);
  assert.equal(await tasks.later.with({ pool })(5, "a"), "a");
  await assert.rejects(failing.throwError.with({ pool })("range"), RangeError);
  await assert.rejects(failing.returnFunction.with({ pool })(), /the result cannot be sent back/);
  await assert.rejects(tasks.collect.with({ pool })(() => {}), /argument 1 of collect\(\) cannot be sent/);
  const { bytes } = await tasks.fill.with({ pool })(new ArrayBuffer(64));
  assert.equal(bytes[63], 7);
  const context = createContext({ name: "shop", locals: [tenant.of("blue")] });
  assert.deepEqual(await context.run(() => seenTwice.with({ pool })()), ["blue", "blue"]);
  context.close();
  assert.deepEqual(await seenTwice.with({ pool })(), [undefined, undefined]);
  assert.equal(pool.snapshot().workers[0]!.id, 1, "all by the one worker");
  assert.ok(pool.snapshot().functions.find(({ name }) => name === "later")!.durationMs.max! >= 4);
});

withoutSharing("a time limit ends a call, and a lost worker its own alone", async (pool) => {
  const limited = tasks.later.with({ pool, timeoutMs: 30 })(60_000, "never");
  const behind = tasks.add.with({ pool })(1, 1);
  await assert.rejects(limited, { code: "TIMEOUT" });
  assert.equal(await behind, 2, "what waited runs in the next worker");
  const ledger = new Int32Array(8);
  const lost = failing.exit.with({ pool })(ledger, 1);
  const next = tasks.add.with({ pool })(2, 2);
  await assert.rejects(lost, WorkerLostError);
  assert.equal(await next, 4);
});
