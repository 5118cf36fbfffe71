/** Counts what holds and what does not, and goes on either way. */

import { errorMessage } from "@ballast/runtime";

/** How many checks held and failed. */
export interface Counts {
  passed: number;
  failed: number;
}

/** Runs one check after the other. */
export class Checks {
  readonly counts: Counts = { passed: 0, failed: 0 };

  /** Runs a check; its name says what holds. */
  async run(name: string, check: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    try {
      await check();
      this.counts.passed++;
      console.log(`${name} ... ok (${Math.round(performance.now() - startedAt)} ms)`);
    } catch (error) {
      this.counts.failed++;
      console.log(`${name} ... FAILED\n  ${short(error).replaceAll("\n", "\n  ")}`);
    }
  }
}

/** The error without what the browser has to say of its own affairs. */
function short(error: unknown): string {
  return errorMessage(error).split("\nBrowser logs:")[0]!.slice(0, 4000);
}

/** Waits until something holds, for ten seconds at most. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}`);
}
