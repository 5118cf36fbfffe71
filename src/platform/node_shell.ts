/** The process as a command line sees it, through Node's built-ins: on Node, Bun and Deno alike. */

import type * as Fs from "node:fs";
import type * as Files from "node:fs/promises";
import type * as Path from "node:path";
import type Process from "node:process";
import type * as Url from "node:url";
import type * as Util from "node:util";

import { builtin, nodeProcess } from "./node_builtin.ts";
import type { ArgumentNames, ArgumentToken, Shell, ShellFiles, ShellInput, ShellOutput } from "./shell.ts";

/** The process that this runs in; undefined where there is none. */
export function nodeShell(): Shell | undefined {
  if (nodeProcess() === undefined) return undefined;
  const process = builtin<typeof Process>("node:process");
  return {
    args: process.argv.slice(2),
    env: (name) => attempt(() => process.env[name]),
    cwd: () => process.cwd(),
    stdout: output(process, "stdout"),
    stderr: output(process, "stderr"),
    stdin: input(process),
    tokens,
    onSignal(signal, listener) {
      process.on(signal, listener);
      return () => void process.off(signal, listener);
    },
    onExit(listener) {
      process.on("exit", listener);
      return () => void process.off("exit", listener);
    },
    suspend: () => void process.kill(process.pid, "SIGSTOP"),
    setExitCode: (code) => void (process.exitCode = code),
    exit: (code) => process.exit(code),
    files,
  };
}

function output(process: typeof Process, name: "stdout" | "stderr"): ShellOutput {
  const stream = process[name];
  const isTerminal = stream.isTTY === true;
  let isBroken = false;
  const listeners: (() => void)[] = [];
  stream.on("error", (error: { code?: string }) => {
    if (isBroken || error.code !== "EPIPE") return;
    isBroken = true;
    for (const listener of listeners) listener();
  });
  return {
    isTerminal,
    // Asked for only by who draws: on Deno the environment takes a permission.
    get colors() {
      return isTerminal && !attempt(() => process.env.NO_COLOR);
    },
    // A terminal that does not know its size says that it has none.
    size: () => stream.columns > 0 ? { columns: stream.columns, rows: stream.rows } : undefined,
    onResize(listener) {
      stream.on("resize", listener);
      return () => void stream.off("resize", listener);
    },
    write(text) {
      if (!isBroken) attempt(() => void stream.write(text));
    },
    writeNow(text) {
      if (!isBroken) {
        attempt(() => void builtin<typeof Fs>("node:fs").writeSync(name === "stdout" ? 1 : 2, text));
      }
    },
    flush() {
      return isBroken ? Promise.resolve() : new Promise((resolve) => void stream.write("", () => resolve()));
    },
    onBroken: (listener) => void listeners.push(listener),
  };
}

function input(process: typeof Process): ShellInput {
  const { stdin } = process;
  return {
    isTerminal: stdin.isTTY === true,
    setRaw: (raw) => void attempt(() => stdin.setRawMode?.(raw)),
    onData(listener) {
      const take = (bytes: Uint8Array | string) => listener(String(bytes));
      stdin.on("data", take);
      stdin.resume();
      return () => {
        stdin.off("data", take);
        stdin.pause();
      };
    },
  };
}

function tokens(args: readonly string[], { texts, flags }: ArgumentNames): readonly ArgumentToken[] {
  const { parseArgs } = builtin<typeof Util>("node:util");
  const option = (type: "string" | "boolean") => ({ name, short }: ArgumentNames["texts"][number]) =>
    [name, { type, ...(short !== undefined && { short }) }] as const;
  const options = Object.fromEntries([...texts.map(option("string")), ...flags.map(option("boolean"))]);
  // Not strict: who asks writes better errors than `node:util` does.
  const parsed = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  return parsed.tokens.flatMap((token): ArgumentToken[] => {
    if (token.kind === "option-terminator") return [];
    if (token.kind === "positional") return [{ kind: "positional", value: token.value }];
    const { name, rawName, value } = token;
    return [{ kind: "option", name, rawName, ...(value !== undefined && { value }) }];
  });
}

const files: ShellFiles = {
  resolve: (path) => builtin<typeof Path>("node:path").resolve(path),
  toUrl: (path) => builtin<typeof Url>("node:url").pathToFileURL(path).href,
  folderOf: (path) => builtin<typeof Path>("node:path").dirname(path),
  async isFile(path) {
    try {
      return (await builtin<typeof Files>("node:fs/promises").stat(path)).isFile();
    } catch {
      return false;
    }
  },
  async readText(path, maxBytes) {
    const { readFile, stat } = builtin<typeof Files>("node:fs/promises");
    const { size } = await stat(path);
    if (size > maxBytes) throw new Error(`it has ${size} bytes, at most ${maxBytes} are read`);
    return await readFile(path, "utf8");
  },
  async stamps(folder, maxFiles) {
    const stamps = new Map<string, string>();
    await collect(folder, maxFiles, stamps);
    return stamps;
  },
};

async function collect(folder: string, maxFiles: number, stamps: Map<string, string>): Promise<void> {
  const { readdir, stat } = builtin<typeof Files>("node:fs/promises");
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (stamps.size >= maxFiles) return;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && entry.name !== "node_modules") await collect(path, maxFiles, stamps);
      continue;
    }
    try {
      const { mtimeMs, size } = await stat(path);
      stamps.set(path, `${mtimeMs} ${size}`);
    } catch {
      // Gone since.
    }
  }
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
