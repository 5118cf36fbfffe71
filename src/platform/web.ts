/**
 * The web platform: what every runtime has, and nothing more. On workerd (Cloudflare Workers) also what its compatibility flag
 * `nodejs_compat` adds.
 */

import { machineTimers, systemClock } from "../clock.ts";
import { createRequestClock } from "../request_clock.ts";
import { nodeStorage } from "./node.ts";
import { nodeProcess } from "./node_builtin.ts";
import type { Capability, Platform, PlatformWorkers } from "./port.ts";
import { webParent, webWorkers } from "./web_worker.ts";

/** Whether this is workerd: with `nodejs_compat` it looks like Node in much, but what a request begins ends with it. */
export function isWorkerd(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } };
  return navigator?.userAgent === "Cloudflare-Workers";
}

/** Makes the port of a runtime that is neither Deno nor Node. */
export function webPlatform(): Platform {
  return isWorkerd() ? workerdPlatform() : {
    name: "web",
    version: "",
    clock: systemClock,
    capabilities: [
      DNS,
      { name: "context propagation", supported: false, note: "pass contexts explicitly" },
      { name: "connections", supported: false, note: "no sockets: use fetch" },
      NO_SERVERS,
      { name: "background timers", supported: true, note: "while the page or worker is alive" },
      typeof Worker === "function"
        ? { name: "workers", supported: true, note: "Web Workers; they do not contain memory" }
        : NO_WORKERS,
      NO_PROCESS,
      NO_GROUP,
      { name: "pause stacks", supported: false, note: "no inspector: pauses are recorded without a stack" },
    ],
    nextTurn,
    createStorage: () => undefined,
    dns: {},
    workers: typeof Worker === "function" ? browserWorkers : undefined,
    processInfo: () => undefined,
  };
}

const DNS: Capability = { name: "dns", supported: true, note: "DNS over HTTPS, with TTLs" };
const NO_SERVERS: Capability = {
  name: "servers",
  supported: false,
  note: "no sockets that listen: export a fetch handler",
};
const NO_PROCESS: Capability = { name: "process", supported: false, note: "no process to describe" };
const NO_GROUP: Capability = {
  name: "server group",
  supported: false,
  note: "no processes or listeners: the runtime serves",
};
const NO_WORKERS: Capability = { name: "workers", supported: false, note: "no threads: calls run inline" };

const browserWorkers: PlatformWorkers = {
  backends: [webWorkers()],
  cpus: () => navigator.hardwareConcurrency,
  entry: () => undefined,
  parent: webParent,
  heapUsedBytes: () => undefined,
};

function workerdPlatform(): Platform {
  const process = nodeProcess();
  const waitUntil = (process?.getBuiltinModule?.("cloudflare:workers") as Workers | undefined)?.waitUntil;
  return {
    name: "workerd",
    version: "",
    clock: createRequestClock(machineTimers()),
    capabilities: [
      DNS,
      process === undefined
        ? {
          name: "context propagation",
          supported: false,
          note: "needs the compatibility flag nodejs_compat",
        }
        : { name: "context propagation", supported: true, note: "AsyncLocalStorage, by nodejs_compat" },
      {
        name: "connections",
        supported: false,
        note:
          "a socket ends with its request, so there is nothing to pool: use fetch, or connect of cloudflare:sockets",
      },
      NO_SERVERS,
      {
        name: "background timers",
        supported: false,
        note: `what is due is done by the next request, ${
          waitUntil === undefined
            ? "and lost with it: give waitUntil, or set the compatibility flag nodejs_compat"
            : "beyond its response by waitUntil"
        }`,
      },
      NO_WORKERS,
      NO_PROCESS,
      NO_GROUP,
    ],
    nextTurn,
    createStorage: () => process === undefined ? undefined : nodeStorage(),
    dns: {},
    waitUntil,
    processInfo: () => undefined,
  };
}

interface Workers {
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

/** One turn of the event loop: without `MessageChannel`, as in workerd by default, a timer has to do. */
function nextTurn(): Promise<void> {
  if (typeof MessageChannel === "undefined" || isWorkerd()) {
    return new Promise((resolve) => void machineTimers().schedule(0, resolve));
  }
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
