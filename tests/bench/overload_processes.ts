/**
 * The processes of the overload benchmark: a server on Deno or Node, and a load on it from another process.
 *
 * @module
 */

import type { LoadResult } from "./overload_load.ts";

/** What a server runs on. */
export type Engine = "deno" | "node";
/**
 * What answers: the runtime's own server with Hono, that with nothing but an `AsyncLocalStorage` entered for each request, that with
 * Ballast, or `overload-protection` on `node:http`.
 */
export type Kind = "bare" | "storage" | "ballast" | "overload-protection";
/** What a request does. */
export type Work = "cpu" | "wait" | "hello";

/** A server under load. */
export interface ServerProcess {
  /** Requests due each so many milliseconds. */
  open(perSecond: number, ms: number, connections: number): Promise<LoadResult>;
  /** Requests as fast as they are answered; `answers` counts those of the load's own warm-up, too. */
  closed(
    connections: number,
    ms: number,
    pipelined: number,
  ): Promise<{ readonly perSecond: number; readonly answers: number }>;
  /** Processor time used so far, in milliseconds. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts servers. */
export interface Processes {
  /** Those that are here. */
  readonly engines: readonly Engine[];
  start(engine: Engine, kind: string, work?: Work): Promise<ServerProcess>;
}

const LOAD = "overload_load";

/** Makes them ready, in a folder that `dispose` removes: on Node they run bundled. `server` is the module of the server. */
export async function prepareProcesses(
  server = "overload_server",
): Promise<Processes & { dispose(): Promise<void> }> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-overload-" });
  const hasNode = await new Deno.Command("node", { args: ["--version"], stdout: "null" }).output()
    .then(({ success }) => success, () => false);
  const source = (name: string) => new URL(`${name}.ts`, import.meta.url).pathname;
  if (hasNode) {
    for (const name of [server, LOAD]) {
      const args = ["bundle", "--quiet", "--output", `${folder}/${name}.mjs`, source(name)];
      const { success } = await new Deno.Command(Deno.execPath(), { args }).output();
      if (!success) throw new Error(`${name} cannot be bundled for Node`);
    }
  }

  function command(engine: Engine, name: string, args: readonly string[], options: Deno.CommandOptions) {
    return engine === "node"
      ? new Deno.Command("node", { ...options, args: [`${folder}/${name}.mjs`, ...args] })
      : new Deno.Command(Deno.execPath(), {
        ...options,
        args: ["run", "--quiet", "--no-check", "--allow-all", source(name), ...args],
      });
  }

  async function load<T>(...args: readonly (string | number)[]): Promise<T> {
    const { stdout } = await command(hasNode ? "node" : "deno", LOAD, args.map(String), {
      signal: AbortSignal.timeout(60_000),
      stderr: "inherit",
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  }

  return {
    engines: hasNode ? ["deno", "node"] : ["deno"],
    async start(engine, kind, work) {
      const child = command(engine, server, work === undefined ? [kind] : [kind, work], {
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const input = child.stdin.getWriter();
      const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const line = async () => (await output.read()).value ?? "";
      const port = (await line()).trim();
      return {
        open: (perSecond, ms, connections) => load(port, "open", perSecond, ms, connections),
        closed: (connections, ms, pipelined) => load(port, "closed", connections, ms, pipelined),
        async cpuMs() {
          await input.write(new TextEncoder().encode("\n"));
          return Number(await line());
        },
        async stop() {
          await input.close();
          await child.status;
        },
      };
    },
    dispose: () => Deno.remove(folder, { recursive: true }),
  };
}
