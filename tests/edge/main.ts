/**
 * `deno task test:edge`: the cache and the meta app in the real workerd. Without miniflare, which brings it along, everything
 * counts as skipped. The last line has the counts.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadMiniflare, MINIFLARE } from "./workers.ts";

try {
  await loadMiniflare();
} catch (error) {
  console.log(`${MINIFLARE}, which brings workerd along, cannot be had: ${(error as Error).message}`);
  console.log("0 passed, 0 failed, 1 skipped");
  process.exit(0);
}

const allow = ["net", "read", "write", "env", "sys", "run"].map((name) => `--allow-${name}`);
const tests = fileURLToPath(new URL("edge.ts", import.meta.url));
const child = spawn(process.execPath, ["test", "--quiet", "--no-lock", ...allow, tests], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, NO_COLOR: "1" },
});
let output = "";
child.stdout.on("data", (chunk) => {
  output += chunk;
  process.stdout.write(chunk);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
const [code] = await once(child, "close");

// "FAILED | 4 passed (83 steps) | 1 failed (3 steps) (1m)"; no such line when the tests could not even begin. Steps are what is
// tested, each group of them counts as a test.
const summary = /^(?:ok|FAILED) \| .*$/m.exec(output)?.[0] ?? "";
const count = (word: string) => Number(new RegExp(`${word} \\((\\d+) steps?\\)`).exec(summary)?.[1] ?? 0);
const failed = count("failed") + (code !== 0 && count("failed") === 0 ? 1 : 0);
console.log(`${count("passed")} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
