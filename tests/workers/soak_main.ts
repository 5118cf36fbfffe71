/** The long soak: `deno task test:soak-workers [web|threads] [calls]`; packed, on Node: `node tests/workers/soak_main.js`. */

import { readdirSync } from "node:fs";
import process from "node:process";
import { delay } from "@ballast/runtime";
import { type Backend, backends } from "./support.ts";
import { soak } from "./soak.ts";

const [backend = backends[0], calls = "1000000"] = process.argv.slice(2) as [Backend?, string?];

/** What the process holds, after it has come to rest. */
async function footprint(): Promise<Record<string, number>> {
  (globalThis as { gc?: () => void }).gc?.();
  await delay(1_000);
  const { heapUsed, rss } = process.memoryUsage();
  let threads = 0;
  try {
    threads = readdirSync("/proc/self/task").length;
  } catch {
    // Only Linux tells.
  }
  return { heapMiB: Math.round(heapUsed / 2 ** 20), rssMiB: Math.round(rss / 2 ** 20), threads };
}

// The first run loads and compiles what the later ones have.
await soak(backend!, 20_000, 2_500);
const before = await footprint();
const result = await soak(backend!, Number(calls), 10_000);
const after = await footprint();
console.log(JSON.stringify({ backend, ...result, before, after }, undefined, 2));
