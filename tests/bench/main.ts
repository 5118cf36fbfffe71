/**
 * `deno task bench`: what a hit costs, and what an outage does, each beside its peers and as a ratio measured in one run; and
 * what ten thousand names cost.
 *
 * `--json` prints the figures for programs; `--only hit`, `--only outage` or `--only memory` runs one part; `--quick` only
 * shows that it runs.
 */

import type { HitCosts } from "./hit.ts";
import { measureHits } from "./hit.ts";
import { QUICK, THOROUGH } from "./measure.ts";
import { measureMemory, type MemoryResult } from "./memory.ts";
import { measureOutage, type OutageResult } from "./outage.ts";

const only = Deno.args[Deno.args.indexOf("--only") + 1] ?? "";
const wanted = (part: string) => !Deno.args.includes("--only") || only === part;

const quick = Deno.args.includes("--quick");
const hit = wanted("hit") ? await measureHits(quick ? QUICK : THOROUGH) : undefined;
const outage = wanted("outage") ? await measureOutage(quick ? 3 : 15) : undefined;
const memory = wanted("memory") ? await measureMemory(quick) : undefined;
if (Deno.args.includes("--json")) {
  console.log(JSON.stringify({ runtime: `deno ${Deno.version.deno}`, hit, outage, memory }, undefined, 2));
} else {
  if (hit) printHits(hit);
  if (outage) printOutage(outage);
  if (memory) printMemory(memory);
}
// What a peer has left running must not keep the benchmark alive.
Deno.exit();

function printHits(costs: HitCosts): void {
  for (const [part, rows] of Object.entries(costs)) {
    console.log(`\nA hit: ${part}`);
    for (const { name, ns, ratio } of rows) {
      console.log(`  ${name.padEnd(38)} ${ns.toFixed(0).padStart(7)} ns ${ratio.toFixed(2).padStart(8)}x`);
    }
  }
}

function printOutage(results: readonly OutageResult[]): void {
  console.log("\n200 lookups/s over 20 names for 15 s; the name server drops everything from second 5 to 10");
  for (const { name, lookups, errors, slow, p50Ms, p99Ms, maxMs } of results) {
    const times = [p50Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(3).padStart(10)} ms`).join("");
    console.log(
      `  ${name.padEnd(18)} ${lookups} lookups ${String(errors).padStart(5)} errors ${
        String(slow).padStart(5)
      } > 50 ms${times}`,
    );
  }
}

function printMemory({ sizes, pages, bytesLeftByChurn }: MemoryResult): void {
  console.log("\nNames held, two addresses each: heap a name, a hit, a refresh");
  for (const { names, bytesPerName, bytesRefreshed, bytesLeft, hitNs, refreshUs } of sizes) {
    console.log(
      `  ${names.toLocaleString("en").padStart(8)} names ${String(bytesPerName).padStart(6)} bytes, ` +
        `${bytesRefreshed} once refreshed, ${bytesLeft} once closed ${hitNs.toFixed(0).padStart(6)} ns ` +
        `${refreshUs.toFixed(1).padStart(7)} us`,
    );
  }
  console.log(`  a name that came and went: ${bytesLeftByChurn} bytes`);
  for (const { path, ms, bytes } of pages) {
    console.log(
      `  ${path.padEnd(18)} ${ms.toFixed(1).padStart(7)} ms ${(bytes / 1_000).toFixed(0).padStart(6)} kB`,
    );
  }
}
