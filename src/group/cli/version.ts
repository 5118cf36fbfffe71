/**
 * Which Ballast this is.
 *
 * @module
 */

import { detectPlatform } from "../../platform/detect.ts";

/** The version of `deno.json`; a test holds the two together. */
export const VERSION = "0.1.0";

/** One line, for `--version`. */
export function versionText(): string {
  const { name, version } = detectPlatform();
  return `ballast ${VERSION} (${name} ${version})\n`;
}
