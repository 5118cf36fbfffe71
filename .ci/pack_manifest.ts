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

/** Where `process.getBuiltinModule` is to be had. */
const ENGINES = { node: ">=20.16 <21 || >=22.3" };

/** What the package may depend on: a new dependency is a decision, never an accident. */
export const DEPENDENCIES = ["@leichtgewicht/dns-packet", "@logtape/logtape", "d3-scale", "d3-shape", "hono"];

/**
 * Writes the manifest.
 *
 * Dependencies are caret ranges from the versions that the tests run with. Exact ones would put a second copy beside that of
 * the program: a Hono app of the meta app that is no `Hono` of the program's, and fixes that wait for a release of Ballast.
 *
 * @throws {Error} when the modules import other packages than these
 */
export function manifest(config: Config, modules: Modules): Record<string, unknown> {
  // Node's built-ins are imported for their types alone, and vanish.
  const specifiers = [...modules.bare].filter((specifier) => !specifier.startsWith("node:"));
  const imported = [...new Set(specifiers.map(packageOf))].sort();
  if (imported.join() !== DEPENDENCIES.join()) {
    throw new Error(`the package must import ${DEPENDENCIES.join(", ")}, it imports ${imported.join(", ")}`);
  }
  return {
    name: config.name,
    version: config.version,
    description: DESCRIPTION,
    keywords: KEYWORDS,
    license: config.license,
    type: "module",
    sideEffects: false,
    engines: ENGINES,
    exports: Object.fromEntries(
      Object.entries(config.exports).map(([entry, path]) => [entry, {
        types: path.replace(/\.ts$/, ".d.ts"),
        default: path.replace(/\.ts$/, ".js"),
      }]),
    ),
    dependencies: Object.fromEntries(imported.map((name) => [name, `^${versionOf(config, name)}`])),
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
