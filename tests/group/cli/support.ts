/** The command as its users run it: in a process of its own, from source on Deno and from the installed package elsewhere. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A program that is not done by then is stuck. */
const LIMIT_MS = 30_000;

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What starts the command: a program and its first arguments. */
export function ballastCommand(): readonly [file: string, ...args: string[]] {
  if (process.versions.deno !== undefined) {
    return [process.execPath, "run", "--quiet", "-A", path("../../../src/group/cli/main.ts")];
  }
  return [process.execPath, path("../../../node_modules/@ballast/runtime/bin/ballast.js")];
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** A command that was started. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
}

/** Starts any program; it is killed when it takes longer than half a minute. */
export function start(
  [file, ...args]: readonly [string, ...string[]],
  env: Record<string, string> = {},
): Running {
  const child = spawn(file, args, { env: { ...process.env, NO_COLOR: "1", ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Runs the command to its end. */
export function ballast(args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const running = start([...ballastCommand(), ...args], env);
  running.child.stdin?.end();
  return running.ended;
}

/** Waits for something that must come true within the limit. */
export async function until(holds: () => boolean, what: string, limitMs = 15_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
