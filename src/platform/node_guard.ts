/**
 * A guard over processes that must not outlive this one, for Node, Bun and Deno: a shell that reads their ids from a pipe. The system
 * closes the pipe whatever ends this process, SIGKILL included, and then the shell kills what is left.
 *
 * @module
 */

import type * as ChildProcesses from "node:child_process";
import type { Writable } from "node:stream";

import { builtin } from "./node_builtin.ts";
import type { ProcessGuard } from "./process_port.ts";

/** Signals to a whole terminal or cgroup are not for it: it has to be the last to go. Some shells sleep for whole seconds only. */
const SCRIPT = `trap '' INT TERM HUP
pids=
while read -r sign pid; do
  left=
  for each in $pids; do [ "$each" = "$pid" ] || left="$left $each"; done
  pids=$left
  [ "$sign" = + ] && pids="$pids $pid"
done
[ -z "$pids" ] && exit
sleep "$1" 2>/dev/null || sleep 1
kill -9 $pids 2>/dev/null`;

const SHELL = "sh";

type Shell = ChildProcesses.ChildProcessByStdio<Writable, null, null>;

/**
 * Makes a guard that kills `afterMs` after the end of this process. It is started with the first process that it guards, and again with
 * the next one if it has ended; where there is no shell, or none may be run, nothing is guarded.
 */
export function nodeGuard(afterMs: number, mayRun: (program: string) => boolean): ProcessGuard {
  const pids = new Set<number>();
  let shell: Shell | undefined;
  // Where there is no shell there never is.
  let isMissing = false;

  function start(): Shell | undefined {
    if (isMissing || !mayRun(SHELL)) return undefined;
    const { spawn } = builtin<typeof ChildProcesses>("node:child_process");
    let started: Shell;
    try {
      started = spawn(SHELL, ["-c", SCRIPT, "ballast-guard", String(afterMs / 1_000)], {
        stdio: ["pipe", "ignore", "ignore"],
      });
    } catch {
      isMissing = true;
      return undefined;
    }
    const gone = () => {
      if (shell === started) shell = undefined;
    };
    started.on("error", () => {
      isMissing = true;
      gone();
    });
    started.on("exit", gone);
    // What is written to one that has gone is said again to the next.
    started.stdin.on("error", () => {});
    started.unref();
    (started.stdin as Writable & { unref?(): void }).unref?.();
    for (const pid of pids) started.stdin.write(`+ ${pid}\n`);
    return started;
  }

  return {
    add(pid) {
      pids.add(pid);
      if (shell === undefined) shell = start();
      else shell.stdin.write(`+ ${pid}\n`);
    },
    remove(pid) {
      if (pids.delete(pid)) shell?.stdin.write(`- ${pid}\n`);
    },
    end() {
      for (const pid of pids) shell?.stdin.write(`- ${pid}\n`);
      pids.clear();
      shell?.stdin.end();
      shell = undefined;
    },
  };
}
