/** A connection that was accepted, and where it is in its life. */

import type { HttpConnection, HttpExchange, ServerSocket } from "../platform/server_port.ts";

/**
 * - `waiting`: in the accept queue
 * - `handshake`: TLS is being agreed on
 * - `head`: a request's head is awaited
 * - `busy`: a request, or a stream's handler, is under way
 * - `discarding`: a request was answered before its body had come
 * - `idle`: kept alive
 * - `closing`: the last was said
 */
export type Phase = "waiting" | "handshake" | "head" | "busy" | "discarding" | "idle" | "closing";

/** A request under way. */
export interface ServedRequest {
  readonly exchange: HttpExchange;
  readonly startedAt: number;
  /** Of the response that goes out. */
  status: number | undefined;
  /** How far sending had come when somebody last looked, and when it last moved. */
  sent: number;
  movedAt: number;
}

/** An accepted connection. */
export class ServedConnection {
  /** As it was accepted. */
  readonly raw: ServerSocket;
  /** What is spoken on: above TLS, where there is any. */
  socket: ServerSocket;
  phase: Phase = "waiting";
  /** Monotonic time of the last change of phase. */
  since: number;
  /** Bytes that had been received then. */
  mark = 0;
  requests = 0;
  readonly exchanges: Set<ServedRequest> = new Set();
  /** Whose body still comes although it was answered. */
  unfinished: HttpExchange | undefined;
  http: HttpConnection | undefined;
  isHttp2 = false;
  clientCertificate: string | undefined;
  gone = false;

  constructor(raw: ServerSocket, now: number) {
    this.raw = raw;
    this.socket = raw;
    this.since = now;
  }

  enter(phase: Phase, now: number): void {
    this.phase = phase;
    this.since = now;
    this.mark = this.socket.bytesRead;
  }
}
