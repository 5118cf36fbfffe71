/**
 * Runs `check-hosts`.
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import type { Shell } from "../../platform/shell.ts";
import { checkHostsText, type FileCheck } from "../../topology/check_file.ts";
import { problemText, type TopologyProblem } from "../../topology/schema.ts";

/** What the command line says. */
export interface CheckOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Checks files, and prints what it found; gives the exit code. */
export async function runCheck(
  paths: readonly string[],
  { json, quiet }: CheckOptions,
  shell: Shell,
): Promise<number> {
  const results: Result[] = [];
  for (const path of paths) results.push(await check(path, shell));
  if (json) shell.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
  else for (const result of results) print(result, quiet, shell);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

/** A file, and what came of checking it. */
type Result =
  | { readonly file: string } & FileCheck
  | { readonly file: string; readonly ok: false; readonly unreadable: string };

/** A hundred thousand names fit into this. */
const MAX_BYTES = 16 * 1024 * 1024;

async function check(file: string, { files }: Shell): Promise<Result> {
  try {
    return { file, ...checkHostsText(await files.readText(file, MAX_BYTES)) };
  } catch (error) {
    return { file, ok: false, unreadable: reasonOf(error) };
  }
}

/** The system's words without the path and the call, which the line names already. */
function reasonOf(error: unknown): string {
  return errorMessage(error).replace(/^E[A-Z]+: |, \w+ '.*'$|: \w+ '.*'$/g, "");
}

function print(result: Result, isQuiet: boolean, { stdout, stderr }: Shell): void {
  if ("unreadable" in result) return stderr.write(`${result.file}: cannot be read: ${result.unreadable}\n`);
  if (!result.ok) {
    return stderr.write(result.problems.map((problem) => problemLine(result.file, problem)).join(""));
  }
  if (!isQuiet) stdout.write(`${result.file}: good, ${contents(result)}\n`);
}

function problemLine(file: string, problem: TopologyProblem): string {
  const { path, message, line, column } = problem;
  const place = line === undefined ? "" : `${line}:${column}:`;
  return `${file}:${place} ${path.startsWith("line ") ? message : problemText(problem)}\n`;
}

function contents({ form, version, counts }: FileCheck): string {
  const { hosts, preresolve, endpoints, aliases } = counts;
  const some = [
    [hosts, hosts === 1 ? "name" : "names"],
    [endpoints, endpoints === 1 ? "endpoint" : "endpoints"],
    [aliases, aliases === 1 ? "alias" : "aliases"],
    [preresolve, "to preresolve"],
  ] as const;
  const parts = some.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const text = parts.length === 0 ? "and empty" : parts.join(", ");
  return form === "topology" ? `version ${version}: ${text}` : text;
}
