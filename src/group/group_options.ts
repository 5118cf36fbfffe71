/**
 * The options of a group, and what is wrong with them.
 *
 * @module
 */

import type { RequestContextOptions } from "../context/mod.ts";
import { BallastError, checkInteger, checkNumber, show } from "../errors.ts";
import type { Platform } from "../platform/port.ts";
import type { PlatformProcesses } from "../platform/process_port.ts";
import type { Runtime, RuntimeOptions } from "../runtime.ts";
import type { AppOptions, ServerLimits, StreamOptions } from "./options.ts";
import type { RecycleLimits } from "./recycling.ts";
import type { BrakeOptions } from "./restart_brake.ts";

/** Options of {@linkcode createGroup}. There has to be an app or a stream; every other may be left out. */
export interface GroupOptions extends RecycleLimits {
  /** What the service is called, in logs and on pages. @default the runtime's name */
  readonly name?: string | undefined;
  /** HTTP apps: anything with a `fetch`, each on a port of its own. @default none */
  readonly apps?: readonly AppOptions[] | undefined;
  /** Servers of raw connections. @default none */
  readonly streams?: readonly StreamOptions[] | undefined;
  /** Where the meta app is served; false for not at all. @default false */
  readonly meta?: GroupMetaOptions | false | undefined;
  /**
   * Children that share the ports. With 2 or more this process supervises, and serves nothing itself but the meta app; with 0 or 1 it
   * serves, and there are no children.
   *
   * @default 0
   */
  readonly workers?: number | undefined;
  /** The runtime that the apps use, or the options of one that is made. @default {} */
  readonly runtime?: Runtime | RuntimeOptions | undefined;
  /** Whether each app is behind `runtime.overload`. @default true */
  readonly overload?: boolean | undefined;
  /** How requests are given their contexts: deadlines, whose headers are trusted. @default {} */
  readonly requests?: RequestContextOptions | undefined;
  /**
   * Whether every app answers `/livez` and `/readyz` on its own port, before overload control. With a function, `/readyz` asks that
   * as well: 503 when it gives false, throws, or takes longer than a second.
   *
   * @default false
   */
  readonly health?: boolean | (() => boolean | Promise<boolean>) | undefined;
  /** What each listener takes on; `acceptQueueMaxLength` also bounds what waits in the supervisor for a child. */
  readonly limits?: ServerLimits | undefined;
  /**
   * A child whose resident memory stays above this is replaced. Of this and the two that follow up to a tenth is taken off by chance,
   * so that children that were started together are not due together. It takes children: `workers` of 2 or more.
   *
   * @default none is
   */
  readonly maxMemoryBytes?: number | undefined;
  /** A child that has lived for so many milliseconds is replaced. @default none is */
  readonly maxAgeMs?: number | undefined;
  /** A child that has served so many requests is replaced. @default none is */
  readonly maxRequests?: number | undefined;
  /** What requests under way may take to finish, once the process or the child is to end; then they are cut. @default 10_000 */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * After a signal to end, `/readyz` says so for this long before the group stops to accept: for load balancers that look only so
   * often. Kubernetes needs about 5 s, here or as a `preStop`.
   *
   * @default 0
   */
  readonly drainDelayMs?: number | undefined;
  /** What a child may take to become ready; then it is killed, which counts as a crash. @default 60_000 */
  readonly startTimeoutMs?: number | undefined;
  /** Between two heartbeats of a child. @default 1_000 */
  readonly heartbeatMs?: number | undefined;
  /** A child that is not heard of for so long is stuck: it is killed and replaced. @default 10_000 */
  readonly stuckMs?: number | undefined;
  /** How many crashes end the group. @default 5 within 10 s, or one more than there are children */
  readonly restarts?: BrakeOptions | undefined;
  /** Called in each child before it listens: what a child opens for itself is opened here. What it throws keeps the child from starting. */
  readonly onChildStart?: ((child: ChildInfo) => void | Promise<void>) | undefined;
  /**
   * Whether the process minds its signals: SIGTERM and SIGINT end the group when requests under way are finished, a second one ends it at
   * once, SIGHUP restarts the children one by one.
   *
   * @default true
   */
  readonly signals?: boolean | undefined;
  /** The runtime to stand on. @default that of the runtime given, or the one this runs on */
  readonly platform?: Platform | undefined;
}

