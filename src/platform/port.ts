/**
 * What Ballast asks of a runtime. Types only: `deno.ts`, `node.ts` and `web.ts` implement it, `detect.ts` picks one, and
 * `createRuntime({ platform })` overrides the choice.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { PlatformProcesses } from "./process_port.ts";
import type { PlatformServers } from "./server_port.ts";

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
   * was.
   */
  nextPoll?(arrivals: () => number): Promise<void>;
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

/** The threads a runtime can start, and what a module can find out about its own. */
export interface PlatformWorkers {
  /** The kinds of thread there are, the preferred first. */
  readonly backends: readonly WorkerBackend[];
  /** Processors that may be used. */
  cpus(): number;
  /** The module that this program was started with, where that can be known and `import.meta.main` does not say it. */
  entry(): string | undefined;
  /** What a thread of ours can say to the one that started it; undefined in every other thread. */
  parent(): ParentLink | undefined;
  /** Live objects and garbage on the heap of this thread alone. */
  heapUsedBytes(): number | undefined;
}

/** A kind of thread. */
export interface WorkerBackend {
  /** Web Workers, or those of `node:worker_threads`. */
  readonly name: "web" | "threads";
  /** Whether a thread that runs out of memory ends alone; otherwise it takes the process with it. */
  readonly containsMemory: boolean;
  /** Whether a thread may end without anybody being told. */
  readonly mayDieSilently: boolean;
  /** Whether `terminate()` ends a thread that computes without a pause; otherwise that goes on computing, for nobody. */
  readonly endsBusy: boolean;
  /** Whether `onEnd` is called for a thread that ends by itself. */
  readonly tellsExit: boolean;
  /** Starts a thread. */
  spawn(options: SpawnOptions): WorkerHandle;
}

/** How a thread is started. */
export interface SpawnOptions {
  /** The module it runs. */
  readonly url: string;
  /** What it is called; it begins with the mark by which the thread knows whose it is. */
  readonly name: string;
  /** What its heap may grow to. @default the runtime's own limit */
  readonly maxHeapBytes?: number;
  /** Takes what the thread's {@linkcode ParentLink} posts. */
  readonly onMessage: (data: unknown) => void;
  /** Called once when the thread is known to have ended: by an error that nobody caught, or by itself. */
  readonly onEnd: (end: WorkerEnd) => void;
}

/** Why a thread ended. */
export interface WorkerEnd {
  /** What was thrown and not caught. */
  readonly error?: unknown;
  /** What it exited with, where that is known. */
  readonly exitCode?: number;
}

/** What a message can hand over instead of copying it: an `ArrayBuffer`, a `MessagePort`, a stream. */
export type Transfer = object;

/** One end of a channel: what is used of a `MessagePort`, whose type not every runtime's declarations have. */
export interface ChannelPort {
  /** Takes what the other end sends. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** Sends the other end something. */
  postMessage(message: unknown, transfer?: Transfer[]): void;
  /** Ends the channel. */
  close(): void;
  /** Has the process stay alive for it, where that can be said. */
  ref?(): void;
  /** Lets the process end in spite of it. */
  unref?(): void;
}

/** A thread, from outside. */
export interface WorkerHandle {
  /** Sends the thread something. */
  post(message: unknown, transfer: readonly Transfer[]): void;
  /** Ends the thread, whatever it is doing. */
  terminate(): void;
  /** The process need not stay alive for the thread from now on. */
  unref(): void;
}

