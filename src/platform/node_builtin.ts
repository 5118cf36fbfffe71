/**
 * Node's built-in modules, of Node, Bun and Deno. They come from `process.getBuiltinModule`, so that no module imports `node:`
 * statically and everything loads on the edge.
 */

/** What is used of the process object. */
export interface NodeProcess {
  readonly pid: number;
  readonly arch: string;
  readonly platform: string;
  readonly versions: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(id: string): unknown;
  memoryUsage(): { rss: number; heapUsed: number; heapTotal: number };
  cpuUsage(): { user: number; system: number };
  uptime(): number;
}

/** The process object of Node, Bun and Deno. */
export function nodeProcess(): NodeProcess | undefined {
  const found = (globalThis as { process?: NodeProcess }).process;
  return typeof found?.getBuiltinModule === "function" ? found : undefined;
}

/** A built-in module, by name. */
export function builtin<T>(id: string): T {
  return nodeProcess()!.getBuiltinModule!(id) as T;
}
