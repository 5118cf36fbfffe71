/** Tasks that are defined wrongly. */

import { cpuBound } from "@ballast/runtime/workers";

const hidden = cpuBound(import.meta, "hidden", () => 1);
export const callHidden = () => hidden;

export const rightName = cpuBound(import.meta, "wrongName", () => 2);

/** Defines a task when it is called, which a worker never does. */
export const defineLate = () => cpuBound(import.meta, "late", () => 3);
