/**
 * A small authoritative DNS server, over UDP and TCP, whose zone and whose failures can be changed while it runs. The
 * demo resolves its backends through it, and the tests of the DNS cache ask it questions.
 *
 * Where to read on: `dns_wire.ts` reads and writes messages, `dns_zone.ts` finds the answer, `dns_fault.ts` spoils it,
 * `dns_respond.ts` puts the three together; here are the sockets.
 *
 * @example Answer for one name, then fail
 * ```ts
 * import assert from "node:assert/strict";
 * import { Resolver } from "node:dns/promises";
 * import { startDnsServer } from "./dns_server.ts";
 *
 * const server = await startDnsServer({ zone: { "api.demo.test": { a: ["127.0.0.1"], ttl: 0 } } });
 * const resolver = new Resolver();
 * resolver.setServers([`${server.address}:${server.port}`]);
 * assert.deepEqual(await resolver.resolve4("api.demo.test"), ["127.0.0.1"]);
 *
 * server.setFault({ mode: "servfail" });
 * await assert.rejects(resolver.resolve4("api.demo.test"));
 * assert.equal(server.log.at(-1)?.outcome, "servfail");
 * await server.close();
 * ```
 *
 * @module
 */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, isIP, isIPv6 } from "node:net";
import { machineClock, type ServerClock } from "./dns_clock.ts";
import { checkFault, type DnsFault, NO_FAULT } from "./dns_fault.ts";
import { createDnsLog, type DnsCounters, type DnsLogEntry } from "./dns_log.ts";
import { respond, type Transport } from "./dns_respond.ts";
import { createTcpListener, type TcpListener } from "./dns_tcp.ts";
import { commonOrigin, createZone, type ZoneData } from "./dns_zone.ts";

export type { ServerClock } from "./dns_clock.ts";
export type { DnsFault } from "./dns_fault.ts";
export type { DnsCounters, DnsLogEntry } from "./dns_log.ts";
export type { DnsOutcome, Transport } from "./dns_respond.ts";
export type { ZoneData, ZoneEntry } from "./dns_zone.ts";

/** How the server is started. */
export interface DnsServerOptions {
  /** The names it knows. */
  readonly zone: ZoneData;
  /**
   * The apex of the zone: names at and below it are answered for, all others refused.
   *
   * @default what the names have in common; the parent of a name that is alone; `demo.test` for an empty zone
   */
  readonly origin?: string;
  /** UDP and TCP port; 0 picks one that is free on both. @default 0 */
  readonly port?: number;
  /** The IP address to listen on. @default "127.0.0.1" */
  readonly hostname?: string;
  /** TCP connections without a query for this long are closed. @default 10000 */
  readonly idleTimeoutMs?: number;
  /** Times the log, delays and idle connections. @default the machine's clock */
  readonly clock?: ServerClock;
  /** Is told of every query, when it comes. What it throws is ignored. */
  readonly onQuery?: (entry: DnsLogEntry) => void;
}

/** A running server. */
export interface EmbeddedDnsServer extends AsyncDisposable {
  /** The IP address it listens on. */
  readonly address: string;
  /** Its port, for UDP and TCP. */
  readonly port: number;
  /** The apex of its zone. */
  readonly origin: string;
  /** The fault that is switched on. */
  readonly fault: DnsFault;
  /** Queries so far, by outcome. */
  readonly queries: DnsCounters;
  /** The last 256 queries, oldest first. */
  readonly log: readonly DnsLogEntry[];
  /**
   * Replaces the zone; the apex stays.
   *
   * @throws {TypeError} when it is not valid: then the old one stays
   */
  setZone(zone: ZoneData): void;
  /**
   * Replaces the fault, for queries from now on: a reply held by the one before is still sent.
   *
   * @throws {TypeError} when there is no such fault: then the old one stays
   */
  setFault(fault: DnsFault): void;
  /** Stops at once: connections are ended, replies still held are never sent. Safe to call twice. */
  close(): Promise<void>;
}

const LOG_ENTRIES = 256;
const MAX_TCP_CONNECTIONS = 128;
/** Replies that a delay may hold at a time; those beyond are dropped. */
const MAX_HELD = 4_096;
/** How many ports are tried when asked for any: a port free for TCP may be taken for UDP. */
const MAX_PORTS_TRIED = 20;

