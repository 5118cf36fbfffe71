/**
 * Servers through `node:net`, `node:tls`, `node:http` and `node:http2`: of Node, Bun and Deno, whose own `Deno.serve` has no hook for
 * connections, no limit and no time for headers.
 */

import type * as Crypto from "node:crypto";
import type * as Files from "node:fs/promises";
import type * as Net from "node:net";
import type * as Tls from "node:tls";

import { builtin } from "./node_builtin.ts";
import { createHttpEngine } from "./node_http.ts";
import { acceptedSocket, type NodeServerSocket, securedSocket } from "./node_server_socket.ts";
import type {
  CertificateFacts,
  ListenAt,
  ListeningSocket,
  PlatformServers,
  ServerSocket,
  TlsEngine,
  TlsEngineOptions,
} from "./server_port.ts";

/** Servers of Node's built-ins. */
export const nodeServers: PlatformServers = {
  http2: true,
  listen,
  adopt,
  http: createHttpEngine,
  tls: createTlsEngine,
  certificate,
};

/** Connections that the kernel holds for us: the queue that can be inspected is our own. */
const BACKLOG = 511;

async function listen(at: ListenAt, onSocket: (socket: ServerSocket) => void): Promise<ListeningSocket> {
  if (at.kind === "unix") await removeStale(at.path);
  const server = builtin<typeof Net>("node:net").createServer(
    // Nothing is read from a connection that waits for its turn.
    { pauseOnConnect: true, allowHalfOpen: true, noDelay: true },
    (stream) => onSocket(acceptedSocket(stream)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(whereTo(at), () => {
      server.off("error", reject);
      // An accept that failed, as for want of file descriptors, is tried again.
      server.on("error", () => {});
      resolve();
    });
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address : undefined;
  return {
    hostname: bound?.address ?? "",
    port: bound?.port,
    path: typeof address === "string" ? address : at.kind === "unix" ? at.path : undefined,
    handle: server,
    // Its callback waits for the connections, which are none of its business.
    close() {
      server.close(() => {});
      return Promise.resolve();
    },
  };
}

/** A connection that came from another process: as if it had been accepted here. */
function adopt(socket: unknown): ServerSocket | undefined {
  if (!(socket instanceof builtin<typeof Net>("node:net").Socket)) return undefined;
  socket.allowHalfOpen = true;
  socket.setNoDelay(true);
  return acceptedSocket(socket);
}

function whereTo(at: ListenAt): Net.ListenOptions {
  switch (at.kind) {
    case "tcp": {
      const { hostname: host, port, reusePort } = at;
      return { host, port, backlog: BACKLOG, ...(reusePort ? { reusePort } : {}) } as Net.ListenOptions;
    }
    case "unix":
      return { path: at.path, backlog: BACKLOG };
    case "fd":
      return { fd: at.fd } as Net.ListenOptions;
    case "handle":
      return at.handle as Net.ListenOptions;
  }
}

/** Removes a socket file that a process left behind when it was killed: nobody answers on it. */
async function removeStale(path: string): Promise<void> {
  const files = builtin<typeof Files>("node:fs/promises");
  const found = await files.lstat(path).catch(() => undefined);
  if (found === undefined || !found.isSocket()) return;
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = builtin<typeof Net>("node:net").connect(path);
    probe.on("connect", () => resolve(true));
    probe.on("error", (error) => resolve((error as { code?: string }).code !== "ECONNREFUSED"));
    probe.on("close", () => resolve(true));
    probe.on("connect", () => probe.destroy());
  });
  if (!isAlive) await files.unlink(path).catch(() => {});
}

function createTlsEngine(options: TlsEngineOptions): TlsEngine {
  const { cert, key, ca, minVersion, requestCert, alpn, onSecure, onFailed } = options;
  const raws = new WeakMap<Net.Socket, ServerSocket>();
  const server = builtin<typeof Tls>("node:tls").createServer({
    cert,
    key,
    ca,
    minVersion,
    requestCert,
    rejectUnauthorized: requestCert,
    ALPNProtocols: alpn.length > 0 ? [...alpn] : undefined,
  });
  server.on("secureConnection", (stream) => {
    const raw = rawOf(stream);
    if (raw === undefined) stream.destroy();
    else onSecure(raw, securedSocket(stream, requestCert));
  });
  server.on("tlsClientError", (error, stream) => {
    const raw = rawOf(stream);
    raw?.destroy();
    if (raw !== undefined) onFailed(raw, error);
  });

  /** The connection below: Node, Deno and Bun all keep it there, and nothing that is documented leads to it. */
  function rawOf(stream: Tls.TLSSocket): ServerSocket | undefined {
    return raws.get((stream as unknown as { _parent: Net.Socket })._parent);
  }

  return {
    accept(raw) {
      const stream = (raw as NodeServerSocket).stream as Net.Socket;
      raws.set(stream, raw);
      server.emit("connection", stream);
    },
    update: ({ cert, key, ca }) => server.setSecureContext({ cert, key, ca, minVersion }),
  };
}

function certificate(cert: string, key: string): CertificateFacts {
  const { X509Certificate, createPrivateKey } = builtin<typeof Crypto>("node:crypto");
  const read = new X509Certificate(cert);
  if (!read.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not the certificate's");
  return {
    subject: read.subject.replaceAll("\n", ", "),
    names: read.subjectAltName ?? "",
    startsAt: Date.parse(read.validFrom),
    expiresAt: Date.parse(read.validTo),
  };
}
