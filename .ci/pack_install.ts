/** Installing packages of npm into a folder. */

/**
 * Installs packages into a folder of its own `package.json`, out of npm's cache where it has them.
 *
 * @throws {Error} with what npm says
 */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  const manifest = `${folder}/package.json`;
  await Deno.writeTextFile(manifest, JSON.stringify({ private: true, type: "module" }));
  const { success, stderr } = await new Deno.Command("npm", {
    args: [
      "install",
      "--prefer-offline",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      ...packages,
    ],
    cwd: folder,
  }).output();
  if (!success) throw new Error(`npm install ${packages.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