/**
 * Starts the server.
 *
 * @throws {TypeError} when an option is not valid
 * @throws {Error} when the port cannot be listened on; `cause` says why
 */
export async function startDnsServer(options: DnsServerOptions): Promise<EmbeddedDnsServer> {
  const { port = 0, hostname = "127.0.0.1", idleTimeoutMs = 10_000, clock = machineClock, onQuery } = options;
  if (isIP(hostname) === 0) {
    throw new TypeError(`hostname must be an IP address, got ${JSON.stringify(hostname)}`);
  }
  if (!(idleTimeoutMs > 0)) {
    throw new TypeError(`idleTimeoutMs must be a number above 0, got ${idleTimeoutMs}`);
  }
  let serial = 1;
  let zone = createZone(options.zone, options.origin ?? commonOrigin(options.zone), serial);
  let fault = NO_FAULT;
  const log = createDnsLog(LOG_ENTRIES);
  const held = new Set<{ cancel(): void }>();
  let closing: Promise<void> | undefined;
  const isClosed = () => closing !== undefined;

  function handle(message: Uint8Array, transport: Transport, send: (reply: Uint8Array) => void): void {
    if (isClosed()) return;
    const { name, type, outcome, reply, delayMs } = respond(message, transport, zone, fault);
    const overfull = delayMs !== undefined && held.size >= MAX_HELD;
    const entry: DnsLogEntry = {
      at: clock.now(),
      name,
      type,
      transport,
      outcome: overfull ? "dropped" : outcome,
    };
    log.add(entry);
    try {
      onQuery?.(entry);
    } catch {
      // The listener's trouble is not the client's.
    }
    // The listener may have closed the server.
    if (reply === undefined || overfull || isClosed()) return;
    if (delayMs === undefined) send(reply);
    else hold(delayMs, () => send(reply));
  }

  function hold(delayMs: number, send: () => void): void {
    const timer = clock.schedule(delayMs, () => {
      held.delete(timer);
      send();
    });
    held.add(timer);
  }

  const tcp = createTcpListener((message, reply) => handle(message, "tcp", reply), {
    clock,
    idleMs: idleTimeoutMs,
    maxConnections: MAX_TCP_CONNECTIONS,
  });
  const udp = await bindBoth(tcp, hostname, port);
  udp.on("message", (message, from) => {
    // Port 0 can be forged, and sending to it throws.
    if (from.port === 0) return;
    // A reply that could not be sent is lost, as any datagram may be.
    handle(message, "udp", (reply) => udp.send(reply, from.port, from.address, () => {}));
  });
  udp.on("error", () => {});
  tcp.server.on("error", () => {});

  async function stop(): Promise<void> {
    for (const timer of held) timer.cancel();
    held.clear();
    await Promise.all([tcp.close(), closeUdp(udp)]);
  }

  const close = () => closing ??= stop();
  return {
    address: hostname,
    port: udp.address().port,
    origin: zone.origin,
    get fault() {
      return fault;
    },
    get queries() {
      return log.counters();
    },
    get log() {
      return log.entries();
    },
    setZone(data) {
      zone = createZone(data, zone.origin, serial + 1);
      serial++;
    },
    setFault(next) {
      fault = checkFault(next);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Binds TCP, then UDP on the same port; with port 0 it tries another when the second is taken. */
async function bindBoth(tcp: TcpListener, hostname: string, port: number): Promise<Socket> {
  for (let tried = 1;; tried++) {
    const udp = createSocket(isIPv6(hostname) ? "udp6" : "udp4");
    try {
      tcp.server.listen(port, hostname);
      await once(tcp.server, "listening");
      udp.bind((tcp.server.address() as AddressInfo).port, hostname);
      await once(udp, "listening");
      return udp;
    } catch (error) {
      await Promise.all([tcp.close(), closeUdp(udp)]);
      const { code = "unknown error" } = error as { code?: string };
      if (port === 0 && code === "EADDRINUSE" && tried < MAX_PORTS_TRIED) continue;
      const reason = code === "EADDRINUSE" ? "the port is taken" : "it cannot be opened";
      throw new Error(`no DNS server on ${hostname} port ${port}: ${reason} (${code})`, { cause: error });
    }
  }
}

/** Resolves when the socket is gone, even if it was never bound. */
function closeUdp(udp: Socket): Promise<void> {
  return new Promise((resolve) => udp.close(resolve));
}
