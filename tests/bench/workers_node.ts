/** The benchmark of the workers on Node: packs the package, installs it beside the peers, and runs there. */

import { fileURLToPath } from "node:url";
import { pack } from "../../.ci/pack.ts";
import { npmInstall } from "../../.ci/pack_install.ts";
import { versionOf } from "../../.ci/pack_manifest.ts";
import { readConfig, root } from "../../.ci/pack_modules.ts";
import { tsc } from "../../.ci/pack_typescript.ts";

const PEERS = ["piscina", "tinypool", "workerpool", "poolifier"];
const FILES = ["workers.ts", "measure.ts", "workers_main.ts"];

const folder = await Deno.makeTempDir({ prefix: "ballast-bench-" });
try {
  const config = await readConfig();
  const tarball = await pack(`${folder}/packed`);
  await npmInstall(folder, [tarball.path, ...PEERS.map((name) => `${name}@${versionOf(config, name)}`)]);
  const bench = new URL("tests/bench/", root);
  const files = FILES.map((name) => fileURLToPath(new URL(name, bench)));
  for await (const { name } of Deno.readDir(new URL("workers/", bench))) {
    files.push(fileURLToPath(new URL(`workers/${name}`, bench)));
  }
  await tsc(folder, {
    compilerOptions: {
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      types: [],
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      noCheck: true,
      noResolve: true,
      rootDir: fileURLToPath(root),
      outDir: folder,
    },
    files,
  });
  const { code } = await new Deno.Command("node", {
    args: ["tests/bench/workers_main.js", ...Deno.args],
    cwd: folder,
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
