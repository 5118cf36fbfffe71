/**
 * All that one process listens on: HTTP apps and raw connections, within limits, until they are drained.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError, checkNumber } from "../errors.ts";
import { createEvents, type Events } from "../events.ts";
import { createLog, type Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import type { ListenAt } from "../platform/server_port.ts";
import { type Report, type Reporter, unknownAction } from "../report.ts";
import { createStats, type Stats } from "../stats/mod.ts";
import { drainListeners } from "./drain.ts";
import type {
  AppOptions,
  BoundListener,
  DrainReport,
  FetchHandler,
  ListenerId,
  ListenSource,
  ServerLimits,
  StreamOptions,
} from "./options.ts";
import type { RefusalReason } from "./server_counts.ts";
import { serverReport } from "./server_report.ts";
import { listenerSnapshot, type ServerSetSnapshot, type ServerSetState } from "./server_snapshot.ts";
import { fillIn, type ListenerPlan, planListeners } from "./settings.ts";
import { createUnit, type Unit } from "./unit.ts";

/** Options of {@linkcode createServerSet}. */
export interface ServerSetOptions {
  /** HTTP apps. @default none */
  readonly apps?: readonly AppOptions[] | undefined;
  /** Servers of raw connections. @default none */
  readonly streams?: readonly StreamOptions[] | undefined;
  /** What each listener takes on, unless it says otherwise. */
  readonly limits?: ServerLimits | undefined;
  /** Put around every app's handler: contexts, overload control. @default nothing */
  readonly wrap?: ((fetch: FetchHandler, app: AppOptions) => FetchHandler) | undefined;
  /** Time. @default the platform's */
  readonly clock?: Clock | undefined;
  /** Where it counts. @default statistics of its own */
  readonly stats?: Stats | undefined;
  /** Where records go. @default a log of its own, category `ballast.servers` */
  readonly log?: Log | undefined;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform | undefined;
}

/** What happens to a set, for programs. */
export type ServerSetEvent =
  /** A listener is open. */
  | { readonly type: "listening"; readonly listener: BoundListener }
  /** A connection or a request was refused, or cut, by a limit. */
  | { readonly type: "refused"; readonly listener: string; readonly reason: RefusalReason }
  /** A new certificate is in force. */
  | { readonly type: "tls reloaded"; readonly listener: string; readonly expiresAt: number }
  /** A new certificate is no good: the one before stays in force. */
  | { readonly type: "tls refused"; readonly listener: string; readonly reason: string }
  /** It accepts no more. */
  | { readonly type: "draining" }
  /** All that was under way is finished, or cut. */
  | { readonly type: "drained"; readonly report: DrainReport };

/** What one process listens on. */
export interface ServerSet extends Reporter, AsyncDisposable {
  /** What happens to it. */
  readonly events: Events<ServerSetEvent>;
  /** Where it listens. */
  readonly listeners: readonly BoundListener[];
  /** Where it is in its life. */
  readonly state: ServerSetState;
  /**
   * Binds every listener; where one fails none is left open. To be called once.
   *
   * @throws the system's error, its `code` kept, with the listener's name in its text
   */
  listen(source?: (listener: ListenerId) => ListenSource): Promise<readonly BoundListener[]>;
  /**
   * Stops accepting, finishes what is under way, and after `timeoutMs` cuts what is left. What was accepted before is served. Calls after
   * the first share its result.
   */
  drain(options: { readonly timeoutMs: number }): Promise<DrainReport>;
  /** Reads the certificates again now. One that is no good is refused, and the one before stays in force. */
  reloadTls(): Promise<void>;
  /**
   * Serves a connection that the supervisor accepted: the runtime's own socket, paused, of a listener whose source is "handed". It is
   * closed where the set drains.
   *
   * @throws {TypeError} when there is no such listener
   */
  accept(listener: string, socket: unknown): void;
  /** The runtime's own server of a listener, to be sent to another process; undefined where there is none. */
  handle(listener: string): unknown;
  /** What it does, as plain JSON. */
  snapshot(): ServerSetSnapshot;
  /** Ends at once whatever is under way. Safe to call twice. */
  close(): Promise<void>;
}

/** Connections of a listener where nothing is said, and the file limit is not known. */
const MAX_CONNECTIONS = 10_000;
/** The share of the files a process may open that is for the connections of its clients. */
const FILE_SHARE = 0.8;

/**
 * Makes a set of servers. Nothing is bound before `listen()`.
 *
 * @example An app, and a stream of lines
 * ```ts
 * import assert from "node:assert/strict";
 * import { createServerSet } from "@ballast/runtime/group";
 *
 * await using servers = createServerSet({
 *   apps: [{ name: "web", hostname: "127.0.0.1", fetch: () => new Response("hello") }],
 *   streams: [{ name: "echo", hostname: "127.0.0.1", handler: (lease) => lease.readable.pipeTo(lease.writable) }],
 *   limits: { maxConnectionsPerClient: 100, requestTimeoutMs: 5_000 },
 * });
 * const [web] = await servers.listen();
 * const response = await fetch(web!.url);
 * assert.equal(await response.text(), "hello");
 * const { cut } = await servers.drain({ timeoutMs: 1_000 });
 * assert.deepEqual(cut, {});
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 * @throws {BallastError} `UNSUPPORTED` where the runtime cannot listen
 */
