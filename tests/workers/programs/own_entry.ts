/** Defines a task where it must not be defined. */

import { cpuBound } from "@ballast/runtime/workers";

export const wrong = cpuBound(import.meta, "wrong", () => 1);
console.log("not reached");
