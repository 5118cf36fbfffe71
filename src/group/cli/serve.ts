/**
 * `ballast serve`: a module that answers requests, as a service.
 *
 * @module
 */

import type { Shell } from "../../platform/shell.ts";
import { type Command, flag, type Given, type Option, type OptionTable, UsageError } from "./command.ts";
import { readBytes, readChoice, readDuration, readInteger, readServer, readText } from "./read.ts";

/** An option with a value. */
function option<T>(
  value: string,
  help: string,
  read: (text: string) => T,
  short?: string,
): Option<T> & { readonly value: string } {
  return { value, help, read, ...(short !== undefined && { short }) };
}

const readPort = readInteger(0, 65_535);

const OPTIONS = {
  port: option("<n>", "where to listen; 0 for any that is free (PORT, or 8000)", readPort, "p"),
  host: option("<address>", "the address to listen on (0.0.0.0)", readText),
  name: option("<name>", "what the service is called (the module's name)", readText),
  workers: option(
    "<n|auto>",
    "processes that share the port; auto is one for each core (1; 2 with --watch or a limit)",
    (text) => text === "auto" ? "auto" as const : readInteger(1, 256)(text),
    "w",
  ),
  "meta-port": option(
    "<n|off>",
    "the meta app's port (the one after --port)",
    (text) => text === "off" ? "off" as const : readPort(text),
  ),
  "meta-host": option("<address>", "the address the meta app listens on (127.0.0.1)", readText),
  "meta-token": option(
    "<token>",
    "what the meta app asks for (BALLAST_META_TOKEN, which no list of processes shows)",
    readText,
  ),
  "max-memory": option("<size>", "a process that keeps more resident is replaced: 300MB, 1.5GB", readBytes),
  "max-requests": option(
    "<n>",
    "a process is replaced after so many requests",
    readInteger(1, Number.MAX_SAFE_INTEGER),
  ),
  "max-age": option("<time>", "a process is replaced after so long: 6h", readDuration),
  "drain-timeout": option(
    "<time>",
    "how long the requests under way may take at the end (10s)",
    readDuration,
  ),
  watch: flag("replace the processes when a file in the module's folder changes"),
  "dns-server": {
    ...option("<ip[:port]>", "a name server to ask; may be given several times", readServer),
    many: true,
  },
  "hosts-file": option("<file>", "a topology, or a file like /etc/hosts (ballast check-hosts)", readText),
  "json-logs": flag("log as lines of JSON, on stdout"),
  "log-level": option(
    "<level>",
    "debug, info, warn or error (info)",
    readChoice("debug", "info", "warn", "error"),
  ),
} satisfies OptionTable;

/** What was given with it. */
export type ServeGiven = Given<typeof OPTIONS>["options"];

/** The command. */
export const serve: Command<typeof OPTIONS> = {
  name: "serve",
  usage: "<module>",
  summary: "run a module that exports a fetch handler as a service",
  text:
    `Serves any module with "export default { fetch }", "export default app" (of Hono) or "export default (request) => new Response()". ` +
    `Requests pass limits, a context with trace and deadline, and overload control; SIGTERM drains, SIGHUP replaces the processes one by one, and the meta app says how it all goes.

A module that wants the runtime (its DNS, its connections) exports "onStart(runtime)", which is called before the first request. ` +
    `Limits on memory, requests and age, and --watch, replace processes, each when its successor is ready; so they take two workers or more.`,
  options: OPTIONS,
  examples: [
    ["ballast serve app.ts", "on port 8000, its meta app on http://127.0.0.1:8001"],
    [
      "ballast serve app.ts --workers 4 --max-memory 300MB --max-age 6h",
      "four processes, none of which grows old or fat",
    ],
    ["ballast serve app.ts --watch --log-level debug", "while one writes it"],
  ],
  async run({ options, operands }: Given<typeof OPTIONS>, shell: Shell): Promise<number> {
    const [module, ...more] = operands;
    if (module === undefined) throw new UsageError("which module? ballast serve <module>");
    if (more.length > 0) throw new UsageError(`one module is wanted, got ${operands.length}`);
    const { runServe } = await import("./run_serve.ts");
    return await runServe(module, options, shell);
  },
};
