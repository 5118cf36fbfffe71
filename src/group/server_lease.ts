/** A lease of an accepted connection: what a stream's handler gets. */

import type { Lease } from "../connections/mod.ts";
import { readableOf, writableOf } from "../connections/lease_streams.ts";
import { BallastError } from "../errors.ts";
import type { PlatformSocket } from "../platform/port.ts";

/** A connection in the hands of a stream's handler. It came from outside, so it is never pooled: to release it is to close it. */
export class ServerLease implements Lease {
  readonly endpoint: string;
  readonly uses = 1;
  state: unknown = undefined;
  readonly #socket: PlatformSocket;
  #ended: "closed" | "handed over" | undefined;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(endpoint: string, socket: PlatformSocket) {
    this.endpoint = endpoint;
    this.#socket = socket;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  get alpn(): string | undefined {
    return this.#socket.alpn;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether its handler has given it to somebody else for good. */
  get handedOver(): boolean {
    return this.#ended === "handed over";
  }

  get stream(): unknown {
    if (this.#ended !== undefined) throw this.#gone("stream");
    return this.#socket.stream;
  }

  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#ended === undefined ? this.#socket.read(signal) : Promise.reject(this.#gone("read"));
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#ended === undefined ? this.#socket.write(bytes) : Promise.reject(this.#gone("write"));
  }

  end(): Promise<void> {
    return this.#ended === undefined ? this.#socket.end() : Promise.reject(this.#gone("end"));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= readableOf(this);
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOf(this);
  }

  /** Nobody takes it after this one: what is held above it is lost with it. */
  unread(): void {}

  release(): void {
    if (this.#ended !== undefined) return;
    this.#ended = "closed";
    // What was sent goes out first.
    void this.#socket.end();
  }

  close(): void {
    if (this.#ended !== undefined) return;
    this.#ended = "closed";
    this.#socket.destroy();
  }

  handOver(): unknown {
    if (this.#ended !== undefined) throw this.#gone("handOver");
    this.#ended = "handed over";
    return this.#socket.handOver();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  #gone(what: string): BallastError {
    return new BallastError(
      "LEASE_ENDED",
      `${what}: this connection of ${this.endpoint} was ${this.#ended} already`,
    );
  }
}
