/** JavaScript and declarations from the sources. */

import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { type Modules, root } from "./pack_modules.ts";
import { tsc } from "./pack_typescript.ts";

/**
 * Writes the modules to a folder: `.js` for each that runs, `.d.ts` for every one.
 *
 * Types are blanked out, so each statement of the JavaScript is in the line and the column where the source has it: a stack
 * trace of Node points into the repository, with no source map. The declarations are written from the text of the modules
 * alone, which is all that the exported ones need: `deno publish` refuses an export whose type is not written down.
 */
export async function emit(modules: Modules, folder: string): Promise<void> {
  await emitDeclarations(modules.all, folder);
  for (const path of modules.all) {
    const declarations = `${folder}/${path.replace(/\.ts$/, ".d.ts")}`;
    await Deno.writeTextFile(declarations, renamed(await Deno.readTextFile(declarations)));
    if (!modules.run.has(path)) continue;
    const source = await Deno.readTextFile(new URL(path, root));
    await Deno.writeTextFile(`${folder}/${path.replace(/\.ts$/, ".js")}`, toJavaScript(path, source));
  }
}

/**
 * The source without its types; nothing else moves.
 *
 * @throws {Error} when it has more than types to take out: an enum, a namespace, a parameter property
 */
function toJavaScript(path: string, source: string): string {
  const lines = source.split("\n");
  return renamed(stripped(path, source)).split("\n").map((line, index) =>
    // Blanks at the end are left from types, unless the source has them too: in a template they mean something.
    /\s$/.test(lines[index]!) ? line : line.trimEnd()
  ).join("\n");
}

function stripped(path: string, source: string): string {
  try {
    return stripTypeScriptTypes(source);
  } catch (cause) {
    throw new Error(`${path} does not become JavaScript by leaving its types out`, { cause });
  }
}

/** Names other modules by the file they become. `js` is as long as `ts`, so this moves nothing either. */
function renamed(text: string): string {
  return text.replace(
    /(\b(?:from|import|import\(|new URL\(|import\.meta\.resolve\()\s*"\.{1,2}\/[^"\n]*)\.ts"/g,
    '$1.js"',
  );
}

async function emitDeclarations(paths: readonly string[], folder: string): Promise<void> {
  const configuration = await Deno.makeTempDir({ prefix: "ballast-declarations-" });
  try {
    await tsc(configuration, {
      compilerOptions: {
        target: "es2022",
        module: "nodenext",
        lib: ["esnext"],
        types: [],
        strict: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true,
        declaration: true,
        emitDeclarationOnly: true,
        // `deno check` checks; here the types of Deno and Node are not known, nor needed.
        noCheck: true,
        noResolve: true,
        rootDir: fileURLToPath(root),
        outDir: folder,
      },
      files: paths.map((path) => fileURLToPath(new URL(path, root))),
    });
  } finally {
    await Deno.remove(configuration, { recursive: true });
  }
}
