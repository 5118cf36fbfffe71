/** What the demo can be told on its command line. */

import { parseArgs } from "node:util";

/** The choices, with their defaults filled in. */
export interface ServiceOptions {
  readonly port: number;
  readonly metaPort: number;
  /** `demo`: the embedded DNS server; `system`: the machine's own resolver. */
  readonly resolver: "demo" | "system";
  /** Requests a second that the demo sends to itself, so that there is something to see. */
  readonly traffic: number;
  readonly help: boolean;
}

/** Shown for `--help`. */
export const USAGE =
  `A service on Ballast: two backends behind names, an embedded DNS server that can be broken, and a
window into all of it.

  --port <n>             the service's port (8888)
  --meta-port <n>        the meta app's port (8889)
  --resolver <which>     demo: the embedded DNS server; system: this machine's own resolver (demo)
  --traffic <n>          requests a second that the demo sends to itself (5; 0 for none)
  --help                 this text`;

/**
 * Reads the command line.
 *
 * @throws {TypeError} when an option is unknown or its value makes no sense
 */
export function readOptions(args: string[]): ServiceOptions {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "8888" },
      "meta-port": { type: "string", default: "8889" },
      resolver: { type: "string", default: "demo" },
      traffic: { type: "string", default: "5" },
      help: { type: "boolean", default: false },
    },
  });
  const { resolver } = values;
  if (resolver !== "demo" && resolver !== "system") {
    throw new TypeError(`--resolver must be demo or system, got ${JSON.stringify(resolver)}`);
  }
  return {
    port: wholeNumber("--port", values.port!, 65_535),
    metaPort: wholeNumber("--meta-port", values["meta-port"]!, 65_535),
    resolver,
    traffic: wholeNumber("--traffic", values.traffic!, 1_000),
    help: values.help!,
  };
}

function wholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new TypeError(`${option} must be a whole number from 0 to ${max}, got ${JSON.stringify(text)}`);
}
