/**
 * A lease: a connection in a caller's hands, until it is given back or closed.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { tlsFault } from "./errors.ts";
import { readableOf, writableOf } from "./lease_streams.ts";
import type { Traffic } from "./traffic.ts";

/** A connection in a caller's hands. */
export interface Lease extends AsyncDisposable {
  /** What was asked for. */
  readonly endpoint: string;
  /** This side: `10.0.0.1:52114`. */
  readonly localAddress: string;
  /** The other side: `10.0.0.4:5432`. */
  readonly remoteAddress: string;
  /** The protocol agreed on in the TLS handshake. */
  readonly alpn: string | undefined;
  /** How often the connection was handed out, this time included: 1 for a new one. */
  readonly uses: number;
  /** Whether it was given back or closed. */
  readonly ended: boolean;
  /** What the endpoint's protocol keeps with the connection, from one lease to the next. */
  state: unknown;
  /**
   * The next bytes, at least one; undefined once the peer has ended. The signal ends the wait, and no byte is lost.
   *
   * @throws {BallastError} `LEASE_ENDED` after `release()` or `close()`
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Sends bytes; resolves when there is room for more.
   *
   * @throws {BallastError} `LEASE_ENDED` after `release()` or `close()`
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends the end: the peer reads no further. Such a connection is not pooled. */
  end(): Promise<void>;
  /** Bytes from the peer. Cancelling it closes the connection. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer. Closing it sends the end, aborting it closes the connection. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Says that bytes of the peer are held above the connection, as by a buffered reader: then it must not be pooled. The last
   * one given counts.
   */
  unread(bytes: () => number): void;
  /**
   * Gives the connection back. One that is broken, half closed, or has something to read is closed instead: the next taker
   * would read the answer to another question. A second call does nothing.
   */
  release(): void;
  /** Closes the connection. With an error, the address is held to be at fault. After `release()` it does nothing. */
  close(error?: unknown): void;
  /**
   * The runtime's own stream, for a protocol's client that is kept with the connection in `state`: it must be at rest when the
   * lease is released, and must not read what it did not ask for.
   *
   * @throws {BallastError} `LEASE_ENDED` after `release()` or `close()`
   */
  readonly stream: unknown;
  /**
   * The runtime's own stream (`net.Socket` on Node, Deno and Bun), for clients that bring their own protocol. The connection is
   * theirs and never pooled again; it counts until it is closed.
   */
  handOver(): unknown;
  /** As `release()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a lease tells its pool. */
export interface LeaseHome {
  /** Remembers what is read and written, where that is wanted. */
  readonly traffic: Traffic | undefined;
  /** It came back, fit to be used again or not. */
  release(connection: Connection, fit: boolean): void;
  /** It was closed; the address is to blame where there is an error. */
  close(connection: Connection, error: unknown): void;
  /** It was handed over to a client for good. */
  leave(connection: Connection): void;
}

/** A lease of a connection. */
export class ConnectionLease implements Lease {
  readonly #home: LeaseHome;
  readonly #connection: Connection;
  #ended: "released" | "closed" | "handed over" | undefined = undefined;
  /** What most leases have nothing of. */
  #extra: Extra | undefined = undefined;

  constructor(home: LeaseHome, connection: Connection) {
    this.#home = home;
    this.#connection = connection;
  }

  get endpoint(): string {
    return this.#connection.backend.endpoint;
  }

  get localAddress(): string {
    return this.#connection.socket.localAddress;
  }

  get remoteAddress(): string {
    return this.#connection.socket.remoteAddress;
  }

  get alpn(): string | undefined {
    return this.#connection.socket.alpn;
  }

  get uses(): number {
    return this.#connection.uses;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  get state(): unknown {
    return this.#connection.wrapped;
  }

  set state(value: unknown) {
    this.#connection.wrapped = value;
  }

  get stream(): unknown {
    if (this.#ended !== undefined) throw this.#gone("stream");
    return this.#connection.socket.stream;
  }

  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#ended !== undefined) return this.#refuse("read");
    const connection = this.#connection;
    const reading = connection.socket.read(signal);
    return connection.secure || this.#home.traffic !== undefined ? this.#watched(reading) : reading;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) return this.#refuse("write");
    this.#home.traffic?.add(this.#connection, "out", bytes);
    return this.#connection.socket.write(bytes);
  }

  end(): Promise<void> {
    if (this.#ended !== undefined) return this.#refuse("end");
    return this.#connection.socket.end();
  }

  get readable(): ReadableStream<Uint8Array> {
    const streams = this.#extra ??= {};
    return streams.readable ??= readableOf(this);
  }

  get writable(): WritableStream<Uint8Array> {
    const streams = this.#extra ??= {};
    return streams.writable ??= writableOf(this);
  }

  unread(bytes: () => number): void {
    (this.#extra ??= {}).unread = bytes;
  }

  release(): void {
    if (this.#ended !== undefined) return;
    this.#ended = "released";
    this.#home.release(this.#connection, this.#extra === undefined || !holdsBytes(this.#extra));
  }

  close(error?: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = "closed";
    this.#home.close(this.#connection, error);
  }

  handOver(): unknown {
    if (this.#ended !== undefined) throw this.#gone("handOver");
    this.#ended = "handed over";
    this.#home.leave(this.#connection);
    return this.#connection.socket.handOver();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  async #watched(reading: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    try {
      const bytes = await reading;
      if (bytes !== undefined) this.#home.traffic?.add(this.#connection, "in", bytes);
      return bytes;
    } catch (error) {
      // In TLS 1.3 the server judges the client's certificate when the client holds the handshake to be over.
      const fault = this.#connection.secure ? tlsFault(error) : undefined;
      if (fault === undefined || fault.fault === "TLS_FAILED") throw error;
      const { label } = this.#connection.backend;
      throw new BallastError("CONNECT_FAILED", `${label} (tls): ${fault.text}`, {
        cause: error,
        data: { endpoint: this.endpoint, address: label, fault: fault.fault },
      });
    }
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(this.#gone(what));
  }

  #gone(what: string): BallastError {
    const message = `${what}: this lease of ${this.endpoint} was ${this.#ended} already: connect again`;
    return new BallastError("LEASE_ENDED", message);
  }
}

interface Extra {
  readable?: ReadableStream<Uint8Array>;
  writable?: WritableStream<Uint8Array>;
  unread?: () => number;
}

function holdsBytes({ unread }: Extra): boolean {
  try {
    return unread !== undefined && unread() > 0;
  } catch {
    // Who cannot say is not believed.
    return true;
  }
}