/** The way from a thread to the one that started it. */
export interface ParentLink {
  /** Sends it something. */
  post(message: unknown): void;
  /** Takes the first message that it sends. */
  onceMessage(listener: (data: unknown) => void): void;
  /** Tells of what nobody catches, just before the thread ends for it. */
  onFatal(listener: (error: unknown) => void): void;
  /** Tells just before the thread ends because something in it asked for that, where it can be told. */
  onExit(listener: () => void): void;
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

/** Sockets. */
export interface PlatformNet {
  /** Whether unix sockets can be connected to. */
  readonly unixSockets: boolean;
  /**
   * Opens a connection to one address. Rejects with the system's error, its `code` kept, or with the signal's reason:
   * nothing is left open then.
   */
  connect(to: SocketTarget, signal: AbortSignal): Promise<PlatformSocket>;
  /**
   * TLS over an open connection. Rejects as `connect` does, and the connection below is destroyed then. Who reads and
   * writes from now on uses the socket that this gives.
   */
  startTls(socket: PlatformSocket, options: TlsHandshake, signal: AbortSignal): Promise<PlatformSocket>;
  /**
   * A stream for clients that open their own: Node's `Duplex` with the face of a `net.Socket`. `open` gives the runtime's own
   * stream (`handOver`) and is called when it is first used; its signal aborts where the stream is destroyed before.
   */
  lazyStream?(open: (signal: AbortSignal) => Promise<unknown>): unknown;
  /** Files the process may have open; undefined where that may not be read. */
  fileLimit(): Promise<number | undefined>;
}

/** What a socket is connected to. */
export type SocketTarget =
  | { readonly transport: "tcp"; readonly address: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** How a TLS handshake is made. Certificates and keys are PEM. */
export interface TlsHandshake {
  /** Sent to the peer (SNI), and what its certificate is verified for. */
  readonly serverName: string;
  /** Certificate authorities, in place of the machine's. */
  readonly ca?: string | readonly string[];
  /** The client's certificate, and whatever leads to its authority. */
  readonly cert?: string;
  /** The client's key. */
  readonly key?: string;
  /** The lowest version that will do. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** Protocols offered, the best first (ALPN). */
  readonly alpn?: readonly string[];
  /** Whether the peer's certificate need not be verified. */
  readonly insecure?: boolean;
}

/** An open connection: bytes both ways. One reader at a time. */
export interface PlatformSocket {
  /** `10.0.0.4:5432`, `[::1]:6379`, or the path of a unix socket; "" where it is not known. */
  readonly localAddress: string;
  /** As `localAddress`, of the peer. */
  readonly remoteAddress: string;
  /** The protocol agreed on in the TLS handshake. */
  readonly alpn: string | undefined;
  /** The next bytes, at least one; undefined once the peer has ended. The signal ends the wait, and no byte is lost. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Sends bytes; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends the end; reading goes on. */
  end(): Promise<void>;
  /** Closes it at once, whatever is under way. Safe to call twice. */
  destroy(): void;
  /**
   * Whether somebody else may use it: it is open both ways, there is nothing to read, and no read or write is under way.
   * Cheap: it is asked every time a connection changes hands.
   */
  readonly quiet: boolean;
  /**
   * Calls `listener` every time that there may be news: bytes to read, the end, an error. Nothing is consumed. There is one
   * listener: the last one given.
   */
  onNews(listener: () => void): void;
  /** Calls `listener` once when it is closed, or was already; also after it was handed over. */
  onClose(listener: () => void): void;
  /** Says whether it keeps the process alive. */
  hold(alive: boolean): void;
  /** The runtime's own stream, for a protocol's client that is kept with the connection and reads from it only when asked to. */
  readonly stream: unknown;
  /** The runtime's own stream, for clients that bring their own reader: it is theirs alone from then on. */
  handOver(): unknown;
}

/** What a runtime tells the monitor of itself. */
export interface PlatformMonitor {
  /** Memory and processor time now: cheap enough for once a second, never throws. */
  usage(): ProcessUsage;
  /** What holds the event loop open, counted by kind; left out where the runtime does not tell. */
  resources?(): Readonly<Record<string, number>>;
  /** How the stack of what blocks the thread is found; left out where there is no way. */
  readonly stacks?: StackWatcher;
}

/** What a process uses; a value that is not told is left out. */
export interface ProcessUsage {
  /** Resident memory. */
  readonly rssBytes?: number;
  /** Live objects and garbage on the heap. */
  readonly heapUsedBytes?: number;
  /** The heap's size. */
  readonly heapTotalBytes?: number;
  /** What the heap may grow to. */
  readonly heapLimitBytes?: number;
  /** Memory outside of the heap that belongs to objects on it. */
  readonly externalBytes?: number;
  /** Of that, array buffers. */
  readonly arrayBuffersBytes?: number;
  /** Processor time used so far, by all threads. */
  readonly cpuMs?: number;
}

/** A way to find the stack of what blocks the thread. */
export interface StackWatcher {
  /** How it is done: `watchdog` (a thread that looks on and stops this one for a moment) or `profiler` (samples, read afterwards). */
  readonly method: "watchdog" | "profiler";
  /** Whether it may be started unasked, after a first pause. */
  readonly unasked: boolean;
  /** Starts to watch. @throws {Error} when the runtime refuses, for want of a permission */
  watch(options: StackWatchOptions): StackWatch;
}

/** What a watch has to know. */
export interface StackWatchOptions {
  /** Between two beats. */
  readonly intervalMs: number;
  /** How long the thread must be silent beyond that to be blocked. */
  readonly pauseMs: number;
  /** Called with what blocked: after the beat named, before the next one. */
  readonly onStack: (beat: number, stack: BlockedStack) => void;
  /** Called when it cannot go on; it is closed then. */
  readonly onFailure: (reason: string) => void;
}

/** A watch that is kept. It keeps no process alive. */
export interface StackWatch {
  /** Says that the loop turns; `beat` grows by one each time. */
  beat(beat: number): void;
  /** Says that the loop was blocked after `beat`, until now, for `blockedMs` at least. */
  paused(beat: number, blockedMs: number): void;
  /** Leaves no thread and no session. Safe to call twice. */
  close(): void;
}

/** Where the thread was while it was blocked. */
export interface BlockedStack {
  /** The innermost call first: `name (file:line:column)`. */
  readonly frames: readonly string[];
  /** How many samples were in the innermost function that is not the runtime's, or below it; 1 of 1 where there is but one. */
  readonly samples: number;
  /** Samples in all. */
  readonly of: number;
}
