/** Ballast, bare messages, and the pools most used: each with one worker that does nothing. */

import { Worker as ThreadsWorker } from "node:worker_threads";
import { createWorkerPool } from "@ballast/runtime/workers";
import * as tasks from "./tasks.ts";

export interface PoolContender {
  readonly name: string;
  call(): Promise<unknown>;
  close(): Promise<unknown> | void;
}

/** A worker of one's own, over postMessage: results come back in order, each to its promise. */
export interface BareWorker extends PoolContender {
  ask(message: unknown): Promise<number>;
}

const isDeno = (globalThis as { Deno?: unknown }).Deno !== undefined;
/** The same file beside this one: `.ts` from source, `.js` when packed. */
const beside = (name: string) =>
  new URL(`./${name}${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

export async function bareWorker(): Promise<BareWorker> {
  const waiting: ((value: number) => void)[] = [];
  let head = 0;
  const onMessage = (value: number) => {
    waiting[head++]!(value);
    if (head === waiting.length) {
      waiting.length = 0;
      head = 0;
    }
  };
  const url = beside("bare_worker");
  let post: (message: unknown) => void;
  let close: () => void;
  if (isDeno) {
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }) => onMessage(data);
    post = (message) => worker.postMessage(message);
    close = () => worker.terminate();
  } else {
    const worker = new ThreadsWorker(url);
    worker.on("message", onMessage);
    post = (message) => worker.postMessage(message);
    close = () => void worker.terminate();
  }
  const ask = (message: unknown) =>
    new Promise<number>((resolve) => {
      waiting.push(resolve);
      post(message);
    });
  await ask(0);
  return { name: "bare postMessage", ask, call: () => ask(0), close };
}

export function ballast(size = 1): PoolContender & { readonly pool: ReturnType<typeof createWorkerPool> } {
  const pool = createWorkerPool({ kind: "cpu", size, maxQueue: 4_096 });
  return { name: "ballast", call: tasks.nothing.with({ pool }), close: () => pool.close(), pool };
}

/** The peers that run here; the others are named with why they do not. */
export async function peers(): Promise<{ readonly pools: PoolContender[]; readonly failed: string[] }> {
  const pools: PoolContender[] = [];
  const failed: string[] = [];
  for (const [name, make] of Object.entries(PEERS)) {
    let pool: PoolContender | undefined;
    try {
      pool = { ...await make(), name };
      await within(5_000, pool.call());
      pools.push(pool);
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
      void pool?.close();
    }
  }
  return { pools, failed };
}

type Made = Omit<PoolContender, "name">;

const PEERS: Readonly<Record<string, () => Promise<Made>>> = {
  async "piscina, by default"() {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({ filename: beside("peer_task").href, minThreads: 1, maxThreads: 1 });
    return { call: () => pool.run(undefined), close: () => pool.destroy() };
  },
  async "piscina, tuned"() {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({
      filename: beside("peer_task").href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1_000,
      atomics: "disabled",
    });
    return { call: () => pool.run(undefined), close: () => pool.destroy() };
  },
  async tinypool() {
    const { Tinypool } = await import("tinypool");
    const pool = new Tinypool({
      filename: beside("peer_task").href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1_000,
    });
    return { call: () => pool.run(undefined), close: () => pool.destroy() };
  },
  async workerpool() {
    const { default: workerpool } = await import("workerpool");
    const pool = workerpool.pool(beside("workerpool_worker").pathname, {
      maxWorkers: 1,
      workerType: "thread",
    });
    return {
      call: () => pool.exec("nothing") as unknown as Promise<unknown>,
      close: () => void pool.terminate(true),
    };
  },
  async poolifier() {
    const { FixedThreadPool } = await import("poolifier");
    const pool = new FixedThreadPool(1, beside("poolifier_worker").pathname, { enableTasksQueue: false });
    return { call: () => pool.execute(), close: () => pool.destroy() };
  },
};

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
