/**
 * `ballast top`: a live view of a running service, from its meta app.
 *
 * @module
 */

import type { Shell } from "../../platform/shell.ts";
import { type Command, flag, type Given, type Option, type OptionTable, UsageError } from "./command.ts";
import { readDuration, readText, readUrl } from "./read.ts";

const OPTIONS = {
  token: {
    value: "<token>",
    help: "the meta app's token (or BALLAST_META_TOKEN, which no list of processes shows)",
    read: readText,
  } satisfies Option,
  interval: {
    value: "<time>",
    short: "n",
    help: "between two looks (2s)",
    read: readDuration,
  } satisfies Option,
  timeout: { value: "<time>", help: "for an answer (5s)", read: readDuration } satisfies Option,
  once: flag("print one picture as text and end"),
  json: flag("print what was seen as one JSON document and end"),
} satisfies OptionTable;

const INTERVAL_MS = 2_000;
const MIN_INTERVAL_MS = 200;
const TIMEOUT_MS = 5_000;

/** The command. */
export const top: Command<typeof OPTIONS> = {
  name: "top",
  usage: "<meta url>",
  summary: "watch a running service in the terminal",
  text:
    `Shows what a service says of itself, live: what is wrong, load, latency, sheds, what is in flight, how late the event loop is, and every part in a view of its own. ` +
    `The URL is that of the meta app; a port alone means this machine.

Keys: q quit, p pause, tab and the arrows change views, 1 to 9 pick one, ? explains the rest. ` +
    `A service that does not answer is asked again; NO_COLOR is honoured.`,
  options: OPTIONS,
  examples: [
    ["ballast top 8889", "the service whose meta app is on port 8889 of this machine"],
    ["ballast top http://10.0.0.7:8889 --interval 5s", "another one, more calmly"],
    ["ballast top 8889 --json | jq .figures.p99Ms", "one number, for a script"],
  ],
  async run({ options, operands }: Given<typeof OPTIONS>, shell: Shell): Promise<number> {
    const [address, ...more] = operands;
    if (address === undefined) throw new UsageError("of which service? ballast top <meta url>");
    if (more.length > 0) throw new UsageError(`one URL is wanted, got ${operands.length}`);
    const { runTop } = await import("./top/run.ts");
    return await runTop({
      url: urlOf(address),
      token: options.token ?? shell.env("BALLAST_META_TOKEN"),
      intervalMs: Math.max(MIN_INTERVAL_MS, options.interval ?? INTERVAL_MS),
      timeoutMs: options.timeout ?? TIMEOUT_MS,
      mode: options.json ? "json" : options.once ? "once" : "live",
    }, shell);
  },
};

function urlOf(text: string): URL {
  try {
    return readUrl(text);
  } catch (error) {
    throw new UsageError(`the meta url ${(error as Error).message}`);
  }
}
