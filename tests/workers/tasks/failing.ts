/** Tasks that fail in every way there is. */

import process from "node:process";
import { cpuBound, ioBound } from "@ballast/runtime/workers";

const BEGUN = 0;

/** Leaves a trace, so that nothing can run unseen. */
function trace(ledger: Int32Array, index: number): void {
  Atomics.add(ledger, index, 1);
}

export const mark = cpuBound(import.meta, "mark", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  return index;
});

export const markIo = ioBound(import.meta, "markIo", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  return index;
});

export const markSlowly = cpuBound(
  import.meta,
  "markSlowly",
  (ledger: Int32Array, index: number, ms: number) => {
    trace(ledger, index);
    const end = performance.now() + ms;
    while (performance.now() < end);
    return index;
  },
);

export const throwError = cpuBound(import.meta, "throwError", (kind: string) => {
  if (kind === "range") throw new RangeError("out of range", { cause: new TypeError("inner") });
  if (kind === "code") {
    throw Object.assign(new Error("with a code"), { code: "ECUSTOM", name: "CustomError" });
  }
  if (kind === "aggregate") throw new AggregateError([new Error("one"), new Error("two")], "both");
  if (kind === "dom") throw new DOMException("stopped", "AbortError");
  throw kind;
});

export const rejectLater = cpuBound(import.meta, "rejectLater", async () => {
  await Promise.resolve();
  throw new SyntaxError("rejected");
});

export const returnFunction = cpuBound(import.meta, "returnFunction", () => () => 1);

/** Waits for ever, while something that nobody awaits goes wrong. */
const never = () => new Promise<never>(() => {});

export const throwUncaught = cpuBound(import.meta, "throwUncaught", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  setTimeout(() => {
    throw new Error("uncaught on purpose");
  }, 1);
  return never();
});

export const rejectUnhandled = cpuBound(
  import.meta,
  "rejectUnhandled",
  (ledger: Int32Array, index: number) => {
    trace(ledger, index);
    void Promise.reject(new Error("unhandled on purpose"));
    return never();
  },
);

export const exit = cpuBound(import.meta, "exit", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  process.exit(3);
});

export const exitLater = cpuBound(import.meta, "exitLater", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  setTimeout(() => process.exit(4), 1);
  return never();
});

export const closeSelf = cpuBound(import.meta, "closeSelf", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  const { close } = globalThis as { close?: () => void };
  // Node's workers have no close(): what comes nearest.
  if (typeof close === "function") close();
  else process.exit();
  return never();
});

export const loopForever = cpuBound(import.meta, "loopForever", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  while (Atomics.load(ledger, BEGUN) >= 0);
});

export const loopUntil = cpuBound(
  import.meta,
  "loopUntil",
  (ledger: Int32Array, index: number, gate: Int32Array) => {
    trace(ledger, index);
    while (Atomics.load(gate, 0) === 0);
  },
);

export const exhaustMemory = cpuBound(import.meta, "exhaustMemory", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  const held: unknown[] = [];
  for (;;) held.push(Array.from({ length: 10_000 }, (_, item) => ({ item })));
});

let failures = 0;

/** Crashes its worker until it has run often enough, as its ledger says. */
export const recoverable = cpuBound(
  import.meta,
  "recoverable",
  (ledger: Int32Array, index: number, crashes: number) => {
    failures++;
    if (Atomics.add(ledger, index, 1) < crashes) process.exit(5);
    return failures;
  },
  { idempotent: true },
);

export const oncePerCrash = cpuBound(import.meta, "oncePerCrash", (ledger: Int32Array, index: number) => {
  trace(ledger, index);
  process.exit(6);
}, { idempotent: true });
