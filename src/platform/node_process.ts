/**
 * Processes through `node:child_process`, for Node, Bun and Deno: started with a channel over which connections are handed on.
 *
 * @module
 */

import type * as ChildProcesses from "node:child_process";
import type * as Files from "node:fs";
import type * as Net from "node:net";
import type { Buffer } from "node:buffer";

import { builtin } from "./node_builtin.ts";
import { nodeGuard } from "./node_guard.ts";
import { nodeNotify } from "./node_notify.ts";
import type { NodeServerSocket } from "./node_server_socket.ts";
import type {
  ParentProcess,
  PlatformProcesses,
  ProcessCommand,
  ProcessHandle,
  ProcessSignal,
  SpawnProcessOptions,
} from "./process_port.ts";

/** The parts of `process` that are used. */
interface OwnProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly execPath: string;
  readonly env: Record<string, string | undefined>;
  readonly connected?: boolean;
  readonly stderr: { write(text: string | Uint8Array): boolean };
  send?(message: object): boolean;
  disconnect?(): void;
  on(event: string, listener: (first: unknown, second: unknown) => void): void;
  off(event: string, listener: (first: unknown, second: unknown) => void): void;
  exit(code: number): never;
  kill(pid: number, signal: 0): void;
}

const PAGE_BYTES = 4_096;

/** The processes of this runtime; `command` says how its programs are started, `mayRun` which others may be. */
export function nodeProcesses(
  command: () => ProcessCommand = nodeCommand,
  mayRun: (program: string) => boolean = () => true,
): PlatformProcesses {
  const process = own();
  return {
    pid: process.pid,
    command,
    takeMarker(name) {
      const text = process.env[name];
      delete process.env[name];
      return text;
    },
    parent,
    spawn,
    onSignal(signal: ProcessSignal, listener) {
      const heard = () => listener();
      process.on(signal, heard);
      return () => process.off(signal, heard);
    },
    exit: (code) => void process.exit(code),
    guard: (afterMs) => nodeGuard(afterMs, mayRun),
    rssBytes,
    ...nodeNotify(builtin),
  };
}

function own(): OwnProcess {
  return builtin<OwnProcess>("node:process");
}

/** Node's and Bun's. */
function nodeCommand(): ProcessCommand {
  const { argv, execArgv, execPath } = own();
  if (argv[1] === undefined) throw new Error("the program is no file, so it cannot be started again");
  return { file: execPath, args: [...execArgv, ...argv.slice(1)] };
}

function parent(): ParentProcess | "gone" | undefined {
  const process = own();
  if (process.send === undefined) return undefined;
  if (process.connected !== true) return "gone";
  const { ppid } = process;
  return {
    send(message) {
      try {
        return process.connected === true && process.send!(message) !== undefined;
      } catch {
        return false; // It ended in between.
      }
    },
    onMessage: (listener) => process.on("message", listener),
    onDisconnect: (listener) => process.on("disconnect", () => listener()),
    isAlive: () => process.ppid === ppid,
    disconnect() {
      if (process.connected === true) process.disconnect!();
    },
  };
}

function spawn({ command, env, onMessage, onStderr, onEnd }: SpawnProcessOptions): ProcessHandle {
  const process = own();
  const child = builtin<typeof ChildProcesses>("node:child_process").spawn(command.file, [...command.args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let failure: { readonly error: unknown } | undefined;
  child.on("message", onMessage);
  child.stderr!.on("data", (bytes: Buffer) => {
    process.stderr.write(bytes);
    onStderr(bytes.toString());
  });
  let ended = false;
  const end = (code: number | null, signal: string | null) => {
    if (!ended) onEnd({ code: code ?? undefined, signal: signal ?? undefined, ...failure });
    ended = true;
  };
  child.on("error", (error) => {
    failure ??= { error };
    // What never began has no event of its end.
    if (child.pid === undefined) end(null, null);
  });
  child.on("close", end);

  function send(message: object, socket?: unknown): boolean {
    if (!child.connected) return false;
    try {
      // A failure is told by the child's end; without a listener here it would be thrown.
      child.send(message, socket as Net.Socket | undefined, { keepOpen: true }, () => {});
      return true;
    } catch {
      return false;
    }
  }

  return {
    pid: child.pid,
    send: (message) => send(message),
    hand: (message, connection) => send(message, (connection as NodeServerSocket).stream),
    kill(signal) {
      try {
        child.kill(signal);
      } catch {
        // It has ended.
      }
    },
    isRunning: () => child.pid !== undefined && isRunning(child.pid),
  };
}

/** A process that has ended and was not waited for is still there, and runs no more: `/proc` tells. */
function isRunning(pid: number): boolean {
  try {
    own().kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = builtin<typeof Files>("node:fs").readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
  } catch {
    return true; // Not on Linux.
  }
}

/** From `/proc`, which Linux has. */
function rssBytes(pid: number): number | undefined {
  try {
    const text = builtin<typeof Files>("node:fs").readFileSync(`/proc/${pid}/statm`, "utf8");
    return Number(text.split(" ")[1]) * PAGE_BYTES || undefined;
  } catch {
    return undefined;
  }
}
