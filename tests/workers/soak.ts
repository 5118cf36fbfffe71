/**
 * Mixed calls with random aborts, time limits and crashes, and a ledger of their side effects: run at 20,000 by the tests, at
 * 1,000,000 by `deno task test:soak-workers`.
 */

import assert from "node:assert/strict";
import { delay } from "@ballast/runtime";
import { createWorkerPool, WorkerLostError } from "@ballast/runtime/workers";
import { type Backend, createLedger, START_MS } from "./support.ts";
import * as failing from "./tasks/failing.ts";

export interface SoakResult {
  readonly calls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly workersLost: number;
  readonly tookMs: number;
}

/** A small generator, so that a run can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ (state >>> 15), state | 1) + 0x6d2b79f5 | 0;
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
}

const QUICK = 0;
const IDEMPOTENT = 1;

/** Runs so many calls, and checks the books. */
export async function soak(
  backend: Backend,
  calls: number,
  crashEvery: number,
  seed = 1,
): Promise<SoakResult> {
  const startedAt = performance.now();
  const next = random(seed);
  const ledger = createLedger(calls);
  const settled = new Uint8Array(calls);
  const kinds = new Uint8Array(calls);
  const fates: (string | undefined)[] = new Array(calls);
  const pool = createWorkerPool({ kind: "cpu", size: 2, backend, startMs: START_MS, maxQueue: 4_096 });
  let pending = 0;
  let wake = () => {};

  function watch(index: number, promise: Promise<unknown>): void {
    pending++;
    const done = (fate: string) => {
      settled[index]!++;
      fates[index] = fate;
      if (--pending < 500) wake();
    };
    promise.then((value) => {
      assert.equal(value, index);
      done("succeeded");
    }, (error) => done(fateOf(error)));
  }

  for (let index = 0; index < calls; index++) {
    const dice = next();
    const hurt = index % crashEvery === crashEvery - 1;
    if (hurt) watch(index, makeTrouble(index, dice));
    else if (dice < 0.02) {
      const controller = new AbortController();
      watch(index, failing.mark.with({ pool, signal: controller.signal })(ledger, index));
      if (dice < 0.015) queueMicrotask(() => controller.abort(new Error("aborted at once")));
      else void delay(1).then(() => controller.abort(new Error("aborted soon")));
    } else if (dice < 0.05) {
      kinds[index] = IDEMPOTENT;
      watch(index, failing.recoverable.with({ pool })(ledger, index, 0).then(() => index));
    } else if (dice < 0.052) {
      watch(index, failing.markSlowly.with({ pool })(ledger, index, dice < 0.051 ? 1 : 3));
    } else if (dice < 0.1) {
      watch(
        index,
        failing.mark.with({ pool, priority: dice < 0.07 ? "critical" : "sheddable" })(ledger, index),
      );
    } else watch(index, failing.mark.with({ pool })(ledger, index));
    if (pending >= 1_000) await new Promise<void>((resolve) => wake = resolve);
  }
  // One at a time, in the midst of others: each of these costs a worker.
  function makeTrouble(index: number, dice: number): Promise<unknown> {
    // Deno cannot end a thread that is busy: once the pool has given it up, it is told to stop.
    const gate = createLedger(1);
    const open = () => void Atomics.store(gate, 0, 1);
    if (dice < 0.3) return failing.loopUntil.with({ pool, timeoutMs: 5 })(ledger, index, gate).finally(open);
    if (dice < 0.5) {
      const controller = new AbortController();
      void delay(10).then(() => controller.abort(new Error("aborted while it ran")));
      return failing.loopUntil.with({ pool, signal: controller.signal })(ledger, index, gate).finally(open);
    }
    if (dice < 0.7) return failing.exit.with({ pool })(ledger, index);
    return failing.throwUncaught.with({ pool })(ledger, index);
  }

  while (pending > 0) await delay(5);
  const before = pool.snapshot();
  await pool.close();
  checkBooks({ calls, settled, kinds, fates, ledger });
  const outcomes: Record<string, number> = {};
  for (const fate of fates) outcomes[fate!] = (outcomes[fate!] ?? 0) + 1;
  checkCounts(before.functions, calls, outcomes);
  assert.equal(before.waiting, 0);
  assert.equal(before.handed, 0);
  assert.deepEqual(pool.snapshot().workers, []);
  const { crashed, exited, replaced } = before.totals;
  return { calls, outcomes, workersLost: crashed + exited + replaced, tookMs: performance.now() - startedAt };
}

function fateOf(error: unknown): string {
  if (error instanceof WorkerLostError) return "lost";
  const { code, message } = error as { code?: string; message: string };
  if (code === "TIMEOUT") return "timedOut";
  if (message.startsWith("aborted")) return "aborted";
  return `unexpected: ${message}`;
}

interface Books {
  readonly calls: number;
  readonly settled: Uint8Array;
  readonly kinds: Uint8Array;
  readonly fates: readonly (string | undefined)[];
  readonly ledger: Int32Array;
}

/** Every promise has settled once; what succeeded has run, and nothing has run twice that must not. */
function checkBooks({ calls, settled, kinds, fates, ledger }: Books): void {
  for (let index = 0; index < calls; index++) {
    const where = `call ${index} (${fates[index]})`;
    assert.equal(settled[index], 1, `${where} settled once`);
    assert.ok(!fates[index]!.startsWith("unexpected"), where);
    const runs = Atomics.load(ledger, index);
    if (kinds[index] === QUICK) assert.ok(runs <= 1, `${where} ran ${runs} times`);
    else assert.ok(runs <= 3, `${where} ran ${runs} times`);
    if (fates[index] === "succeeded") assert.ok(runs >= 1, `${where} has run`);
    if (fates[index] === "lost") assert.ok(runs >= 1, `${where} had begun`);
  }
}

type Counted = { readonly counts: Readonly<Record<string, number>> };

function checkCounts(
  functions: readonly Counted[],
  calls: number,
  outcomes: Readonly<Record<string, number>>,
): void {
  const sum = (key: string) => functions.reduce((total, { counts }) => total + counts[key]!, 0);
  assert.equal(sum("calls"), calls);
  for (const key of ["succeeded", "timedOut", "aborted", "lost"]) {
    assert.equal(sum(key), outcomes[key] ?? 0, key);
  }
  assert.equal(sum("failed") + sum("rejected") + sum("cancelled"), 0);
}
