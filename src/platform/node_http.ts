/**
 * HTTP/1 and HTTP/2 on accepted connections, through `node:http` and `node:http2`. All time limits are those of whoever uses it.
 */

import type * as Http from "node:http";
import type * as Http2 from "node:http2";
import type * as Net from "node:net";

import { builtin } from "./node_builtin.ts";
import { NodeExchange } from "./node_http_exchange.ts";
import type { Incoming, Outgoing } from "./node_http_types.ts";
import type { NodeServerSocket } from "./node_server_socket.ts";
import type { HttpConnection, HttpEngine, HttpEngineOptions, ServerSocket } from "./server_port.ts";

/** Streams that a client of HTTP/2 may have open at once. */
const MAX_STREAMS = 128;

/** Makes what speaks HTTP. */
export function createHttpEngine(options: HttpEngineOptions): HttpEngine {
  /** By the stream that requests tell of: a socket, or a session of HTTP/2. */
  const sockets = new WeakMap<object, ServerSocket>();
  const http1 = createHttp1(options, sockets);
  let http2: Http2.Http2SecureServer | undefined;
  let serving: { readonly socket: ServerSocket; session: Http2.ServerHttp2Session | undefined } | undefined;

  function createHttp2(): Http2.Http2SecureServer {
    const server = builtin<typeof Http2>("node:http2").createSecureServer({
      allowHTTP1: false,
      maxHeaderListPairs: 256,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: options.maxHeaderBytes },
    });
    server.on("session", (session) => {
      // Told of while the connection is handed over.
      if (serving === undefined) return session.destroy();
      sockets.set(session, serving.socket);
      serving.session = session;
      session.on("error", () => {});
    });
    server.on("request", (incoming, outgoing) => {
      const { session } = outgoing.stream;
      const socket = session && sockets.get(session);
      if (socket === undefined) return outgoing.stream.close();
      outgoing.stream.on("error", () => {});
      options.onExchange(
        socket,
        new NodeExchange(
          incoming as unknown as Incoming,
          outgoing as unknown as Outgoing,
          options.maxBodyBytes,
        ),
      );
    });
    server.on("sessionError", (_error: Error, session: Http2.ServerHttp2Session) => {
      const socket = sockets.get(session);
      if (socket !== undefined) options.onMalformed(socket, "malformed");
    });
    return server;
  }

  return {
    serve(socket, protocol): HttpConnection {
      const stream = (socket as NodeServerSocket).stream as Net.Socket;
      if (protocol === "http/1.1") {
        sockets.set(stream, socket);
        http1.emit("connection", stream);
        stream.resume();
        return { goAway() {} };
      }
      http2 ??= createHttp2();
      const begun = serving = { socket, session: undefined as Http2.ServerHttp2Session | undefined };
      http2.emit("secureConnection", stream);
      serving = undefined;
      return { goAway: () => begun.session?.close() };
    },
  };
}

function createHttp1(options: HttpEngineOptions, sockets: WeakMap<object, ServerSocket>): Http.Server {
  const { createServer } = builtin<typeof Http>("node:http");
  const server = createServer({ maxHeaderSize: options.maxHeaderBytes, noDelay: true });
  // All time limits are kept elsewhere, where they are counted.
  server.headersTimeout =
    server.requestTimeout =
    server.keepAliveTimeout =
    server.timeout =
      0;
  // It is handed its connections, and never listens. Deno takes that for a server that is closing, and keeps no connection alive.
  Object.defineProperty(server, "listening", { value: true });
  const begin = (incoming: Http.IncomingMessage, outgoing: Http.ServerResponse, waits: boolean) => {
    const socket = sockets.get(incoming.socket);
    if (socket === undefined) return void incoming.socket.destroy();
    options.onExchange(
      socket,
      new NodeExchange(incoming, outgoing as unknown as Outgoing, options.maxBodyBytes, waits),
    );
  };
  server.on("request", (incoming, outgoing) => begin(incoming, outgoing, false));
  // The body comes only when it is asked for: not if it is too long.
  server.on("checkContinue", (incoming, outgoing) => begin(incoming, outgoing, true));
  server.on("clientError", (error, stream) => {
    const socket = sockets.get(stream as Net.Socket);
    if (socket === undefined) return void stream.destroy();
    options.onMalformed(socket, kindOf(error));
  });
  return server;
}

function kindOf(error: Error): "malformed" | "header" | "gone" {
  const code = (error as { code?: string }).code ?? "";
  if (code === "HPE_HEADER_OVERFLOW") return "header";
  return code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE" ? "malformed" : "gone";
}
