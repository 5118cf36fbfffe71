/**
 * `deno task test:connections`: connections to real servers. What is not installed is named, and its tests count as
 * skipped. The last line has the counts.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { nginx, postgres, redis } from "./servers.ts";

const missing = [redis, postgres, nginx].filter((server) => server.missing);
if (missing.length > 0) {
  console.log(
    `${missing.map(({ name }) => name).join(" and ")} not found, the tests of it are skipped. To run them:`,
  );
  console.log(
    `  apt-get install -y --no-install-recommends ${missing.map((server) => server.package).join(" ")}`,
  );
}

const allow = ["net", "read", "write", "env", "sys", "run"].map((name) => `--allow-${name}`);
const tests = fileURLToPath(new URL("traffic.ts", import.meta.url));
const child = spawn(process.execPath, ["test", "--quiet", "--no-check", ...allow, tests], {
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

// "ok | 36 passed | 0 failed | 2 ignored (40s)"; there is no such line when the tests could not even begin.
const summary = /^(?:ok|FAILED) \| .*$/m.exec(output)?.[0] ?? "";
const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
const failed = count("failed") + (code !== 0 && count("failed") === 0 ? 1 : 0);
const skipped = count("ignored");
console.log(`${count("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed > 0 ? 1 : 0);
