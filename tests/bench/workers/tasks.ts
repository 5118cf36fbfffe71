/** What Ballast's side of the benchmark runs. */

import { cpuBound } from "@ballast/runtime/workers";
import { burn, reduce } from "./work.ts";

export const nothing = cpuBound(import.meta, "nothing", () => {});
export const busy = cpuBound(import.meta, "busy", burn);
export const parse = cpuBound(import.meta, "parse", reduce);
