/**
 * Which runtime this is: asked once, here and nowhere else.
 *
 * @module
 */

import { denoPlatform } from "./deno.ts";
import { nodePlatform } from "./node.ts";
import { nodeProcess } from "./node_builtin.ts";
import type { Platform } from "./port.ts";
import { isWorkerd, webPlatform } from "./web.ts";

let detected: Platform | undefined;

/** The platform of the runtime that this runs on. */
export function detectPlatform(): Platform {
  return detected ??= detect();
}

function detect(): Platform {
  if ((globalThis as { Deno?: { version?: unknown } }).Deno?.version !== undefined) return denoPlatform();
  return isWorkerd() || nodeProcess() === undefined ? webPlatform() : nodePlatform();
}
