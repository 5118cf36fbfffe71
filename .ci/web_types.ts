/**
 * Type-checks `src/` against web types alone: everything but the ports of Deno and Node must load on the edge.
 *
 * The two ports are replaced by declarations of what `detect.ts` and `web.ts` use of them.
 */

const STUBS: Readonly<Record<string, string>> = {
  "platform/deno.ts": `import type { Platform } from "./port.ts";
export declare function denoPlatform(): Platform;
`,
  "platform/node_shell.ts": `import type { Shell } from "./shell.ts";
export declare function nodeShell(): Shell | undefined;
`,
  "platform/node.ts": `import type { ContextStorage, Platform } from "./port.ts";
export declare function nodePlatform(): Platform;
export declare function nodeStorage<T>(): ContextStorage<T>;
`,
};
/** The rest of Node's port, which only the two use; what `detect.ts` asks of it needs no types but its own. */
const NODE_ONLY = /platform\/node_(?!builtin)\w+\.ts$/;

const root = new URL("../", import.meta.url);
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
const folder = await Deno.makeTempDir({ prefix: "ballast-web-types-" });
try {
  const files = await copy(new URL("src/", root), `${folder}/src`);
  for (const [path, text] of Object.entries(STUBS)) await Deno.writeTextFile(`${folder}/src/${path}`, text);
  await Deno.copyFile(new URL("deno.lock", root), `${folder}/deno.lock`);
  const compilerOptions = {
    ...config.compilerOptions,
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
  };
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ imports: config.imports, compilerOptions }),
  );
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--frozen=false", "--quiet", ...files],
    cwd: folder,
  }).output();
  if (!success) {
    console.error(new TextDecoder().decode(stderr));
    console.error("src/ needs more than web types outside platform/deno.ts and platform/node.ts.");
    Deno.exitCode = 1;
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Copies a folder of sources; gives the paths of the copies. */
async function copy(from: URL, to: string): Promise<string[]> {
  await Deno.mkdir(to, { recursive: true });
  const copies: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) copies.push(...await copy(new URL(`${name}/`, from), `${to}/${name}`));
    else if (name.endsWith(".ts") && !NODE_ONLY.test(`${from.pathname}${name}`)) {
      await Deno.copyFile(new URL(name, from), `${to}/${name}`);
      copies.push(`${to}/${name}`);
    }
  }
  return copies;
}
