/**
 * Checks the npm package as its users' tools see it: publint reads the tarball, and TypeScript compiles
 * `tests/npm/consumer.ts` and every declaration against the installed package.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { pack } from "./pack.ts";
import { npmInstall } from "./pack_install.ts";
import { readConfig, root } from "./pack_modules.ts";
import { tsc } from "./pack_typescript.ts";

const PUBLINT = "publint@0.3.25";
/** The oldest Node that the package is for. */
const NODE_TYPES = "@types/node@20";
/** How TypeScript may look for modules where a package has `exports`. */
const RESOLUTIONS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

const folder = await Deno.makeTempDir({ prefix: "ballast-npm-" });
try {
  const tarball = await pack(folder);
  await publint(tarball.path);

  const consumer = await Deno.readTextFile(new URL("tests/npm/consumer.ts", root));
  const { name, exports } = await readConfig();
  const missing = Object.keys(exports).map((entry) => name + entry.slice(1)).filter((entry) =>
    !consumer.includes(`from "${entry}"`)
  );
  if (missing.length > 0) throw new Error(`tests/npm/consumer.ts must use ${missing.join(", ")}`);

  await npmInstall(folder, [tarball.path, NODE_TYPES]);
  await Deno.writeTextFile(`${folder}/consumer.ts`, consumer);
  const declarations = tarball.files.filter((path) => path.endsWith(".d.ts"));
  for (const resolution of RESOLUTIONS) {
    await tsc(folder, {
      compilerOptions: {
        ...resolution,
        target: "es2022",
        lib: ["es2022", "esnext.disposable"],
        types: ["node"],
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: ["consumer.ts", ...declarations.map((path) => `node_modules/${name}/${path}`)],
    });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exitCode = 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function publint(tarball: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("npx", {
    args: ["-y", PUBLINT, tarball, "--strict", "--level", "suggestion"],
    env: { NO_COLOR: "1" },
    cwd: fileURLToPath(root),
  }).output();
  const text = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
  if (!success || !text.includes("All good!")) throw new Error(text);
}
