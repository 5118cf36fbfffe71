/**
 * `ballast`, the command line: `deno run -A jsr:@ballast/runtime/cli`, or `npx ballast` where the package is installed.
 *
 * @example A check in a pipeline of one's own
 * ```ts
 * import assert from "node:assert/strict";
 * import { main } from "@ballast/runtime/cli";
 *
 * assert.equal(await main(["check-hosts", "no-such-file.json"]), 1);
 * ```
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import { nodeShell } from "../../platform/node_shell.ts";
import type { Shell } from "../../platform/shell.ts";
import { checkHosts } from "./check_hosts.ts";
import { type Command, readArguments, UsageError } from "./command.ts";
import { commandHelp, programHelp } from "./help.ts";
import { serve } from "./serve.ts";
import { suggest } from "./suggest.ts";
import { top } from "./top.ts";
import { versionText } from "./version.ts";

/** In the order of the help. */
const COMMANDS: readonly Command[] = [serve, checkHosts, top] as unknown as readonly Command[];

/**
 * Carries out a command line, and gives the code to end with: 0, 1 for a failure, 2 for a command line that is wrong. Everything
 * there is to say is written to the process's outputs.
 *
 * @throws {Error} where there is no process
 */
export async function main(args?: readonly string[]): Promise<number> {
  const shell = nodeShell();
  if (shell === undefined) throw new Error("a command line needs a process: Deno, Node or Bun");
  return await run(args ?? shell.args, shell);
}

async function run(args: readonly string[], shell: Shell): Promise<number> {
  const { stdout, stderr } = shell;
  const [name, ...rest] = args;
  if (name === undefined) return stderr.write(programHelp(COMMANDS)), 2;
  if (["-h", "--help", "help"].includes(name) && rest.length === 0) {
    return stdout.write(programHelp(COMMANDS)), 0;
  }
  if (name === "-V" || name === "--version") return stdout.write(versionText()), 0;
  const wanted = name === "help" ? rest[0]! : name;
  const command = COMMANDS.find((command) => command.name === wanted);
  try {
    if (command === undefined) throw unknownCommand(wanted);
    const given = readArguments(name === "help" ? ["--help"] : rest, command.options, shell);
    if (given.options.help) return stdout.write(commandHelp(command)), 0;
    return await command.run(given, shell);
  } catch (error) {
    const who = command === undefined ? "ballast" : `ballast ${command.name}`;
    stderr.write(`${who}: ${errorMessage(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    stderr.write(`Try: ${who} --help\n`);
    return 2;
  }
}

function unknownCommand(name: string): UsageError {
  const kind = name.startsWith("-") ? "option" : "command";
  const names = COMMANDS.map((command) => command.name);
  const meant = suggest(name, names);
  const hint = meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${meant}?`;
  return new UsageError(`unknown ${kind} ${name}; ${hint}`);
}

/** As `main`, for the program's own entry: the process ends with its code. */
export async function start(): Promise<void> {
  const shell = nodeShell()!;
  // Whoever reads no further, as `head` does, has had enough: no reason to complain. A service goes on.
  shell.stdout.onBroken(() => shell.args[0] === "serve" ? undefined : shell.exit(0));
  shell.setExitCode(await main());
}

// Not everywhere is this known: elsewhere the package's `bin` starts it.
if ((import.meta as { readonly main?: boolean }).main) await start();
