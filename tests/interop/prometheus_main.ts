/**
 * `deno task test:prometheus`: the statistics, scraped by the real Prometheus and sent to an OTLP receiver. Where Prometheus is not
 * installed, that is said, and its tests count as skipped. The last line has the counts.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isPrometheusInstalled } from "./prometheus_server.ts";

if (!isPrometheusInstalled()) {
  console.log("prometheus and promtool not found, the tests of them are skipped. To run them:");
  console.log("  apt-get install -y --no-install-recommends prometheus");
}

const tests = fileURLToPath(new URL("prometheus.ts", import.meta.url));
const child = spawn(process.execPath, ["test", "--quiet", "--allow-all", tests], {
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

// "ok | 3 passed | 0 failed | 2 ignored (40s)"; there is no such line when the tests could not even begin.
const summary = /^(?:ok|FAILED) \| .*$/m.exec(output)?.[0] ?? "";
const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
const failed = count("failed") + (code !== 0 && count("failed") === 0 ? 1 : 0);
const skipped = count("ignored");
console.log(`${count("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed > 0 ? 1 : 0);
