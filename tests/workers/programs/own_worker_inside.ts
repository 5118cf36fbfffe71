/** A user's own worker. */

import { parentPort } from "node:worker_threads";
import { createWorkerPool } from "@ballast/runtime/workers";
import { where } from "../tasks/basic.ts";

const pool = createWorkerPool({ kind: "cpu", size: 1 });
const there = await where.with({ pool })();
await pool.close();
parentPort!.postMessage(`own worker: ${there === where.inline() ? "inline" : "another thread"}`);
