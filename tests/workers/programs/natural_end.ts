/** Calls tasks, and ends by itself. */

import process from "node:process";
import { createWorkerPool } from "@ballast/runtime/workers";
import { add } from "../tasks/basic.ts";

const pool = createWorkerPool({ kind: "cpu", size: 2, backend: process.argv[2] as "web" | "threads" });
const call = add.with({ pool });
const first = await call(1, 2);
// The worker has been idle, and is needed again.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(first, await call(2, 3));
