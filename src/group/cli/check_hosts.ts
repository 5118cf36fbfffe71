/**
 * `ballast check-hosts`: whether files of hosts will be accepted, before they are pushed.
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import type { Shell } from "../../platform/shell.ts";
import { checkHostsText, type FileCheck } from "../../topology/check_file.ts";
import type { TopologyProblem } from "../../topology/schema.ts";
import { type Command, flag, type Given, type OptionTable, UsageError } from "./command.ts";

const OPTIONS = {
  json: flag("print what was found as JSON, an object for each file"),
  quiet: flag("print nothing of files that are good", "q"),
} satisfies OptionTable;

/** The command. */
export const checkHosts: Command<typeof OPTIONS> = {
  name: "check-hosts",
  usage: "<file>...",
  summary: "check topology and hosts files before they are pushed",
  text:
    `Checks files as a service that reads them would, and a little more strictly: a name that a file has twice is a mistake here. ` +
    `A file is a topology (JSON: hosts, endpoints, aliases, names to preresolve) or has the form of /etc/hosts.

Prints a line for each good file on stdout, and every problem as file:line:column: on stderr. Ends with 1 when one of the files is no good.`,
  options: OPTIONS,
  examples: [
    ["ballast check-hosts topology.json", "in a pipeline, before the ConfigMap is applied"],
    ["ballast check-hosts --json *.json | jq '.[] | select(.ok | not)'", "what is wrong, for programs"],
  ],
  async run({ options, operands }: Given<typeof OPTIONS>, shell: Shell): Promise<number> {
    if (operands.length === 0) throw new UsageError("which file? ballast check-hosts <file>...");
    const results: Result[] = [];
    for (const file of operands) results.push(await check(file, shell));
    if (options.json) shell.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
    else for (const result of results) print(result, options.quiet === true, shell);
    return results.every(({ ok }) => ok) ? 0 : 1;
  },
};

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

function problemLine(file: string, { path, message, line, column }: TopologyProblem): string {
  const place = line === undefined ? "" : `${line}:${column}:`;
  const what = path === "" ? "the document" : path.startsWith("line ") ? "the line" : path;
  return `${file}:${place} ${what} ${message}\n`;
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
