/**
 * Checks topology documents before they are pushed: `deno task check-topology <file>...`, the same as `ballast check-hosts`.
 *
 * Prints a line a file, and every problem; ends with code 1 when one of them is no good.
 *
 * @module
 */

import process from "node:process";
import { main } from "@ballast/runtime/cli";

process.exitCode = await main(["check-hosts", ...process.argv.slice(2)]);
