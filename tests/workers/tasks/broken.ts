/** A module that cannot be loaded in a worker. */

import { detectPlatform } from "@ballast/runtime";
import { cpuBound } from "@ballast/runtime/workers";

export const unreachable = cpuBound(import.meta, "unreachable", () => 1);

if (detectPlatform().workers?.parent() !== undefined) throw new Error("broken on purpose");
