/**
 * Node's built-ins, for Node and Bun, and for Deno where it has them. They come from `process.getBuiltinModule`, so that
 * no module imports `node:` statically and everything loads on the edge.
 */

import type * as AsyncHooks from "node:async_hooks";
import type * as Files from "node:fs/promises";
import type * as Os from "node:os";
import type * as V8 from "node:v8";

import { setDetached, systemClock } from "../clock.ts";
import { builtin, type MemoryUsage, nodeProcess } from "./node_builtin.ts";
import { nodeDnsQuery, nodeSrvQuery } from "./node_dns.ts";
import { nodeNet } from "./node_net.ts";
import { nodeProcesses } from "./node_process.ts";
import { nodeServers } from "./node_servers.ts";
import { watchdog } from "./node_watchdog.ts";
import type {
  Capability,
  ContextStorage,
  Platform,
  PlatformFiles,
  PlatformMonitor,
  ProcessInfo,
  ProcessUsage,
  Terminal,
} from "./port.ts";
import { nodeWorkers } from "./node_threads.ts";

// When modules are loaded no flow has begun yet.
if (nodeProcess() !== undefined) setDetached(asyncHooks().AsyncLocalStorage.snapshot());

function asyncHooks(): typeof AsyncHooks {
  return builtin<typeof AsyncHooks>("node:async_hooks");
}

/** Makes the port of Node or Bun. */
export function nodePlatform(): Platform {
  const { versions } = nodeProcess()!;
  const name = versions.bun === undefined ? "node" : "bun";
  return {
    name,
    version: versions[name] ?? "",
    clock: systemClock,
    capabilities: [...nodeCapabilities, name === "node" ? WATCHDOG : NO_STACKS],
    nextTurn: nodeNextTurn,
    nextPoll: nodeNextPoll,
    createStorage: nodeStorage,
    // Bun says ENOTFOUND for a record that is missing, too.
    dns: { node: nodeDnsQuery({ certain: name === "node" }), default: "node", srv: nodeSrvQuery },
    files: nodeFiles,
    net: nodeNet,
    servers: nodeServers,
    terminal: nodeTerminal,
    workers: nodeWorkers(builtin),
    processInfo: nodeProcessInfo,
    processes: nodeProcesses(),
    monitor: {
      usage: nodeUsage,
      resources: nodeResources,
      stacks: name === "node" ? watchdog(builtin) : undefined,
    },
  };
}

/** Listening sockets are passed to children only, never to a process that takes the supervisor's place. */
export const noSupervisorHandover: Capability = {
  name: "supervisor handover",
  supported: false,
  note: "ports close with their supervisor: a rolling restart (SIGHUP) replaces children, not it; " +
    "for a new supervisor start another instance behind the balancer first",
};

const nodeCapabilities: readonly Capability[] = [
  { name: "dns", supported: true, note: "node:dns Resolver, with TTLs; search domains are not applied" },
  { name: "context propagation", supported: true, note: "AsyncLocalStorage" },
  { name: "connections", supported: true, note: "TCP, TLS and unix sockets through node:net and node:tls" },
  {
    name: "servers",
    supported: true,
    note: "HTTP/1, HTTP/2, TLS, TCP and unix sockets through node:http and node:net",
  },
  { name: "workers", supported: true, note: "node:worker_threads; a heap limit contains memory" },
  { name: "process", supported: true, note: "memory, processor time, load" },
  {
    name: "server group",
    supported: true,
    note: "the supervisor holds the listeners and hands each connection to a child",
  },
  noSupervisorHandover,
];

const WATCHDOG: Capability = {
  name: "pause stacks",
  supported: true,
  note: "a watchdog thread and the inspector, from the first long pause on",
};
const NO_STACKS: Capability = {
  name: "pause stacks",
  supported: false,
  note: "no inspector for another thread: pauses are recorded without a stack",
};

/** One turn of the event loop. */
export function nodeNextTurn(): Promise<void> {
  return new Promise((resolve) =>
    void (globalThis as { setImmediate?: (fn: () => void) => void }).setImmediate!(resolve)
  );
}

/** Turns without an arrival after which nothing is taken to be left, and turns in all. */
const QUIET_TURNS = 3;
const MAX_TURNS = 64;

/**
 * libuv accepts one connection in a turn: under handlers that hold the loop, clients that open one for each request would wait in the
 * kernel, where nobody can refuse them.
 */
async function nodeNextPoll(arrivals: () => number, isOver: () => boolean): Promise<void> {
  for (let quiet = 0, turns = 0; quiet < QUIET_TURNS && turns < MAX_TURNS && !isOver(); turns++) {
    const before = arrivals();
    await nodeNextTurn();
    quiet = arrivals() === before ? quiet + 1 : 0;
  }
}

/** `AsyncLocalStorage`. */
export function nodeStorage<T>(): ContextStorage<T> {
  return new (asyncHooks().AsyncLocalStorage)<T>();
}

/** Files, through `node:fs`. */
export const nodeFiles: PlatformFiles = {
  async readText(path, maxBytes) {
    const { open } = builtin<typeof Files>("node:fs/promises");
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw new Error(`${path} has ${size} bytes, at most ${maxBytes} are read`);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  },
};

/** Lines go to both outputs; colours in the one that is a file would be in the way. */
function nodeTerminal(): Terminal {
  const { stdout, stderr, env } = nodeProcess()!;
  return { colors: stdout?.isTTY === true && stderr?.isTTY === true && !env.NO_COLOR };
}

/** What `node:os` and `process` say; a value that the permissions forbid is left at zero or "". */
export function nodeProcessInfo(): ProcessInfo {
  const process = nodeProcess()!;
  const os = builtin<typeof Os>("node:os");
  const memory = attempt(() => process.memoryUsage(), { rss: 0, heapUsed: 0, heapTotal: 0 });
  const cpu = attempt(() => process.cpuUsage(), { user: 0, system: 0 });
  return {
    pid: process.pid,
    hostname: attempt(() => os.hostname(), ""),
    os: attempt(() => `${os.type()} ${os.release()}`, process.platform),
    arch: process.arch,
    uptimeMs: process.uptime() * 1000,
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    heapTotalBytes: memory.heapTotal,
    loadAverage: attempt(() => os.loadavg(), undefined),
    cpus: attempt(() => os.availableParallelism(), 1),
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
}

/** What the process uses now. */
export function nodeUsage(): ProcessUsage {
  const process = nodeProcess()!;
  const memory = attempt<Partial<MemoryUsage>>(() => process.memoryUsage(), {});
  const cpu = attempt(() => process.cpuUsage(), undefined);
  return {
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    heapTotalBytes: memory.heapTotal,
    heapLimitBytes: attempt(
      () => builtin<typeof V8>("node:v8").getHeapStatistics().heap_size_limit,
      undefined,
    ),
    externalBytes: memory.external,
    arrayBuffersBytes: memory.arrayBuffers,
    cpuMs: cpu && (cpu.user + cpu.system) / 1000,
  };
}

/** What holds the event loop open, by kind. */
const nodeResources: PlatformMonitor["resources"] = () => {
  const counts: Record<string, number> = {};
  const kinds = attempt(() => nodeProcess()!.getActiveResourcesInfo?.() ?? [], []);
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
