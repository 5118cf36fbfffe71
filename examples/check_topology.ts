/**
 * Checks topology documents before they are pushed: `deno task check-topology <file>...`
 *
 * Prints a line a file, and every problem; ends with code 1 when one of them is no good.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { checkTopology, problemText } from "@ballast/runtime/topology";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("Usage: deno task check-topology <file>...");
  process.exitCode = 2;
}
for (const file of files) {
  try {
    const check = checkTopology(await readFile(file, "utf8"));
    if (check.ok) {
      const { version, hosts, preresolve } = check.topology;
      console.log(
        `${file}: good. Version ${version}, ${
          Object.keys(hosts).length
        } hosts, ${preresolve.length} to preresolve.`,
      );
    } else {
      process.exitCode = 1;
      console.error(
        `${file}: no good.\n${check.problems.map((problem) => `  ${problemText(problem)}`).join("\n")}`,
      );
    }
  } catch (error) {
    process.exitCode = 1;
    console.error(`${file}: cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
