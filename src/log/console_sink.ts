/**
 * Records on the console.
 *
 * @module
 */

import { detectPlatform } from "../platform/detect.ts";
import type { Formatter, Sink, SinkLevel } from "./sink.ts";
import type { LineLogger } from "./target.ts";
import { textFormatter } from "./text_formatter.ts";

/** How records are written to the console. */
export interface ConsoleSinkOptions {
  /** Makes the lines. @default `textFormatter`, with colours where the console is a terminal and NO_COLOR is not set */
  readonly formatter?: Formatter;
  /** Where they are written. @default the console */
  readonly console?: LineLogger;
}

const METHODS: Readonly<Record<SinkLevel, keyof LineLogger>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  fatal: "error",
};

/**
 * Makes a sink that writes to the console. It goes into `createLog({ logger })` as it is, and into the `sinks` of
 * LogTape's `configure`.
 *
 * @example A log of JSON lines
 * ```ts
 * import assert from "node:assert/strict";
 * import { consoleSink, createLog, jsonFormatter } from "@ballast/runtime/log";
 *
 * const lines: string[] = [];
 * const write = (line: string) => lines.push(line);
 * const console = { debug: write, info: write, warn: write, error: write };
 * createLog({ logger: consoleSink({ formatter: jsonFormatter(), console }) }).info("ready", { port: 8888 });
 * assert.equal(JSON.parse(lines[0]!).fields.port, 8888);
 * ```
 */
export function consoleSink(options: ConsoleSinkOptions = {}): Sink {
  const { console: writer = console } = options;
  const formatter = options.formatter ??
    textFormatter({ colors: options.console === undefined && hasColors() });
  return (record) => {
    // The console breaks lines itself.
    const text = formatter(record).replace(/\r?\n$/, "");
    writer[METHODS[record.level] ?? "info"](text);
  };
}

/** Whether whoever reads the console wants colours: a person at a terminal, who has not set NO_COLOR. */
function hasColors(): boolean {
  return detectPlatform().terminal?.().colors ?? false;
}
