/**
 * DNS over TCP (RFC 7766): each message behind its length in two bytes, any number of them on one connection.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import type { ServerClock } from "./dns_clock.ts";

/** What handles a message that came by TCP; `reply` may be called later, and not at all. */
export type TcpHandler = (message: Uint8Array, reply: (message: Uint8Array) => void) => void;

/** How connections are kept. */
export interface TcpOptions {
  /** Times idle connections. */
  readonly clock: ServerClock;
  /** A connection on which no query was completed for this long is closed. */
  readonly idleMs: number;
  /** Connections at a time; further ones are closed at once. */
  readonly maxConnections: number;
}

/** A listener, not yet bound, and its connections. */
export interface TcpListener {
  /** To be bound by the caller. */
  readonly server: Server;
  /** Stops listening and ends every connection at once; resolves even if it never listened. */
  close(): Promise<void>;
}

/** Makes the listener. */
export function createTcpListener(onMessage: TcpHandler, options: TcpOptions): TcpListener {
  const connections = new Map<Socket, () => void>();
  const server = createServer((socket) => {
    connections.set(socket, serveConnection(socket, onMessage, options));
    socket.on("close", () => connections.delete(socket));
  });
  server.maxConnections = options.maxConnections;

  function close(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve());
      for (const end of connections.values()) end();
    });
  }
  return { server, close };
}

/** Answers what comes on one connection; returns what ends it. */
function serveConnection(socket: Socket, onMessage: TcpHandler, { clock, idleMs }: TcpOptions): () => void {
  const closeWhenIdle = () => clock.schedule(idleMs, () => socket.destroy());
  let idle = closeWhenIdle();
  let pending = Buffer.alloc(0);

  function end(): void {
    idle.cancel();
    socket.destroy();
  }

  function reply(message: Uint8Array): void {
    if (socket.destroyed) return;
    const framed = Buffer.alloc(2 + message.length);
    framed.writeUInt16BE(message.length);
    framed.set(message, 2);
    // A client that does not read its replies gets no further query answered, until it does or is found idle.
    if (!socket.write(framed)) socket.pause();
  }

  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    // Bounded by the framing: at most one incomplete message, of 65,537 bytes, stays behind.
    while (!socket.destroyed && pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE()) {
      const size = pending.readUInt16BE();
      const message = pending.subarray(2, 2 + size);
      pending = pending.subarray(2 + size);
      idle.cancel();
      idle = closeWhenIdle();
      onMessage(message, reply);
    }
  });
  socket.on("drain", () => socket.resume());
  socket.on("close", end);
  // A reset by the client is no fault of ours; "close" follows.
  socket.on("error", () => {});
  return end;
}