export function createServerSet(options: ServerSetOptions): ServerSet {
  const { apps = [], streams = [], limits = {}, platform = detectPlatform() } = options;
  const { clock = platform.clock, stats = createStats({ clock }) } = options;
  const log = options.log ?? createLog({ category: ["ballast", "servers"], clock, stats });
  const plans = planListeners(apps, streams, limits);
  if (platform.servers === undefined) {
    throw new BallastError(
      "UNSUPPORTED",
      `${platform.name} has no sockets that listen: use its own way to serve`,
    );
  }
  const { servers } = platform;
  const events = createEvents<ServerSetEvent>();
  const units: Unit[] = [];
  const leavers = new Set<() => void>();
  let state: ServerSetState = "new";
  let sweep: Timer | undefined;
  let draining: Promise<DrainReport> | undefined;
  let closing: Promise<void> | undefined;

  async function listen(
    source: (listener: ListenerId) => ListenSource = () => ({ kind: "bind" }),
  ): Promise<readonly BoundListener[]> {
    if (state !== "new") {
      throw new BallastError("CLOSED", `these servers are ${state}: listen() is called once`);
    }
    state = "listening";
    const maxConnections = await placesEach(platform, plans.length);
    try {
      for (const plan of plans) {
        const unit = await createUnit({
          ...{ plan, settings: fillIn(plan.limits, maxConnections), servers, clock, stats, log },
          files: platform.files,
          wrap: options.wrap,
          emit: events.emit,
          onLeft: () => leavers.forEach((tell) => tell()),
        });
        units.push(unit);
        await unit.open(listenAt(plan, source(plan.id)));
        if (closing !== undefined) throw new BallastError("CLOSED", "these servers were closed");
      }
    } catch (error) {
      await close();
      throw error;
    }
    scheduleSweep();
    const bound = units.map((unit) => unit.bound!);
    for (const listener of bound) {
      log.info("listening", { listener: listener.name, url: listener.url });
      events.emit({ type: "listening", listener });
    }
    return bound;
  }

  /** One timer for all that may take too long, instead of one for each connection. */
  function scheduleSweep(): void {
    if (state === "closed") return;
    const everyMs = Math.min(...units.map(({ sweepMs }) => sweepMs), 1_000);
    sweep = clock.schedule(everyMs, () => {
      const now = clock.monotonic();
      for (const { listener } of units) listener.sweep(now);
      scheduleSweep();
    });
  }

  async function drain(timeoutMs: number): Promise<DrainReport> {
    state = "draining";
    events.emit({ type: "draining" });
    const report = await drainListeners(units.map(({ listener }) => listener), {
      ...{ timeoutMs, clock, platform },
      onLeft(listener) {
        leavers.add(listener);
        return () => void leavers.delete(listener);
      },
    });
    const cut = Object.keys(report.cut).length > 0;
    log[cut ? "warn" : "info"](cut ? "drained, and cut what did not finish" : "drained", { ...report });
    events.emit({ type: "drained", report });
    await close();
    return report;
  }

  function close(): Promise<void> {
    return closing ??= (async () => {
      state = "closed";
      sweep?.cancel();
      await Promise.all(units.map((unit) => unit.close()));
      events.close();
    })();
  }

  function snapshot(): ServerSetSnapshot {
    const listeners = units.map(({ listener, bound, certificate }) =>
      listenerSnapshot(listener, bound?.url ?? "", certificate)
    );
    return { at: clock.now(), state, listeners };
  }

  return {
    events,
    listen,
    snapshot,
    close,
    get listeners() {
      return units.flatMap(({ bound }) => bound ?? []);
    },
    get state() {
      return state;
    },
    drain({ timeoutMs }) {
      checkNumber("timeoutMs", timeoutMs);
      if (draining === undefined && closing !== undefined) {
        return Promise.resolve({ finished: 0, cut: {}, tookMs: 0 });
      }
      return draining ??= drain(timeoutMs);
    },
    async reloadTls() {
      await Promise.all(units.map(({ certificate }) => certificate?.reload()));
    },
    accept(name, socket) {
      const bound = units.find(({ listener }) => listener.id.name === name)?.listener.bound;
      if (bound?.take === undefined) {
        throw new TypeError(`there is no listener "${name}" that connections are handed to`);
      }
      bound.take(socket);
    },
    handle: (name) => units.find(({ listener }) => listener.id.name === name)?.listener.bound?.handle,
    report: (): Report => serverReport(snapshot()),
    act(id) {
      throw unknownAction("servers", id);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** What the file limit leaves for each listener. */
async function placesEach(platform: Platform, listeners: number): Promise<number> {
  const files = await platform.net?.fileLimit().catch(() => undefined);
  if (files === undefined) return MAX_CONNECTIONS;
  return Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor(files * FILE_SHARE / Math.max(1, listeners))));
}

function listenAt({ id }: ListenerPlan, source: ListenSource): ListenAt {
  if (source.kind === "fd" || source.kind === "handle") return source;
  if (source.kind === "handed") {
    return { kind: "handed", hostname: id.hostname, port: source.port, path: id.path };
  }
  if (id.path !== undefined) return { kind: "unix", path: id.path };
  const reusePort = source.kind === "bind" && source.reusePort === true;
  return { kind: "tcp", hostname: id.hostname, port: id.port ?? 0, reusePort };
}
