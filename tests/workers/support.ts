/** What the tests of workers share: the same test for every kind of worker there is. */

import { test } from "node:test";
import { delay, detectPlatform } from "@ballast/runtime";
import { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from "@ballast/runtime/workers";

export type Backend = "web" | "threads";

/** The kinds of worker that this runtime has. */
export const backends: readonly Backend[] = detectPlatform().workers!.backends.map(({ name }) => name);

/** `deno test` checks the types of a worker's modules before it loads them, which takes its time. */
export const START_MS = 60_000;

/** Runs a test with a pool of every kind of worker. */
export function eachBackend(
  name: string,
  options: Omit<WorkerPoolOptions, "kind"> & { readonly kind?: "cpu" | "io" },
  run: (pool: WorkerPool, backend: Backend) => Promise<void>,
): void {
  for (const backend of backends) {
    test(`${backend}: ${name}`, async () => {
      const pool = createWorkerPool({ kind: "cpu", size: 1, startMs: START_MS, ...options, backend });
      try {
        await run(pool, backend);
      } finally {
        await pool.close();
        endLoops();
      }
    });
  }
}

/** Waits, no longer than `withinMs`, until something holds. */
export async function until(holds: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} did not come true within ${withinMs} ms`);
    await delay(5);
  }
}

const ledgers: Int32Array[] = [];

/** Counts for side effects that every thread can see. The first one is for the loops: see `endLoops`. */
export function createLedger(length: number): Int32Array {
  const ledger = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  ledgers.push(ledger);
  return ledger;
}

/**
 * Ends what loops for ever, of this test: Deno's `terminate()` takes a thread's messages from it, but does not stop its code,
 * and a core would be busy with it until the process ends.
 */
function endLoops(): void {
  for (const ledger of ledgers.splice(0)) Atomics.store(ledger, 0, -1);
}

/** Lets the endless loops of a ledger end: Deno cannot end a thread that is busy, and the next test needs the processors. */
export async function release(pool: WorkerPool, ledger: Int32Array): Promise<void> {
  Atomics.store(ledger, 0, -1_000_000);
  await until(() => pool.snapshot().abandoned === 0, "the end of every loop", START_MS);
}
