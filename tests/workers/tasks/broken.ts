/** A module that cannot be loaded in a worker. */

import { isMainThread } from "node:worker_threads";
import { cpuBound } from "@ballast/runtime/workers";

export const unreachable = cpuBound(import.meta, "unreachable", () => 1);

const isWebWorker = (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== undefined;
if (isWebWorker || !isMainThread) throw new Error("broken on purpose");
