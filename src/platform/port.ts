/**
 * What Ballast asks of a runtime. Types only: `deno.ts`, `node.ts` and `web.ts` implement it, `detect.ts` picks one, and
 * `createRuntime({ platform })` overrides the choice.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { PlatformMonitor } from "./monitor_port.ts";
import type { PlatformNet } from "./net_port.ts";
import type { PlatformProcesses } from "./process_port.ts";
import type { PlatformServers } from "./server_port.ts";
import type { PlatformWorkers } from "./worker_port.ts";

export type * from "./monitor_port.ts";
export type * from "./net_port.ts";
export type * from "./worker_port.ts";

/** A runtime, as seen by the rest of Ballast. */
export interface Platform {
  /** The runtime's name: `deno`, `node`, `bun`, `workerd`, `web`, or what an own platform calls itself. */
  readonly name: string;
  /** The runtime's version, "" where it has none. */
  readonly version: string;
  /** Time and timers; those of the background run by themselves unless it has a `catchUp`. */
  readonly clock: Clock;
  /** What this runtime can and cannot do, for the meta app. */
  readonly capabilities: readonly Capability[];
  /** Waits until what is due in the event loop has run. */
  nextTurn(): Promise<void>;
  /**
   * Waits until what has come to the sockets is taken in, where a turn of a busy event loop does not do that; `arrivals` counts what
   * was. It ends early once `isOver` says so.
   */
  nextPoll?(arrivals: () => number, isOver: () => boolean): Promise<void>;
  /** A value that follows the flow of asynchronous calls, where the runtime can do that. */
  createStorage<T>(): ContextStorage<T> | undefined;
  /** The runtime's ways to query DNS. */
  readonly dns: PlatformDns;
  /**
   * Keeps the request that is running alive until `work` is done, its response notwithstanding: there where what a request
   * begins ends with it, and where this is to be had.
   */
  readonly waitUntil?: WaitUntil;
  /** Files, where there are any. */
  readonly files?: PlatformFiles;
  /** Sockets, where there are any. */
  readonly net?: PlatformNet;
  /** Sockets that listen, where there are any. */
  readonly servers?: PlatformServers;
  /** Who reads the console, where that can be told. */
  terminal?(): Terminal;
  /** Threads, where there are any. */
  readonly workers?: PlatformWorkers;
  /** The process, where there is one. */
  processInfo(): ProcessInfo | undefined;
  /** Further processes, where this program can be started again. */
  readonly processes?: PlatformProcesses | undefined;
  /** What the runtime monitor reads, where there is something to read. */
  readonly monitor?: PlatformMonitor;
}

/** Who reads the console. */
export interface Terminal {
  /** Whether it is a terminal that wants colours: NO_COLOR is not set. */
  readonly colors: boolean;
}

/** One thing a runtime can do, or why not. */
export interface Capability {
  /** What it is about. */
  readonly name: string;
  /** Whether it can be done. */
  readonly supported: boolean;
  /** What follows from it. */
  readonly note: string;
}

/** The shape of a Worker's `ctx.waitUntil`. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** The shape of `AsyncLocalStorage`. */
export interface ContextStorage<T> {
  /** The value of the calls under way. */
  getStore(): T | undefined;
  /** Runs `fn`, and all that follows from it, with a value. */
  run<R>(store: T, fn: () => R): R;
}

/** Access to files. */
export interface PlatformFiles {
  /** The text of a file (UTF-8). Throws when it cannot be read or is larger than `maxBytes`. */
  readText(path: string, maxBytes: number): Promise<string>;
}

/** The DNS clients a runtime brings along; one of them is the default. */
export interface PlatformDns {
  /** `Deno.resolveDns`. */
  readonly deno?: DnsQuery;
  /** The `Resolver` of `node:dns`. */
  readonly node?: DnsQuery;
  /** The one to use when nothing is said; where there is none, it is DNS over HTTPS. */
  readonly default?: "deno" | "node";
  /** The SRV records of a name. Rejects where there are none, with the system's error or the signal's reason. */
  readonly srv?: (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]>;
}

/** Where a service is (RFC 2782). */
export interface SrvRecord {
  /** Lower is tried first. */
  readonly priority: number;
  /** How much of the traffic it is meant for, beside the others of its priority. */
  readonly weight: number;
  /** Where it listens. */
  readonly port: number;
  /** The name of a host. */
  readonly target: string;
}

/** Sends one query to one server. It rejects only when `signal` aborts: every other outcome is an answer. */
export type DnsQuery = (name: string, type: RecordType, options: DnsQueryOptions) => Promise<DnsAnswer>;

/** The record types a lookup of addresses needs. */
export type RecordType = "A" | "AAAA";

/** Whom to ask, and for how long. */
export interface DnsQueryOptions {
  /** The server to ask. @default the machine's own configuration */
  readonly server?: DnsServer;
  /** How long the query may take: after that nobody waits for it. */
  readonly timeoutMs: number;
  /** Ends the query early. */
  readonly signal?: AbortSignal;
}

/** A name server. */
export interface DnsServer {
  /** An IP literal. */
  readonly address: string;
  /** Where it listens. @default 53 */
  readonly port?: number;
}

/** What came of one query. */
export type DnsAnswer =
  /** There are addresses, at least one. */
  | { readonly verdict: "addresses"; readonly addresses: readonly string[]; readonly ttlMs?: number }
  /** The name does not exist (NXDOMAIN), or has no record of the type (NODATA). */
  | { readonly verdict: "nonexistent" | "empty"; readonly ttlMs?: number }
  /** The server failed or refused; or the client cannot tell that from the name's not existing. */
  | { readonly verdict: "failed" | "ambiguous"; readonly reason: string; readonly timedOut?: boolean };

/** What a process says of itself. */
export interface ProcessInfo {
  /** Process id. */
  readonly pid: number;
  /** The host's name; "" where it may not be read. */
  readonly hostname: string;
  /** The operating system and its release. */
  readonly os: string;
  /** The processor's architecture. */
  readonly arch: string;
  /** Since the process was started. */
  readonly uptimeMs: number;
  /** Resident memory. */
  readonly rssBytes: number;
  /** Live objects and garbage on the heap. */
  readonly heapUsedBytes: number;
  /** The heap's size. */
  readonly heapTotalBytes: number;
  /** Load averages of 1, 5 and 15 minutes, where the system has them. */
  readonly loadAverage?: readonly number[];
  /** Processors that may be used. */
  readonly cpus: number;
  /** Processor time used so far. */
  readonly cpuMs: number;
}
