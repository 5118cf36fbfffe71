/**
 * One listener: its accept queue, its connections, and the limits on both.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { ListeningSocket, SecuredSocket, ServerSocket, TlsEngine } from "../platform/server_port.ts";
import type { ListenerId, ServerSettings } from "./options.ts";
import { ServedConnection } from "./served_connection.ts";
import type { RefusalReason, ServerCounts } from "./server_counts.ts";

/** What is done with connections once they may speak. */
export interface Service {
  /** Begins to serve one. */
  begin(connection: ServedConnection): void;
  /** Looks after what is under way on one, from time to time. */
  tend(connection: ServedConnection, now: number): void;
  /** Has one end soon: what is under way is finished. */
  wind(connection: ServedConnection): void;
}

/** What a listener is made of. */
export interface ListenerOptions {
  readonly id: ListenerId;
  readonly settings: ServerSettings;
  readonly counts: ServerCounts;
  readonly clock: Clock;
  /** Is told of every refusal. */
  readonly onRefused: (reason: RefusalReason) => void;
  /** Is told when a connection has gone. */
  readonly onLeft: () => void;
}

/** How long a client may take to read a last answer. */
const LINGER_MS = 1_000;
/** How long the rest of a body may take that nobody wants. */
const DISCARD_MS = 5_000;
/** In a drain: how long a connection may take to send the request that it was opened for. */
const GRACE_MS = 1_000;

/** A listener. */
export class Listener {
  readonly id: ListenerId;
  readonly settings: ServerSettings;
  readonly counts: ServerCounts;
  readonly connections: Set<ServedConnection> = new Set();
  /** The longest idle first. */
  readonly idle: Set<ServedConnection> = new Set();
  /** Connections by client address, those that wait included. */
  readonly clients: Map<string, number> = new Map();
  bound: ListeningSocket | undefined;
  tls: TlsEngine | undefined;
  draining = false;
  /** The most connections there were at once. */
  peak = 0;
  readonly #waiting: Set<ServedConnection> = new Set();
  readonly #byRaw = new WeakMap<ServerSocket, ServedConnection>();
  readonly #clock: Clock;
  readonly #onRefused: (reason: RefusalReason) => void;
  readonly #onLeft: () => void;
  #service: Service | undefined;

  constructor({ id, settings, counts, clock, onRefused, onLeft }: ListenerOptions) {
    this.id = id;
    this.settings = settings;
    this.counts = counts;
    this.#clock = clock;
    this.#onRefused = onRefused;
    this.#onLeft = onLeft;
  }

  /** Says what is served here; before the first connection. */
  serve(service: Service): void {
    this.#service = service;
  }

  /** Connections in the accept queue. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Requests and streams under way. */
  get inFlight(): number {
    let count = 0;
    for (const { phase, exchanges } of this.connections) {
      if (phase === "busy") count += Math.max(1, exchanges.size);
    }
    return count;
  }

  /** Connections that are open or wait. */
  get size(): number {
    return this.connections.size + this.#waiting.size;
  }

