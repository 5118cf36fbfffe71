/** The runtimes of npm that the package is tried on, each as a command. */

import { npmInstall } from "./pack_install.ts";

/** A runtime that can be started. */
export interface NpmRuntime {
  readonly kind: "node" | "bun";
  /** Its name and version: `node 20.20.2`. */
  readonly label: string;
  readonly command: string;
}

const BUN = "1.4.5";

/**
 * Finds Node by the start of its version (`20`, `22.3.0`): the one of this machine, else the one that npm has. `bun` is Bun.
 *
 * @throws {Error} when there is none
 */
export async function findRuntime(wanted: string, folder: string): Promise<NpmRuntime> {
  if (wanted !== "bun" && !/^\d+(?:\.\d+){0,2}$/.test(wanted)) {
    throw new TypeError(`a runtime must be a version of Node, such as 20 or 22.3.0, or bun; got "${wanted}"`);
  }
  const kind = wanted === "bun" ? "bun" : "node";
  const local = kind === "node" ? await versionOf("node") : undefined;
  if (local !== undefined && `${local}.`.startsWith(`${wanted}.`)) return labelled(kind, "node", local);

  const platform = `${Deno.build.os === "windows" ? "win" : Deno.build.os}-${
    Deno.build.arch === "x86_64" ? "x64" : "arm64"
  }`;
  const name = kind === "bun" ? `@oven/bun-${platform}` : `node-${platform}`;
  await Deno.mkdir(folder);
  await npmInstall(folder, [`${name}@${kind === "bun" ? BUN : wanted}`]);
  const command = `${folder}/node_modules/${name}/bin/${kind}`;
  const version = await versionOf(command);
  if (version === undefined) throw new Error(`${name}@${wanted} does not start`);
  return labelled(kind, command, version);
}

function labelled(kind: NpmRuntime["kind"], command: string, version: string): NpmRuntime {
  return { kind, command, label: `${kind} ${version}` };
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim().replace(/^v/, "") || undefined;
  } catch {
    return undefined;
  }
}
