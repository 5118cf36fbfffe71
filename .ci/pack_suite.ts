/** The tests, made to run against the packed package: in a folder of their own, as JavaScript. */

import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { pack } from "./pack.ts";
import { npmInstall } from "./pack_install.ts";
import { packageOf, versionOf } from "./pack_manifest.ts";
import { importsOf, readConfig, root } from "./pack_modules.ts";
import { tsc } from "./pack_typescript.ts";

/** What is not run there, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "tests/architecture_test.ts": "reads the sources",
  "tests/bench/": "measures on Deno",
  "tests/examples/": "starts the examples with the deno command",
  "tests/npm/consumer.ts": "is for the compiler alone",
};

/** Programs that are run by themselves: the others are files of tests. */
const PROGRAMS = "tests/npm/";
/** Programs that tests run by their paths. */
const TESTED_PROGRAMS = ["tests/workers/programs/", "tests/group/supervise/"];

/** The suite, ready to run in its folder. Paths are relative to that. */
export interface Suite {
  readonly tests: readonly string[];
  readonly programs: readonly string[];
}

/** Packs the package and installs it in an empty folder, with the suite beside it. */
export async function prepareSuite(folder: string): Promise<Suite> {
  const config = await readConfig();
  const tarball = await pack(`${folder}/packed`);
  const kept = (await filesBelow("tests/")).filter((path) =>
    !Object.keys(LEFT_OUT).some((prefix) => path.startsWith(prefix))
  );
  const programs = kept.filter((path) => path.startsWith(PROGRAMS));
  const tests = kept.filter((path) => path.endsWith("_test.ts"));
  const { modules, bare } = await reach([
    ...tests,
    ...programs,
    ...kept.filter((path) => TESTED_PROGRAMS.some((folder) => path.startsWith(folder))),
  ]);
  await transpile(modules, folder);

  const packages = new Set([...bare].filter((specifier) => !specifier.startsWith("node:")).map(packageOf));
  packages.delete(config.name);
  await npmInstall(folder, [
    tarball.path,
    ...[...packages].map((name) => `${name}@${versionOf(config, name)}`),
  ]);
  // Some tests look inside: `../src/clock.js` is then the installed file, loaded once however it is named.
  await Deno.symlink(`node_modules/${config.name}/src`, `${folder}/src`);

  for (const path of kept.filter((path) => !path.endsWith(".ts"))) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.copyFile(new URL(path, root), `${folder}/${path}`);
  }
  return { tests: tests.map(emitted), programs: programs.map(emitted) };
}

function emitted(path: string): string {
  return path.replace(/\.ts$/, ".js");
}

async function filesBelow(path: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
    if (isDirectory) files.push(...await filesBelow(`${path}${name}/`));
    else files.push(`${path}${name}`);
  }
  return files.sort();
}

/** The modules that some modules need, themselves included and those of the package not; and the packages they name. */
async function reach(starts: readonly string[]): Promise<{ modules: string[]; bare: Set<string> }> {
  const modules = [...starts];
  const bare = new Set<string>();
  for (const path of modules) {
    const text = await Deno.readTextFile(new URL(path, root));
    for (const specifier of importsOf(text)) {
      const target = join(dirname(path), specifier);
      if (!specifier.startsWith(".")) bare.add(specifier);
      else if (target.endsWith(".ts") && !target.startsWith("src/") && !modules.includes(target)) {
        modules.push(target);
      }
    }
  }
  return { modules, bare };
}

/** JavaScript for Node 20: unlike the package, tests may say `using`. */
async function transpile(paths: readonly string[], folder: string): Promise<void> {
  await tsc(folder, {
    compilerOptions: {
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      types: [],
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      inlineSourceMap: true,
      noCheck: true,
      noResolve: true,
      rootDir: fileURLToPath(root),
      outDir: folder,
    },
    files: paths.map((path) => fileURLToPath(new URL(path, root))),
  });
}
