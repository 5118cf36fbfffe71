/**
 * A logger of `@std/log` under Ballast: whatever has the methods `debug`, `info`, `warn` and `error` is taken as it is.
 *
 * @module
 */

import { type BaseHandler, getLogger, type LevelName, type Logger, setup } from "@std/log";

/**
 * Sets the program's loggers up and gives Ballast's, for `createRuntime({ log: { logger } })`.
 *
 * Ballast keeps the logger it is given, so `setup` comes first: a logger asked for before that has no handlers, and stays
 * silent for good. The level is that of the logger: Ballast hands on every record, and single DNS queries are "DEBUG".
 */
export function setUpLogging(handler: BaseHandler, level: LevelName = "INFO"): Logger {
  setup({
    handlers: { out: handler },
    loggers: {
      default: { level, handlers: ["out"] },
      ballast: { level, handlers: ["out"] },
    },
  });
  return getLogger("ballast");
}
