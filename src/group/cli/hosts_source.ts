/**
 * What `--hosts-file` names: a topology, which is read again as it changes, or a table in the form of `/etc/hosts`.
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import type { ShellFiles } from "../../platform/shell.ts";
import type { RuntimeOptions } from "../../runtime.ts";
import { checkHostsText } from "../../topology/check_file.ts";
import { checkHostsFile } from "../../topology/hosts_file.ts";
import { problemText } from "../../topology/schema.ts";

/** No file is larger. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The options of a runtime that a file stands for.
 *
 * @throws {Error} when it cannot be read, or is no good: a service does not start on half of what it was told
 */
export async function hostsSource(
  path: string,
  files: ShellFiles,
): Promise<Pick<RuntimeOptions, "dns" | "topology">> {
  const text = await read(path, files);
  const { form, problems } = checkHostsText(text);
  if (problems.length > 0) {
    const [{ line, column }] = problems as [typeof problems[number]];
    const place = line === undefined ? "" : `:${line}:${column}`;
    const more = problems.length > 1 ? `, and ${problems.length - 1} more: ballast check-hosts ${path}` : "";
    throw new Error(`--hosts-file ${path}${place}: ${problemText(problems[0]!)}${more}`);
  }
  if (form === "topology") return { topology: { file: path } };
  const check = checkHostsFile(text);
  return { dns: { hosts: check.ok ? check.hosts : {} } };
}

async function read(path: string, files: ShellFiles): Promise<string> {
  try {
    return await files.readText(path, MAX_BYTES);
  } catch (error) {
    throw new Error(`--hosts-file ${path} cannot be read: ${errorMessage(error)}`);
  }
}
