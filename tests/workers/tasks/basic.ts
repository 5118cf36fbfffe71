/** Tasks that the tests call. */

import { currentContext } from "@ballast/runtime/context";
import { cpuBound, cpuBoundIf, ioBound, transferring } from "@ballast/runtime/workers";

/** Where this copy of the module lives: every thread has its own. */
const here = Math.random();
let calls = 0;

export const add = cpuBound(import.meta, "add", (a: number, b: number) => a + b);

export const nothing = cpuBound(import.meta, "nothing", () => {});

export const where = cpuBound(import.meta, "where", () => here);

export const whereIo = ioBound(import.meta, "whereIo", () => here);

export const counted = cpuBound(import.meta, "counted", () => ++calls);

export const later = cpuBound(
  import.meta,
  "later",
  (ms: number, value: string) => new Promise<string>((resolve) => setTimeout(() => resolve(value), ms)),
);

/** Computes, without a pause, for so long. */
export function burn(ms: number): number {
  const end = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < end) rounds++;
  return rounds > 0 ? ms : 0;
}

export const spin = cpuBound(import.meta, "spin", burn);

export const spinLimited = cpuBound(import.meta, "spinLimited", burn, { timeoutMs: 100 });

export const block = ioBound(import.meta, "block", burn);

export const collect = cpuBound(import.meta, "collect", (...values: unknown[]) => values);

export const nested = cpuBound(import.meta, "nested", async () => [await where(), await add(1, 2), here]);

export const longText = cpuBoundIf(
  import.meta,
  "longText",
  (text: string) => text.length > 10,
  (text: string) => [text.length, here] as const,
  { size: (text) => text.length },
);

export const fill = cpuBound(import.meta, "fill", (buffer: ArrayBuffer) => {
  const bytes = new Uint8Array(buffer).fill(7);
  return transferring({ bytes }, [bytes.buffer]);
});

export const inContext = cpuBound(import.meta, "inContext", () => {
  const context = currentContext();
  return {
    tenant: context?.get("tenant"),
    secret: context?.get("secret"),
    hasDeadline: context?.deadline !== undefined,
    traceId: context?.trace?.traceId,
  };
});

export const recorded = cpuBound(import.meta, "recorded", (times: number) => {
  const { stats, log } = currentContext()!;
  for (let index = 1; index <= times; index++) {
    stats.counter("orders.done").add();
    stats.distribution("orders.size", { unit: "1" }).add(index);
  }
  log.child("orders").warn("counted", { times });
});

export const big = cpuBound(
  import.meta,
  "big",
  (count: number) =>
    Array.from({ length: count }, (_, index) => ({ index, text: `row ${index}`, tags: ["a", "b"] })),
);
