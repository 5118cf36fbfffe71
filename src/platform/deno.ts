/** Deno: its own DNS client, and Node's built-ins for the rest. */

import { systemClock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import {
  nodeFiles,
  nodeNextTurn,
  nodeProcessInfo,
  nodeStorage,
  nodeUsage,
  noSupervisorHandover,
} from "./node.ts";
import { profiler } from "./node_profiler.ts";
import { builtin } from "./node_builtin.ts";
import { nodeDnsQuery } from "./node_dns.ts";
import { nodeNet } from "./node_net.ts";
import { nodeProcesses } from "./node_process.ts";
import { nodeServers } from "./node_servers.ts";
import type { DnsQuery, ParentLink, Platform, PlatformNet, PlatformWorkers, TlsHandshake } from "./port.ts";
import type { ProcessCommand } from "./process_port.ts";
import { nodeExit, nodeHeapUsed, nodeParent, nodeThreads } from "./node_threads.ts";
import { webParent, webWorkers } from "./web_worker.ts";

/** Makes the port of Deno. */
export function denoPlatform(): Platform {
  return {
    name: "deno",
    version: Deno.version.deno,
    clock: systemClock,
    capabilities: [
      {
        name: "dns",
        supported: true,
        note: "Deno.resolveDns: no TTLs; NXDOMAIN, SERVFAIL and no data look alike",
      },
      { name: "context propagation", supported: true, note: "AsyncLocalStorage" },
      {
        name: "connections",
        supported: true,
        note:
          "TCP, TLS and unix sockets through node:net and node:tls; the file limit is read with --allow-all",
      },
      {
        name: "servers",
        supported: true,
        note: "HTTP/1, HTTP/2, TLS, TCP and unix sockets through node:http and node:net; needs --allow-net",
      },
      {
        name: "workers",
        supported: true,
        note: "Web Workers, which do not contain memory; with a heap limit node:worker_threads, which do. " +
          "A thread stuck in a loop is replaced, but Deno does not stop its code",
      },
      {
        name: "process",
        supported: true,
        note: "memory, processor time, load; needs --allow-sys for the host's",
      },
      {
        name: "server group",
        supported: true,
        note:
          "the supervisor holds the listeners and hands each connection to a child; needs --allow-run and " +
          "--allow-env. Children have the flags of this process with --allow-all, else the permissions it has as a whole",
      },
      noSupervisorHandover,
      {
        name: "pause stacks",
        supported: true,
        note:
          "a sampling profiler, when asked for: starting it walks the heap (3 ms a MiB); needs --allow-sys=inspector",
      },
    ],
    nextTurn: nodeNextTurn,
    nextPoll,
    createStorage: nodeStorage,
    dns: {
      deno: denoDnsQuery,
      node: nodeDnsQuery({ certain: false }),
      default: "deno",
      srv: (name, signal) => Deno.resolveDns(name, "SRV", { signal }),
    },
    files: nodeFiles,
    net: { ...nodeNet, startTls, fileLimit },
    servers: nodeServers,
    terminal: () => ({ colors: !Deno.noColor && Deno.stdout.isTerminal() && Deno.stderr.isTerminal() }),
    workers: denoWorkers,
    processInfo: nodeProcessInfo,
    processes: nodeProcesses(command, mayRun),
    // getActiveResourcesInfo() is always empty here, so there are no resources to tell of.
    monitor: { usage: nodeUsage, stacks: profiler(builtin) },
  };
}

/** Whether a program may be run without a question to whoever sits at the terminal. */
function mayRun(program: string): boolean {
  return Deno.permissions.querySync({ name: "run", command: program }).state === "granted";
}

/** As Node's, with the reason why a certificate was not accepted: `node:tls` says the same of every one here. */
const startTls: PlatformNet["startTls"] = async (socket, options, signal) => {
  const { remoteAddress } = socket;
  try {
    return await nodeNet.startTls(socket, options, signal);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE") throw error;
    throw await whyUnverified(remoteAddress, options, signal) ?? error;
  }
};

/** Asks once more with Deno's own client, which tells; undefined where there is no time for it, or it is content. */
async function whyUnverified(
  remoteAddress: string,
  { serverName, ca }: TlsHandshake,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(remoteAddress) ?? [];
  if (port === undefined) return undefined;
  let connection: Deno.Conn | undefined;
  const close = () => connection?.close();
  try {
    const tcp = connection = await Deno.connect({ hostname: hostname!, port: Number(port), signal });
    signal.addEventListener("abort", close, { once: true });
    const caCerts = ca === undefined ? undefined : [ca].flat();
    const tls = connection = await Deno.startTls(tcp, { hostname: serverName, caCerts });
    await tls.handshake();
    return undefined;
  } catch (error) {
    return signal.aborted || !/certificate/i.test(errorMessage(error))
      ? undefined
      : Object.assign(new Error(errorMessage(error), { cause: error }), { code: "CERTIFICATE" });
  } finally {
    signal.removeEventListener("abort", close);
    attempt(close);
  }
}

function attempt(close: () => void): void {
  try {
    close();
  } catch {
    // It was closed already: by the handshake that failed, or by the abort.
  }
}

const PERMISSIONS = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

/** The permissions that this process has as a whole. */
function granted(): string[] {
  return PERMISSIONS.filter((name) =>
    Deno.permissions.querySync({ name } as Deno.PermissionDescriptor).state === "granted"
  );
}

/** `/proc` may be read only by those who may do all: whoever may not would be asked, in the middle of a start. */
async function fileLimit(): Promise<number | undefined> {
  return granted().length === PERMISSIONS.length ? await nodeNet.fileLimit() : undefined;
}

/** What would take a port, or a turn, from the process that hands its flags on. */
const OWN_FLAGS = /^--(inspect|watch)/;

/** How this program is started again: a compiled one by itself, else as a module. */
function command(): ProcessCommand {
  const file = Deno.execPath();
  if (Deno.build.standalone) return { file, args: [...Deno.args] };
  const { mainModule } = Deno;
  if (/\$deno\$(stdin|eval|repl)/.test(mainModule)) {
    throw new Error("the program is no file, so it cannot be started again");
  }
  return { file, args: [...flags(), mainModule, ...Deno.args] };
}

/** The flags of this process, from `/proc`; where that may not be read, those that give children what this one has. */
function flags(): string[] {
  const permissions = granted();
  if (permissions.length === PERMISSIONS.length) {
    try {
      const given = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(1, -1);
      return given.slice(0, given.length - Deno.args.length - 1).filter((flag) => !OWN_FLAGS.test(flag));
    } catch {
      return ["run", "--allow-all"]; // Not on Linux.
    }
  }
  return ["run", "--quiet", "--no-prompt", ...permissions.map((name) => `--allow-${name}`)];
}

/** Tokio's scheduler looks at the sockets after so many ticks (its `event_interval`), unless there is nothing else to do. */
const TICKS_TO_POLL = 64;

/**
 * While something is always due at once, as one handler after the other is, ten turns and more go by before what has arrived is seen
 * (Deno 2.9). Empty turns are quick, 64 of them take less than 0.1 ms; and unlike a timer they never leave the loop idle.
 */
async function nextPoll(_arrivals: () => number, isOver: () => boolean): Promise<void> {
  for (let tick = 0; tick < TICKS_TO_POLL && !isOver(); tick++) await nodeNextTurn();
}

/** What Deno throws `NotFound` for, all alike. */
const NOT_FOUND = "no records (NXDOMAIN, SERVFAIL, REFUSED or an empty answer)";

/** Queries through `Deno.resolveDns`. */
const denoDnsQuery: DnsQuery = async (name, type, { server, signal }) => {
  const nameServer = server && { ipAddr: server.address, port: server.port };
  try {
    const addresses = await Deno.resolveDns(name, type, { nameServer, signal });
    return addresses.length > 0 ? { verdict: "addresses", addresses } : { verdict: "empty" };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof Deno.errors.NotFound) return { verdict: "ambiguous", reason: NOT_FOUND };
    return { verdict: "failed", reason: errorMessage(error) };
  }
};

const denoWorkers: PlatformWorkers = {
  backends: [webWorkers({ unref: unrefWorker, endsBusy: false }), nodeThreads(builtin, { isDeno: true })],
  cpus: () => navigator.hardwareConcurrency,
  entry: () => undefined, // `import.meta.main` says it
  parent: () => denoWebParent() ?? nodeParent(builtin),
  heapUsedBytes: () => nodeHeapUsed(builtin),
};

/** In a Web Worker of Deno `process.exit()` has its event, too. */
function denoWebParent(): ParentLink | undefined {
  const parent = webParent();
  return parent && {
    ...parent,
    onExit(listener) {
      parent.onExit(listener);
      nodeExit(builtin, listener);
    },
  };
}

/**
 * Deno has no `unref` of Web Workers but the one behind its `node:worker_threads`: a method under a symbol without a
 * name. Where it is gone one day, a program that uses workers ends when its idle workers do.
 */
function unrefWorker(worker: object): void {
  const prototype = Worker.prototype as unknown as Record<symbol, unknown>;
  for (const key of Object.getOwnPropertySymbols(prototype)) {
    const method = prototype[key];
    if (!key.description && typeof method === "function") method.call(worker, false);
  }
}
