/**
 * Word to systemd, through `systemd-notify`: Node has no unix datagrams.
 *
 * @module
 */

import type * as ChildProcesses from "node:child_process";
import type { PlatformProcesses } from "./process_port.ts";

type Notify = Pick<PlatformProcesses, "notify" | "notifyEveryMs">;

/** Half of what the service manager allows, so that one word may come late. */
const SHARE = 2;

/** The way to tell systemd, where it asks to be told (`NOTIFY_SOCKET`); nothing elsewhere. */
export function nodeNotify(builtin: <T>(id: string) => T): Notify {
  const env = readEnv(builtin);
  if (!env?.NOTIFY_SOCKET) return {};
  const everyMs = Number(env.WATCHDOG_USEC) / 1_000 / SHARE;
  // Where the tool is missing it is missing for good.
  let isMissing = false;
  return {
    notify(state) {
      if (isMissing) return;
      try {
        const { spawn } = builtin<typeof ChildProcesses>("node:child_process");
        // Of the service's own main process: systemd takes no other's word (NotifyAccess=main, which needs `exec` or root).
        const pid = builtin<{ readonly pid: number }>("node:process").pid;
        const tool = spawn("systemd-notify", [`--pid=${pid}`, ...state.split("\n")], { stdio: "ignore" });
        tool.on("error", () => isMissing = true);
        tool.unref();
      } catch {
        isMissing = true;
      }
    },
    notifyEveryMs: everyMs > 0 ? everyMs : undefined,
  };
}

function readEnv(builtin: <T>(id: string) => T): Readonly<Record<string, string | undefined>> | undefined {
  try {
    const { env } = builtin<{ readonly env: Readonly<Record<string, string | undefined>> }>("node:process");
    return { NOTIFY_SOCKET: env.NOTIFY_SOCKET, WATCHDOG_USEC: env.WATCHDOG_USEC };
  } catch {
    return undefined; // It may not be read.
  }
}