/** Where and for whom the meta app is served. */
export interface GroupMetaOptions {
  /** 0 for one that is free. @default 8889 */
  readonly port?: number | undefined;
  /** The address to listen on. @default "127.0.0.1": nobody else's */
  readonly host?: string | undefined;
  /** What it asks of who looks: see `createMetaApp`. @default nothing, and there are no actions */
  readonly token?: string | undefined;
  /** Names it answers to beside `localhost` and IP addresses. @default [] */
  readonly hosts?: readonly string[] | undefined;
}

/** Which child this is. */
export interface ChildInfo {
  /** Its number: 1 and up, no two have the same. */
  readonly id: number;
  /** Its process. */
  readonly pid: number;
  /** The group's name. */
  readonly group: string;
}

/** The options of a group with nothing left open. */
export interface GroupSettings {
  readonly apps: readonly AppOptions[];
  readonly streams: readonly StreamOptions[];
  readonly limits: ServerLimits;
  readonly workers: number;
  readonly recycle: RecycleLimits;
  readonly brake: BrakeOptions;
  readonly overload: boolean;
  readonly health: boolean | (() => boolean | Promise<boolean>);
  readonly requests: RequestContextOptions;
  readonly meta: GroupMetaOptions | false;
  readonly signals: boolean;
  readonly drainTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly startTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly stuckMs: number;
  readonly maxWaiting: number;
  readonly onChildStart: ((child: ChildInfo) => void | Promise<void>) | undefined;
}

/** Of a day: none of the times of a group is longer. */
const DAY_MS = 86_400_000;

/**
 * The options, held to what makes sense.
 *
 * @throws {TypeError | RangeError} when one makes none
 */
export function readOptions(options: GroupOptions): GroupSettings {
  const { apps = [], streams = [], limits = {}, health = false, meta = false } = options;
  if (apps.length + streams.length === 0) {
    throw new TypeError("a group needs something to serve: give apps or streams");
  }
  for (const app of apps) {
    if (typeof app?.fetch !== "function") throw new TypeError(`an app must have a fetch, got ${show(app)}`);
  }
  for (const stream of streams) {
    if (typeof stream?.handler !== "function") {
      throw new TypeError(`a stream must have a handler, got ${show(stream)}`);
    }
  }
  const ms = (name: "drainTimeoutMs" | "drainDelayMs" | "startTimeoutMs", otherwise: number) =>
    checkNumber(name, options[name] ?? otherwise, { max: DAY_MS });
  const heartbeatMs = checkNumber("heartbeatMs", options.heartbeatMs ?? 1_000, { min: 10, max: 60_000 });
  const workers = checkInteger("workers", options.workers ?? 0, { max: 1_024 });
  const { crashes, withinMs } = options.restarts ?? {};
  return {
    apps,
    streams,
    limits,
    workers,
    recycle: checkLimits(options),
    brake: {
      ...(crashes !== undefined && { crashes: checkInteger("restarts.crashes", crashes, { min: 1 }) }),
      ...(withinMs !== undefined &&
        { withinMs: checkNumber("restarts.withinMs", withinMs, { max: DAY_MS }) }),
    },
    overload: options.overload ?? true,
    health,
    requests: options.requests ?? {},
    meta,
    signals: options.signals ?? true,
    drainTimeoutMs: ms("drainTimeoutMs", 10_000),
    drainDelayMs: ms("drainDelayMs", 0),
    startTimeoutMs: ms("startTimeoutMs", 60_000),
    heartbeatMs,
    stuckMs: checkNumber("stuckMs", options.stuckMs ?? 10_000, { min: 2 * heartbeatMs, max: DAY_MS }),
    maxWaiting: checkInteger("limits.acceptQueueMaxLength", limits.acceptQueueMaxLength ?? 128),
    onChildStart: options.onChildStart,
  };
}

function checkLimits({ maxMemoryBytes, maxAgeMs, maxRequests }: RecycleLimits): RecycleLimits {
  if (maxMemoryBytes !== undefined) checkNumber("maxMemoryBytes", maxMemoryBytes, { min: 2 ** 20 });
  if (maxAgeMs !== undefined) checkNumber("maxAgeMs", maxAgeMs, { min: 100 });
  if (maxRequests !== undefined) checkInteger("maxRequests", maxRequests, { min: 1 });
  return { maxMemoryBytes, maxAgeMs, maxRequests };
}

/** The processes of a platform. @throws {BallastError} `UNSUPPORTED` where there are none */
export function processesOf(platform: Platform): PlatformProcesses {
  if (platform.processes !== undefined && platform.servers !== undefined) return platform.processes;
  throw new BallastError(
    "UNSUPPORTED",
    `a server group needs processes and listeners, and the platform "${platform.name}" has none: ` +
      "export the app's fetch, and let the runtime serve it",
  );
}
