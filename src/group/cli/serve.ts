/**
 * `ballast serve`: a module that answers requests, as a service.
 *
 * @module
 */

import { type Command } from "./command.ts";

/** The command. */
export const serve: Command<Record<string, never>> = {
  name: "serve",
  usage: "<module>",
  summary: "run a module that exports a fetch handler as a service",
  text: "…",
  options: {},
  examples: [],
  run: () => Promise.reject(new Error("not there yet")),
};
