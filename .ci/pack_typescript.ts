/** The TypeScript compiler, at the version that `deno.json` pins: for what Deno does not do itself. */

import { readConfig, root } from "./pack_modules.ts";

/**
 * Runs `tsc` in a folder, on a configuration that is written there.
 *
 * @throws {Error} with the compiler's complaints, where it has any
 */
export async function tsc(folder: string, tsconfig: Readonly<Record<string, unknown>>): Promise<void> {
  const { imports: { typescript } } = await readConfig();
  if (typescript === undefined) throw new Error(`the imports of deno.json must pin "typescript"`);
  await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(tsconfig, undefined, 2));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", `${typescript}/tsc`, "--project", folder, "--pretty", "false"],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(new Uint8Array([...stdout, ...stderr])).trim());
}