  /** Takes a connection on: to be served, or to wait for a place; or closes it at once. */
  accept(raw: ServerSocket): void {
    const { settings, counts, clients } = this;
    counts.accept();
    const ofClient = clients.get(raw.address) ?? 0;
    // Whoever shares a unix socket is on this machine, and not told apart.
    if (raw.address !== "" && ofClient >= settings.maxConnectionsPerClient) {
      return this.#turnAway(raw, "client limit");
    }
    const isFull = this.connections.size >= settings.maxConnections && !this.#makeRoom();
    if (isFull && this.#waiting.size >= settings.acceptQueueMaxLength) {
      return this.#turnAway(raw, "queue full");
    }
    const connection = new ServedConnection(raw, this.#clock.monotonic());
    clients.set(raw.address, ofClient + 1);
    raw.onClose(() => this.#leave(connection));
    if (connection.gone) return;
    if (isFull) this.#waiting.add(connection);
    else this.#start(connection);
  }

  /** The connection that was accepted as this. */
  connectionOf(raw: ServerSocket): ServedConnection | undefined {
    return this.#byRaw.get(raw);
  }

  /** A TLS handshake is done. */
  secured(connection: ServedConnection, secured: SecuredSocket): void {
    if (connection.gone) return;
    connection.socket = secured;
    connection.isHttp2 = secured.alpn === "h2";
    connection.clientCertificate = secured.clientCertificate;
    connection.enter("head", this.#clock.monotonic());
    this.#service!.begin(connection);
  }

  /** Refuses what is under way on a connection; with an answer it is heard before the end. */
  refuse(connection: ServedConnection, reason: RefusalReason, answer?: string): void {
    if (connection.phase === "closing" || connection.gone) return;
    this.note(reason);
    if (answer !== undefined) return this.finish(connection, answer);
    // What it makes of its end is no refusal of its own.
    connection.enter("closing", this.#clock.monotonic());
    connection.socket.destroy();
  }

  /** Counts a refusal. */
  note(reason: RefusalReason): void {
    this.counts.refuse(reason);
    this.#onRefused(reason);
  }

  /** Ends a connection once the last was said. */
  finish(connection: ServedConnection, text = ""): void {
    this.idle.delete(connection);
    connection.enter("closing", this.#clock.monotonic());
    // The socket below HTTP/2 is its session's: that says goodbye, and ends it.
    if (connection.isHttp2 && connection.http !== undefined) connection.http.goAway();
    else connection.socket.finish(text);
  }

  /** A connection has nothing under way any more. */
  rest(connection: ServedConnection, now: number): void {
    connection.enter("idle", now);
    if (connection.gone) return;
    if (this.draining) this.#service!.wind(connection);
    else this.idle.add(connection);
    this.#admit();
  }

  /** A connection has something under way. */
  engage(connection: ServedConnection, now: number): void {
    this.idle.delete(connection);
    connection.enter("busy", now);
  }

  /** Enforces what takes time. */
  sweep(now: number): void {
    const { headersTimeoutMs } = this.settings;
    for (const connection of this.#waiting) {
      if (now - connection.since > headersTimeoutMs) this.refuse(connection, "queue timeout");
    }
    for (const connection of this.connections) this.#look(connection, now);
  }

  /** Stops accepting; what was accepted is served. */
  async stop(): Promise<void> {
    this.draining = true;
    await this.bound?.close();
  }

  /** Has every connection end that has nothing under way, and every other one when it has not. */
  wind(): void {
    for (const connection of this.connections) this.#service!.wind(connection);
  }

  /** Closes all that is left; gives how many requests and streams were under way. */
  cut(): number {
    const { inFlight } = this;
    for (const connection of [...this.#waiting, ...this.connections]) {
      connection.raw.destroy();
      connection.socket.destroy();
    }
    return inFlight + this.#waiting.size;
  }

  #look(connection: ServedConnection, now: number): void {
    const { settings, draining } = this;
    const { phase, socket, mark } = connection;
    const passed = now - connection.since;
    if (phase === "handshake" && passed > settings.headersTimeoutMs) {
      this.refuse(connection, "handshake timeout");
    } else if (phase === "head" && passed > settings.headersTimeoutMs) {
      // One that has said nothing is no client in need of an answer.
      const answer = socket.bytesRead > mark && !connection.isHttp2
        ? answerText(408, "Request Timeout")
        : undefined;
      this.refuse(connection, "header timeout", answer);
    } else if (phase === "head" && draining && passed > GRACE_MS && socket.bytesRead === mark) {
      this.finish(connection);
    } else if (phase === "idle") this.#lookAtIdle(connection, now);
    else if (phase === "closing") {
      const isOut = socket.pendingBytes === 0 && passed > LINGER_MS;
      if (!isOut && passed <= settings.sendTimeoutMs) return;
      socket.destroy();
      connection.raw.destroy();
    } else if (phase === "discarding" && passed > DISCARD_MS) socket.destroy();
    else if (phase === "busy" || phase === "discarding") this.#service!.tend(connection, now);
  }

  #lookAtIdle(connection: ServedConnection, now: number): void {
    const { socket, mark, since, isHttp2 } = connection;
    // A head that comes in drops is no idling.
    if (!isHttp2 && socket.bytesRead > mark) {
      this.idle.delete(connection);
      connection.enter("head", now);
      // What has come of it counts.
      connection.mark = mark;
    } else if (now - since > this.settings.idleTimeoutMs) {
      this.counts.idleClosed++;
      this.finish(connection);
    }
  }

  /** Closes the connection that has been idle for the longest; false where there is none. */
  #makeRoom(): boolean {
    const [oldest] = this.idle;
    if (oldest === undefined) return false;
    this.counts.evicted++;
    this.finish(oldest);
    oldest.socket.destroy();
    this.connections.delete(oldest);
    return true;
  }

  #start(connection: ServedConnection): void {
    this.connections.add(connection);
    this.peak = Math.max(this.peak, this.connections.size);
    const now = this.#clock.monotonic();
    if (this.tls !== undefined) {
      this.#byRaw.set(connection.raw, connection);
      connection.enter("handshake", now);
      this.tls.accept(connection.raw);
    } else {
      connection.enter("head", now);
      this.#service!.begin(connection);
    }
  }

  #leave(connection: ServedConnection): void {
    if (connection.gone) return;
    connection.gone = true;
    this.connections.delete(connection);
    this.#waiting.delete(connection);
    this.idle.delete(connection);
    const { address } = connection.raw;
    const left = (this.clients.get(address) ?? 1) - 1;
    if (left > 0) this.clients.set(address, left);
    else this.clients.delete(address);
    this.counts.closed(connection.socket.bytesRead, connection.socket.bytesWritten);
    this.#admit();
    this.#onLeft();
  }

  /** Serves those that wait, as far as there is room. */
  #admit(): void {
    while (
      this.#waiting.size > 0 && (this.connections.size < this.settings.maxConnections || this.#makeRoom())
    ) {
      const [first] = this.#waiting;
      this.#waiting.delete(first!);
      this.#start(first!);
    }
  }

  #turnAway(raw: ServerSocket, reason: RefusalReason): void {
    raw.destroy();
    this.note(reason);
  }
}

/** An answer to what is no request, or not yet. */
export function answerText(status: number, text: string): string {
  return `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}
