/**
 * Packs `@ballast/runtime` for npm: `deno task pack [folder]`, into `dist/` unless told otherwise.
 *
 * The tarball holds JavaScript and declarations of what the exports of `deno.json` reach, the texts that go with them,
 * and nothing else.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { emit } from "./pack_emit.ts";
import { BIN, BIN_TEXT, dependencies, manifest, packageOf } from "./pack_manifest.ts";
import { findModules, importsOf, type Modules, readConfig, root } from "./pack_modules.ts";

/** A tarball that has been made. */
export interface Tarball {
  readonly path: string;
  readonly modules: number;
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
  readonly bytes: number;
}

const TEXTS = ["README.md", "CHANGELOG.md", "LICENSE"];

/**
 * Makes the tarball in a folder.
 *
 * @throws {Error} when it does not hold exactly what it should
 */
export async function pack(folder: string): Promise<Tarball> {
  const config = await readConfig();
  const modules = await findModules(config);
  const staging = await Deno.makeTempDir({ prefix: "ballast-pack-" });
  try {
    await emit(modules, staging);
    for (const text of TEXTS) await Deno.copyFile(new URL(text, root), `${staging}/${text}`);
    await Deno.mkdir(dirname(`${staging}/${BIN}`), { recursive: true });
    await Deno.writeTextFile(`${staging}/${BIN}`, BIN_TEXT, { mode: 0o755 });
    const packageJson = manifest(config, modules);
    await Deno.writeTextFile(`${staging}/package.json`, JSON.stringify(packageJson, undefined, 2) + "\n");

    await Deno.mkdir(folder, { recursive: true });
    const { filename, files, size } = await npmPack(staging, folder);
    const listing = files.map(({ path }) => path).sort();
    const faults = [...wrongFiles(listing, modules), ...await wrongImports(listing, staging, modules)];
    if (faults.length > 0) {
      await Deno.remove(`${folder}/${filename}`);
      throw new Error(`the package is not what it should be:\n${faults.join("\n")}`);
    }
    return {
      path: `${folder}/${filename}`,
      modules: modules.all.length,
      dependencies: dependencies(modules),
      files: listing,
      bytes: size,
    };
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
}

interface NpmPacked {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

async function npmPack(staging: string, folder: string): Promise<NpmPacked> {
  const { success, stdout, stderr } = await new Deno.Command("npm", {
    args: ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder],
    cwd: staging,
  }).output();
  if (!success) throw new Error(`npm pack: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout))[0];
}

/** Files that are missing from the tarball, or too many in it. */
function wrongFiles(listing: readonly string[], modules: Modules): string[] {
  const wanted = new Set([
    "package.json",
    BIN,
    ...TEXTS,
    ...modules.all.map((path) => path.replace(/\.ts$/, ".d.ts")),
    ...[...modules.run].map((path) => path.replace(/\.ts$/, ".js")),
  ]);
  return [
    ...[...wanted].filter((path) => !listing.includes(path)).map((path) => `${path} is missing`),
    ...listing.filter((path) => !wanted.has(path)).map((path) => `${path} does not belong there`),
  ];
}

/** Imports that nobody could follow, and sources that the code still names. */
async function wrongImports(
  listing: readonly string[],
  staging: string,
  modules: Modules,
): Promise<string[]> {
  const faults: string[] = [];
  const known = dependencies(modules);
  for (const path of listing.filter((path) => /\.(?:js|d\.ts)$/.test(path))) {
    const text = (await Deno.readTextFile(`${staging}/${path}`)).replace(/\/\*[\s\S]*?\*\//g, "");
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".")) {
        if (!known.includes(packageOf(specifier))) faults.push(`${path} imports ${specifier}`);
        continue;
      }
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const file = path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
      if (!listing.includes(file)) faults.push(`${path} imports ${specifier}, which is not there`);
    }
    for (const [mention] of text.matchAll(/["'`]\.{1,2}\/[^"'`\s]*\.ts["'`]/g)) {
      faults.push(`${path} names the source ${mention}`);
    }
  }
  return faults;
}

if (import.meta.main) {
  const folder = Deno.args[0] ?? fileURLToPath(new URL("dist", root));
  const { path, modules, dependencies, files, bytes } = await pack(folder);
  console.log(`${path}: ${modules} modules, ${files.length} files, ${Math.round(bytes / 1000)} kB`);
  console.log(`depends on ${dependencies.join(", ")}`);
}
