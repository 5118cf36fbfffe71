/** The `package.json` of the npm package. */

import type { Config, Modules } from "./pack_modules.ts";

const DESCRIPTION =
  "The operational runtime for services: DNS that never blocks a request, deadlines, statistics, " +
  "logs, and a web app that says what is wrong";

const KEYWORDS = [
  "dns",
  "dns-cache",
  "lookup",
  "resolver",
  "stale-while-revalidate",
  "resilience",
  "reliability",
  "deadline",
  "retry",
  "statistics",
  "openmetrics",
  "observability",
  "service",
  "runtime",
];

/** The command that comes with the package, and the file behind it. */
const COMMAND = "ballast";
export const BIN = "bin/ballast.js";
/** The text of that file. Only npm needs it: Deno runs the module itself. */
export const BIN_TEXT = `#!/usr/bin/env node
import { start } from "../src/group/cli/main.js";
await start();
`;

/** Where `process.getBuiltinModule` is to be had. */
const ENGINES = { node: ">=20.16 <21 || >=22.3" };

/** What the tests and the tools stand on: a package that imports one of them does so by accident. */
const DEVELOPMENT = [
  "@opentelemetry/sdk-metrics",
  "bloom-filters",
  "cacheable-lookup",
  "fast-check",
  "hdr-histogram-js",
  "playwright-core",
  "prom-client",
  "tdigest",
  "typescript",
];

/**
 * The packages of npm that the modules import, sorted. Node's built-ins are imported for their types alone, and vanish.
 *
 * @throws {Error} when one of them is for development only
 */
export function dependencies(modules: Modules): string[] {
  const specifiers = [...modules.bare].filter((specifier) => !specifier.startsWith("node:"));
  const names = [...new Set(specifiers.map(packageOf))].sort();
  for (const name of names) {
    if (DEVELOPMENT.includes(name)) {
      throw new Error(`the package must not depend on ${name}, its sources import it`);
    }
  }
  return names;
}

/**
 * Writes the manifest: exports and dependencies follow from `deno.json` and from what its exports reach.
 *
 * Dependencies are caret ranges from the versions that the tests run with. Exact ones would put a second copy beside that of
 * the program: a Hono app of the meta app that is no `Hono` of the program's, and fixes that wait for a release of Ballast.
 *
 * @throws {Error} when the modules import a package that `deno.json` does not pin, or one for development only
 */
export function manifest(config: Config, modules: Modules): Record<string, unknown> {
  const toJs = (path: string) => path.replace(/\.ts$/, ".js");
  return {
    name: config.name,
    version: config.version,
    description: DESCRIPTION,
    keywords: KEYWORDS,
    license: config.license,
    type: "module",
    // Bundlers may drop what nobody uses, but not what is loaded for what it does: the entries of workers.
    sideEffects: modules.entries.length > 0 && modules.entries.map((path) => `./${toJs(path)}`),
    engines: ENGINES,
    exports: Object.fromEntries(
      Object.entries(config.exports).map(([entry, path]) => [entry, {
        types: path.replace(/\.ts$/, ".d.ts"),
        default: toJs(path),
      }]),
    ),
    bin: { [COMMAND]: BIN },
    dependencies: Object.fromEntries(
      dependencies(modules).map((name) => [name, `^${versionOf(config, name)}`]),
    ),
  };
}

/** The package of a bare specifier: `hono` of `hono/html`. */
export function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/**
 * The version of a package that `deno.json` pins.
 *
 * @throws {Error} when it pins none
 */
export function versionOf(config: Config, name: string): string {
  const version = /^npm:\/?.+@(\d+\.\d+\.\d+)$/.exec(config.imports[name] ?? "")?.[1];
  if (version !== undefined) return version;
  throw new Error(
    `the imports of deno.json must pin ${name} to a version of npm, got ${config.imports[name]}`,
  );
}
