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
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout?: { readonly isTTY?: boolean };
  readonly stderr?: { readonly isTTY?: boolean };
  getBuiltinModule?(id: string): unknown;
  memoryUsage(): MemoryUsage;
  getActiveResourcesInfo?(): string[];
  cpuUsage(): { user: number; system: number };
  uptime(): number;
}

/** What a process says of its memory, in bytes. */
export interface MemoryUsage {
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external?: number;
  readonly arrayBuffers?: number;
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
