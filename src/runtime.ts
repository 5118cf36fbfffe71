/**
 * The composition root: one call makes every part and connects them.
 *
 * @module
 */

import { type Aliases, checkTable, hostsOf } from "./connections/directory.ts";
import {
  type ConnectionManager,
  type ConnectionManagerOptions,
  createConnectionManager,
  createFetch,
  type EndpointTable,
  type Fetch,
  type FetchOptions,
} from "./connections/mod.ts";
import { type Config, type Context, createContext, currentTrace, type Locals } from "./context/mod.ts";
import { createDnsCache, type DnsCache, type DnsCacheOptions, type PreresolveReport } from "./dns/mod.ts";
import { systemClock } from "./clock.ts";
import { BallastError } from "./errors.ts";
import { createLog, type Log, type LogOptions } from "./log/mod.ts";
import { createShedder, type Shedder, type ShedderOptions } from "./overload/mod.ts";
import { detectPlatform } from "./platform/detect.ts";
import type { Platform } from "./platform/port.ts";
import { createReports, type Reports } from "./reports.ts";
import {
  createMonitor,
  createStats,
  type Monitor,
  type MonitorOptions,
  type Stats,
  type StatsOptions,
} from "./stats/mod.ts";
import { type Topology, type TopologyOptions, type TopologyWatcher, watchTopology } from "./topology/mod.ts";
import type { Workers, WorkersOptions } from "./workers/mod.ts";
import { createWorkers, useWorkers } from "./workers/workers.ts";

/** Options of {@linkcode createRuntime}. Every one may be left out. */
export interface RuntimeOptions {
  /** What this service is called, in logs and on pages. @default "ballast" */
  readonly name?: string;
  /**
   * Settings, for whoever runs within `runtime.context`: of `defineConfig`, whose listing the page of contexts shows; or any record,
   * whose values are never shown.
   *
   * @default {}
   */
  readonly config?: Config<object> | Readonly<Record<string, unknown>>;
  /** Locals that all work of this service inherits. @default none */
  readonly locals?: Locals;
  /** Options of the DNS cache. Clock, statistics and log are the runtime's unless given here. */
  readonly dns?: DnsCacheOptions;
  /** Options of the connection manager. DNS, clock, statistics and log are the runtime's unless given here. */
  readonly connections?: ConnectionManagerOptions;
  /** Options of `fetch`. */
  readonly fetch?: FetchOptions;
  /**
   * Where the topology is read from. Its hosts, endpoints and aliases are added to those of the options, and win over them; the
   * names it says are preresolved, those of its endpoints included.
   *
   * @default there is none
   */
  readonly topology?: TopologyOptions;
  /** Options of the workers. */
  readonly workers?: WorkersOptions;
  /** Options of the overload control. Clock, statistics and log are the runtime's unless given here. */
  readonly overload?: ShedderOptions;
  /** Options of the statistics. */
  readonly stats?: StatsOptions;
  /**
   * Options of the monitor of the event loop and the process; `false` for none.
   *
   * @default it runs where there is a process to look at, but not in time that is moved by hand
   */
  readonly monitor?: MonitorOptions | false;
  /** Options of the log; a `@std/log` or LogTape logger goes into `logger`. */
  readonly log?: LogOptions;
  /** The runtime to stand on, its time and network included. @default the one this runs on */
  readonly platform?: Platform;
}

/** Where a runtime is in its life. */
export type RuntimeState = "starting" | "ready" | "closing" | "closed";

/** What came of getting ready. */
export interface ReadyReport {
  /** The names of `dns.preresolve`, those of the endpoints, and those of the topology. */
  readonly dns: PreresolveReport;
}

