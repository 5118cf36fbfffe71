/**
 * What Ballast asks of a runtime that can serve. Types only.
 *
 * @module
 */

import type { PlatformSocket } from "./port.ts";

/** Servers. */
export interface PlatformServers {
  /** Whether HTTP/2 can be served. */
  readonly http2: boolean;
  /** Opens a socket that listens. Rejects with the system's error, its `code` kept. */
  listen(at: ListenAt, onSocket: (socket: ServerSocket) => void): Promise<ListeningSocket>;
  /** Takes on a connection that was accepted elsewhere: the runtime's own socket; undefined for what is none. */
  adopt(socket: unknown): ServerSocket | undefined;
  /** What speaks HTTP on accepted connections. */
  http(options: HttpEngineOptions): HttpEngine;
  /**
   * What speaks TLS on accepted connections.
   *
   * @throws when certificate and key are no good
   */
  tls(options: TlsEngineOptions): TlsEngine;
  /**
   * Reads a certificate and checks that the key is its own.
   *
   * @throws {Error} that says what is wrong
   */
  certificate(cert: string, key: string): CertificateFacts;
}

/** Where to listen. */
export type ListenAt =
  | {
    readonly kind: "tcp";
    readonly hostname: string;
    readonly port: number;
    /** Whether others may listen there, too. */
    readonly reusePort: boolean;
  }
  /** A socket file that nobody answers on is replaced. */
  | { readonly kind: "unix"; readonly path: string }
  /** A file descriptor that listens already. */
  | { readonly kind: "fd"; readonly fd: number }
  /** A server that came from another process. */
  | { readonly kind: "handle"; readonly handle: unknown };

/** A socket that listens. */
export interface ListeningSocket {
  /** The address; "" for a unix socket. */
  readonly hostname: string;
  /** Undefined for a unix socket. */
  readonly port: number | undefined;
  /** The path of a unix socket. */
  readonly path: string | undefined;
  /** The runtime's own server, to be sent to another process. */
  readonly handle: unknown;
  /** Accepts no more. Connections that are open are left alone. */
  close(): Promise<void>;
}

/** An accepted connection. Nothing is read before something speaks on it. */
export interface ServerSocket {
  /** The client's address without its port; "" for a unix socket. */
  readonly address: string;
  /** `10.0.0.4:52114`; "" for a unix socket. */
  readonly remoteAddress: string;
  /** Bytes received so far. */
  readonly bytesRead: number;
  /** Bytes sent so far. */
  readonly bytesWritten: number;
  /** Bytes that the peer has not taken. */
  readonly pendingBytes: number;
  /** Whether it is closed. */
  readonly closed: boolean;
  /** Calls `listener` once when it is closed. */
  onClose(listener: () => void): void;
  /** Sends last bytes and the end; reading goes on, so that the peer gets to see them. */
  finish(text: string): void;
  /** Closes it at once. Safe to call twice. */
  destroy(): void;
  /** For a protocol of one's own. */
  open(): PlatformSocket;
}

/** How TLS is spoken. Certificates and keys are PEM. */
export interface TlsEngineOptions extends TlsCertificate {
  /** The lowest version that will do. */
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Whether clients must show a certificate of `ca`. */
  readonly requestCert: boolean;
  /** Protocols offered, the best first; empty for none. */
  readonly alpn: readonly string[];
  /** A handshake is done: from now on the connection is this. */
  readonly onSecure: (raw: ServerSocket, secured: SecuredSocket) => void;
  /** A handshake failed; the connection is closed. */
  readonly onFailed: (raw: ServerSocket, error: unknown) => void;
}

/** What can be replaced while connections are open. */
export interface TlsCertificate {
  /** The certificate and those between it and the root, in PEM. */
  readonly cert: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** Whose client certificates are believed, in PEM; undefined where none are asked for. */
  readonly ca: string | undefined;
}

/** What speaks TLS. */
export interface TlsEngine {
  /** Begins a handshake. */
  accept(raw: ServerSocket): void;
  /**
   * Uses this certificate for handshakes from now on.
   *
   * @throws when it is no good: then the one before stays
   */
  update(certificate: TlsCertificate): void;
}

/** A connection after its handshake. */
export interface SecuredSocket extends ServerSocket {
  /** The protocol agreed on. */
  readonly alpn: string | undefined;
  /** The subject of the client's certificate. */
  readonly clientCertificate: string | undefined;
}

/** What a certificate says. */
export interface CertificateFacts {
  /** Its subject. */
  readonly subject: string;
  /** Its names, as the certificate lists them. */
  readonly names: string;
  /** Until when it is good, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** From when it is good, in milliseconds since the epoch. */
  readonly startsAt: number;
}

/** How HTTP is spoken. */
export interface HttpEngineOptions {
  /** A request's line and headers. */
  readonly maxHeaderBytes: number;
  /** A request's body; a longer one fails, and the exchange says so. */
  readonly maxBodyBytes: number;
  /** A request's head is whole. */
  readonly onExchange: (socket: ServerSocket, exchange: HttpExchange) => void;
  /** What came is no HTTP, or its head is too long; "gone" where the client left in the middle. */
  readonly onMalformed: (socket: ServerSocket, kind: "malformed" | "header" | "gone") => void;
}

/** What speaks HTTP. */
export interface HttpEngine {
  /** Speaks HTTP on a connection from now on. */
  serve(socket: ServerSocket, protocol: "http/1.1" | "h2"): HttpConnection;
}

/** A connection that HTTP is spoken on. */
export interface HttpConnection {
  /** Tells an HTTP/2 client to come no more: what is under way is finished. An HTTP/1 client is told by the next response. */
  goAway(): void;
}

/** Where a request's body is: there is none, nobody reads it, it is being read, it has come; or it failed. */
export type BodyState = "none" | "unread" | "reading" | "done" | "failed";

/** A request and its response. */
export interface HttpExchange {
  /** In capitals, as a rule. */
  readonly method: string;
  /** As the client wrote it: for messages. */
  readonly target: string;
  /** "1.0", "1.1" or "2.0". */
  readonly httpVersion: string;
  /** What the client says the body's length is. */
  readonly contentLength: number | undefined;
  /** Where the request's body is. */
  readonly body: BodyState;
  /** Why the body failed. */
  readonly bodyFault: "length" | "timeout" | undefined;
  /** Whether the response has begun. */
  readonly answered: boolean;
  /** Whether it is over: the response is out, or the client is gone. */
  readonly over: boolean;
  /** Whether the response went out whole. */
  readonly complete: boolean;
  /** Calls `listener` once when it is over. */
  onOver(listener: () => void): void;
  /**
   * The request. Its `signal` is made when it is asked for.
   *
   * @throws {TypeError} when its method, host or path cannot be a request's
   */
  request(defaultHost: string): Request;
  /** Has the request's signal abort. */
  abort(reason: unknown): void;
  /** Has the request's body fail: it took too long. */
  timeOutBody(): void;
  /** Sends a response; resolves when it is out or the client is gone. Rejects when its body fails: the connection is cut then. */
  respond(response: Response, options: { readonly close: boolean }): Promise<void>;
  /** Answers by itself, whatever is under way. */
  refuse(status: number, text: string, headers?: Readonly<Record<string, string>>): void;
  /** Cuts the connection, or the stream of HTTP/2. */
  destroy(): void;
}
