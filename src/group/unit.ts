/**
 * A listener with all that belongs to it: its certificate, and what is served on it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log/mod.ts";
import type { PlatformFiles } from "../platform/port.ts";
import type { ListenAt, ListeningSocket, PlatformServers } from "../platform/server_port.ts";
import type { Stats } from "../stats/mod.ts";
import { AppService } from "./app_service.ts";
import { Certificate } from "./certificates.ts";
import { Listener } from "./listener.ts";
import type {
  AppOptions,
  BoundListener,
  FetchHandler,
  ListenerId,
  ServerSettings,
  ServerTls,
} from "./options.ts";
import { TlsFront } from "./tls_front.ts";
import { ServerCounts } from "./server_counts.ts";
import type { ServerSetEvent } from "./server_set.ts";
import type { ListenerPlan } from "./settings.ts";
import { StreamService } from "./stream_service.ts";

/** What a unit is made of. */
export interface UnitOptions {
  readonly plan: ListenerPlan;
  readonly settings: ServerSettings;
  readonly servers: PlatformServers;
  readonly files: PlatformFiles | undefined;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
  readonly wrap: ((fetch: FetchHandler, app: AppOptions) => FetchHandler) | undefined;
  readonly emit: (event: ServerSetEvent) => void;
  readonly onLeft: () => void;
}

/** A listener and what belongs to it. */
export interface Unit {
  readonly listener: Listener;
  readonly certificate: Certificate | undefined;
  readonly bound: BoundListener | undefined;
  /** How often its time limits need to be looked at. */
  readonly sweepMs: number;
  /** @throws the system's error, its `code` kept, with the listener's name in its text */
  open(at: ListenAt): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes a listener, not yet open.
 *
 * @throws {Error} when its certificate cannot be read, or is no good
 */
export async function createUnit(options: UnitOptions): Promise<Unit> {
  const { plan, settings, servers, clock, stats, log, emit, onLeft } = options;
  const { id } = plan;
  const given = "app" in plan ? plan.app : plan.stream;
  const counts = new ServerCounts(id.name, id.kind, stats, clock);
  const listener = new Listener({
    ...{ id, settings, counts, clock, onLeft },
    onRefused: (reason) => emit({ type: "refused", listener: id.name, reason }),
  });
  if ("app" in plan) {
    const fetch = options.wrap?.(plan.app.fetch, plan.app) ?? plan.app.fetch;
    listener.serve(new AppService({ fetch, listener, servers, clock, log }));
  } else listener.serve(new StreamService({ handler: plan.stream.handler, listener, clock, log }));
  const certificate = given.tls && createCertificate(given.tls, options);
  if (certificate !== undefined) {
    try {
      const http2 = servers.http2 && "app" in plan && plan.app.http2 !== false;
      const alpn = "app" in plan ? [...http2 ? ["h2"] : [], "http/1.1"] : [];
      const front = new TlsFront({
        tls: given.tls!,
        texts: await certificate.load(),
        alpn,
        listener,
        servers,
      });
      listener.tls = front.engine;
      certificate.watch(front.engine);
    } catch (error) {
      certificate.close();
      throw named(id.name, error);
    }
  }
  let bound: BoundListener | undefined;
  const observed = observe(listener, stats);

  return {
    listener,
    certificate,
    get bound() {
      return bound;
    },
    sweepMs: sweepEvery(settings),
    async open(at) {
      try {
        listener.bound = await servers.listen(at, (socket) => listener.accept(socket));
        bound = boundListener(id, listener.bound, certificate !== undefined);
      } catch (error) {
        throw named(id.name, error);
      }
    },
    async close() {
      certificate?.close();
      await listener.stop();
      listener.cut();
      for (const remove of observed) remove();
    },
  };
}

function createCertificate(
  tls: ServerTls,
  { plan, servers, files, clock, log, emit }: UnitOptions,
): Certificate {
  const listener = plan.id.name;
  return new Certificate({
    ...{ tls, servers, files, clock },
    onReloaded({ subject, expiresAt }) {
      log.info("a new certificate is in force", { listener, subject, expiresAt });
      emit({ type: "tls reloaded", listener, expiresAt });
    },
    onRefused(reason) {
      log.warn("the new certificate is no good: the one before stays", { listener, reason });
      emit({ type: "tls refused", listener, reason });
    },
  });
}

function observe(listener: Listener, stats: Stats): readonly (() => void)[] {
  const labels = { listener: listener.id.name };
  const gauge = (name: string, help: string, read: () => number) =>
    stats.observe(`servers.${name}`, { kind: "gauge", help, labels }, read);
  return [
    gauge("connections", "Connections open", () => listener.connections.size),
    gauge("waiting", "Connections in the accept queue", () => listener.waiting),
    gauge("in_flight", "Requests and streams under way", () => listener.inFlight),
  ];
}

/** Often enough that a limit is late by an eighth at most. */
function sweepEvery(settings: ServerSettings): number {
  const { headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs, requestTimeoutMs, sendTimeoutMs } = settings;
  const shortest = Math.min(headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs, requestTimeoutMs, sendTimeoutMs);
  return Math.min(1_000, Math.max(10, shortest / 8));
}

/** Where a listener listens, for whoever has to find it. */
export function boundListener(
  id: ListenerId,
  { hostname, port, path }: ListeningSocket,
  isSecure: boolean,
): BoundListener {
  const { name, kind } = id;
  const scheme = kind === "app" ? isSecure ? "https" : "http" : isSecure ? "tls" : "tcp";
  // Every address is not one that a client could be given.
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "[::1]" : bracketed(hostname);
  const url = port === undefined ? `unix:${path ?? ""}` : `${scheme}://${host}:${port}`;
  return { name, kind, hostname, port, path, url };
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** The same error, which says whose it is. */
function named(name: string, error: unknown): unknown {
  if (error instanceof Error) error.message = `listener "${name}": ${errorMessage(error)}`;
  return error;
}
