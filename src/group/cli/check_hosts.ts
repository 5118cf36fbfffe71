/**
 * `ballast check-hosts`: whether files of hosts will be accepted, before they are pushed.
 *
 * @module
 */

import type { Shell } from "../../platform/shell.ts";
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
    const { runCheck } = await import("./run_check.ts");
    return await runCheck(operands, { json: options.json === true, quiet: options.quiet === true }, shell);
  },
};
