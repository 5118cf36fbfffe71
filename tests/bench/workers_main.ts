/** The benchmark of the workers alone, for a runtime without Deno's names. */

import process from "node:process";
import { QUICK, THOROUGH } from "./measure.ts";
import { measureWorkers, printWorkers } from "./workers.ts";

const result = await measureWorkers(process.argv.includes("--quick") ? QUICK : THOROUGH);
const { node, deno } = process.versions as { node: string; deno?: string };
if (process.argv.includes("--json")) console.log(JSON.stringify({ node, deno, ...result }, undefined, 2));
else printWorkers(result);
process.exit();