/** Everything a service stands on. */
export interface Runtime extends AsyncDisposable {
  /** What this service is called. */
  readonly name: string;
  /** Where it is in its life. */
  readonly state: RuntimeState;
  /** When it was made, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** What it runs on. */
  readonly platform: Platform;
  /** What would otherwise be global, in the registry of contexts under the runtime's name. */
  readonly context: Context;
  /** Names to addresses. */
  readonly dns: DnsCache;
  /** Logical names to connections. */
  readonly connections: ConnectionManager;
  /** `fetch` over those connections: endpoint names are hosts. */
  readonly fetch: Fetch;
  /** The topology, if one was asked for. */
  readonly topology: TopologyWatcher | undefined;
  /** Runs, elsewhere, what is called within the runtime's context. Without a call there is no worker. */
  readonly workers: Workers;
  /** Overload control: `app.use(runtime.overload.middleware())`, or `runtime.overload.wrap(fetch)`. */
  readonly overload: Shedder;
  /** The statistics of all parts. */
  readonly stats: Stats;
  /** The event loop and the process; undefined where there is no monitor. */
  readonly monitor: Monitor | undefined;
  /** The log of all parts. */
  readonly log: Log;
  /** What every part says of itself; add your own. */
  readonly reports: Reports;
  /**
   * Resolves once the topology, if there is one, has been read and the names of `dns.preresolve` have been tried. Neither a name
   * that fails nor a bad topology stops anything: they are reported, and tried again in the background. Calls after the first share its result.
   *
   * @throws {BallastError} `CLOSED` after `close()`
   */
  ready(): Promise<ReadyReport>;
  /** Ends every part: no query, timer or listener is left, and the process may exit. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Makes a runtime.
 *
 * @example A service whose names are warm before its first request
 * ```ts
 * import assert from "node:assert/strict";
 * import { createRuntime } from "@ballast/runtime";
 *
 * await using runtime = createRuntime({ name: "shop", dns: { hosts: { "db.internal": ["10.0.0.4"] } } });
 * await runtime.ready();
 * assert.equal(runtime.state, "ready");
 * assert.equal((await runtime.dns.resolve("db.internal"))[0].address, "10.0.0.4");
 * ```
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { name = "ballast", platform = detectPlatform() } = options;
  const { clock } = platform;
  const stats = createStats({ clock, traceId: () => currentTrace()?.traceId, ...options.stats });
  const log = createLog({ clock, stats, ambient: traceFields, ...options.log });
  const dns = createDnsCache({ platform, stats, log: log.child("dns"), ...options.dns });
  const connections = createConnectionManager({
    platform,
    dns,
    stats,
    log: log.child("connections"),
    clock,
    ...options.connections,
  });
  const fetch = createFetch(connections, { platform, clock, log: log.child("fetch"), ...options.fetch });
  const { defaults } = options.connections ?? {};
  let table = {
    endpoints: options.connections?.endpoints ?? {},
    aliases: options.connections?.aliases ?? {},
  };
  const topology = options.topology && watchTopology({
    platform,
    log: log.child("topology"),
    ...options.topology,
    check(topology) {
      const { endpoints, aliases } = merge(options.connections, topology);
      checkTable(endpoints, aliases, defaults);
      options.topology?.check?.(topology);
    },
  });
  const overload = createShedder({ platform, stats, log: log.child("overload"), ...options.overload });
  topology?.events.subscribe((event) => {
    if (event.type !== "applied") return;
    dns.setHosts({ ...options.dns?.hosts, ...event.topology.hosts });
    table = merge(options.connections, event.topology);
    connections.setEndpoints(table.endpoints, table.aliases);
    void dns.preresolve(event.topology.preresolve);
  });
  const { config, locals } = options;
  const storage = options.platform?.createStorage();
  const context = createContext({ name, config, locals, clock, stats, log, storage });
  const workers = createWorkers(options.workers, { platform, clock, stats, log, context: name });
  useWorkers(context, workers);
  const reports = createReports();
  reports.add("dns", dns);
  reports.add("connections", connections);
  if (topology) reports.add("topology", topology);
  reports.add("overload", overload);
  reports.add("context", context);
  reports.add("workers", workers);
  reports.add("stats", stats);
  reports.add("log", log);
  const monitor = startMonitor(options, platform, stats);
  if (monitor) reports.add("monitor", monitor);

  let state: RuntimeState = "starting";
  let becomingReady: Promise<ReadyReport> | undefined;
  let report: ReadyReport | undefined;
  let closing: Promise<void> | undefined;

  async function getReady(): Promise<ReadyReport> {
    if (report !== undefined) return report;
    await topology?.reload();
    const settings = checkTable(table.endpoints, table.aliases, defaults);
    const names = [
      ...options.dns?.preresolve ?? [],
      ...topology?.current?.preresolve ?? [],
      ...[...settings.values()].flatMap(hostsOf),
    ];
    const preresolved = await dns.preresolve(names);
    if (state === "closing" || state === "closed") throw closedError(name);
    state = "ready";
    const { resolved, failed, tookMs } = preresolved;
    const fields = {
      resolved: resolved.length,
      failed: failed.map((failure) => failure.name),
      tookMs: Math.round(tookMs),
    };
    if (failed.length > 0) log.warn("ready, but some names do not resolve yet", fields);
    else log.info("ready", fields);
    return report = { dns: preresolved };
  }

  async function end(): Promise<void> {
    state = "closing";
    overload.close();
    // What others stand on ends last.
    await Promise.all([topology?.close(), connections.close(), monitor?.close(), workers.close()]);
    await dns.close();
    context.close();
    await log.close();
    state = "closed";
  }

  return {
    name,
    startedAt: clock.now(),
    platform,
    context,
    dns,
    connections,
    fetch,
    topology,
    workers,
    overload,
    stats,
    monitor,
    log,
    reports,
    get state() {
      return state;
    },
    ready() {
      if (closing !== undefined) return Promise.reject(closedError(name));
      // No request may wait for what another one began, where it may end with that.
      return clock.catchUp ? getReady() : becomingReady ??= getReady();
    },
    close: () => closing ??= end(),
    [Symbol.asyncDispose]: () => closing ??= end(),
  };
}

function startMonitor(
  { monitor }: RuntimeOptions,
  platform: Platform,
  stats: Stats,
): Monitor | undefined {
  const isWanted = monitor ?? (platform.clock === systemClock && platform.monitor ? {} : false);
  return isWanted === false ? undefined : createMonitor({ platform, stats, ...isWanted });
}

/** What ties the records of one request together, in this process and beyond. */
function traceFields(): { readonly traceId: string; readonly spanId: string } | undefined {
  const trace = currentTrace();
  return trace && { traceId: trace.traceId, spanId: trace.spanId };
}

function closedError(name: string): BallastError {
  return new BallastError("CLOSED", `the runtime "${name}" is closed`);
}

/** Endpoints and aliases of the options and of a topology. Where both have a name, it means what the topology says. */
function merge(
  { endpoints = {}, aliases = {} }: ConnectionManagerOptions = {},
  topology: Topology,
): { readonly endpoints: EndpointTable; readonly aliases: Aliases } {
  const own = Object.entries(endpoints).filter(([name]) => !Object.hasOwn(topology.aliases, name));
  const table = { ...Object.fromEntries(own), ...topology.endpoints };
  const names = Object.entries(aliases).filter(([alias, name]) =>
    !Object.hasOwn(topology.endpoints, alias) && Object.hasOwn(table, name)
  );
  return { endpoints: table, aliases: { ...Object.fromEntries(names), ...topology.aliases } };
}
