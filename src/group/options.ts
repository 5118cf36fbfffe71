/**
 * What a process listens on, and within which limits.
 *
 * @module
 */

import type { Lease } from "../connections/mod.ts";

/** What an app is told of a request beside the request itself; a Hono app finds it in `c.env`. */
export interface AppRequestInfo {
  /** The other side: `10.0.0.4:52114`; "" for a unix socket. */
  readonly remoteAddress: string;
  /** The name of the app's listener. */
  readonly listener: string;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** `1.0`, `1.1` or `2.0`. */
  readonly httpVersion: string;
  /** The subject of the client's certificate, where one was asked for and is good. */
  readonly clientCertificate: string | undefined;
}

/** Answers requests: that of `export default { fetch }`, or a Hono app's. */
export type FetchHandler = (request: Request, info: AppRequestInfo) => Response | Promise<Response>;

/** Where something listens: on a port, or on a unix socket. */
export interface ListenOptions {
  /** What it is called in logs, statistics and reports. @default `host:port`, or the path */
  readonly name?: string | undefined;
  /** 0 for one that is free. @default 0, where there is no `path` */
  readonly port?: number | undefined;
  /** The address to listen on. @default "0.0.0.0" */
  readonly hostname?: string | undefined;
  /** The path of a unix socket, in place of a port. */
  readonly path?: string | undefined;
  /** Whether it speaks TLS. @default it does not */
  readonly tls?: ServerTls | undefined;
  /** Limits that differ from the set's. */
  readonly limits?: ServerLimits | undefined;
}

/** An HTTP app. */
export interface AppOptions extends ListenOptions {
  /** Answers its requests. What it throws becomes a 500 and a log record. */
  readonly fetch: FetchHandler;
  /** Whether HTTP/2 is offered, which needs `tls`. @default true where there is `tls` and the runtime can do it */
  readonly http2?: boolean | undefined;
}

/** What a stream's handler is told of its connection. */
export interface StreamInfo {
  /** Aborts when the set drains, so that the handler finishes what it is at and returns. */
  readonly signal: AbortSignal;
  /** The name of its listener. */
  readonly listener: string;
}

/** Serves one connection. When it returns the connection is closed, once all that was sent is out; when it throws, at once. */
export type StreamHandler = (lease: Lease, info: StreamInfo) => void | Promise<void>;

/** A server of raw connections, for protocols that are not HTTP. */
export interface StreamOptions extends ListenOptions {
  /** Serves its connections. What it throws closes the connection, and is logged. */
  readonly handler: StreamHandler;
}

/** PEM, or where a file of it is: a path, or a `file:` URL. Files are read again when their content has changed. */
export type PemSource = string | URL;

/** A server's certificate, and what it asks of its clients. */
export interface ServerTls {
  /** The certificate, and whatever leads to its authority. */
  readonly cert: PemSource;
  /** Its key. */
  readonly key: PemSource;
  /** The lowest version that will do. @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** The authorities that clients' certificates are from. */
  readonly ca?: PemSource | undefined;
  /** Whether a client must show a certificate of `ca`. @default false */
  readonly requestCert?: boolean | undefined;
  /** Between two looks at the files, give or take a tenth; 0 for none but those of `reloadTls()`. @default 10000 */
  readonly reloadMs?: number | undefined;
}

/** What is taken on, by each listener. */
export interface ServerLimits {
  /** Connections accepted that wait for a place; of one more, the newest is closed at once. @default 128 */
  readonly acceptQueueMaxLength?: number | undefined;
  /**
   * Connections served at once; further ones wait in the accept queue, and idle ones are closed for them.
   *
   * @default 10000, or what 0.8 of the file limit leaves for each listener if that is less
   */
  readonly maxConnections?: number | undefined;
  /** Connections of one client address; further ones are closed at once. @default no limit: proxies stand for many */
  readonly maxConnectionsPerClient?: number | undefined;
  /** A request's line and headers; beyond it, 431. @default 16384 (16 KiB) */
  readonly maxHeaderBytes?: number | undefined;
  /** A request's body; beyond it, 413. @default 10485760 (10 MiB) */
  readonly maxBodyBytes?: number | undefined;
  /** For a TLS handshake, and for a request's headers to be whole; then 408. @default 10000 */
  readonly headersTimeoutMs?: number | undefined;
  /** For a request's body to be whole, as far as the app reads it; then 408. @default 30000 */
  readonly bodyTimeoutMs?: number | undefined;
  /** A connection without a request is closed after this. @default 65000, more than a load balancer's usual 60 s */
  readonly idleTimeoutMs?: number | undefined;
  /** For the app to answer: then its request's signal aborts, and the client gets 504. A body may stream for longer. @default 60000 */
  readonly requestTimeoutMs?: number | undefined;
  /** For a client to take something of what is sent; then the connection is cut. @default 30000 */
  readonly sendTimeoutMs?: number | undefined;
  /** A connection is closed after so many requests, so that clients spread anew. @default 10000 */
  readonly maxRequestsPerConnection?: number | undefined;
}

/** Limits with nothing left open. */
export type ServerSettings = { readonly [Name in keyof Required<ServerLimits>]: number };

/** Where a listener's socket comes from. */
export type ListenSource =
  /** Bound here; with `reusePort` others may listen on the same port. */
  | { readonly kind: "bind"; readonly reusePort?: boolean | undefined }
  /** Inherited: a file descriptor that listens already. */
  | { readonly kind: "fd"; readonly fd: number }
  /** A server that came from another process, by `process.send(message, server)`. */
  | { readonly kind: "handle"; readonly handle: unknown }
  /** Shared by the workers of `node:cluster`. */
  | { readonly kind: "cluster" }
  /** Bound by the supervisor, which hands its connections to `accept`; the port is the one that it was given. */
  | { readonly kind: "handed"; readonly port: number };

/** Which listener a source is asked for. */
export interface ListenerId {
  /** Unique in the set. */
  readonly name: string;
  /** What is served on it. */
  readonly kind: "app" | "stream";
  /** As it was given. */
  readonly port: number | undefined;
  /** As it was given. */
  readonly hostname: string;
  /** As it was given. */
  readonly path: string | undefined;
}

/** Where a listener listens. */
export interface BoundListener {
  /** Unique in the set. */
  readonly name: string;
  /** What is served on it. */
  readonly kind: "app" | "stream";
  /** The address; "" for a unix socket. */
  readonly hostname: string;
  /** The port that was bound; undefined for a unix socket. */
  readonly port: number | undefined;
  /** The path of a unix socket. */
  readonly path: string | undefined;
  /** What a client is given: `https://127.0.0.1:8443`, `tcp://127.0.0.1:7000`, `unix:/run/shop.sock`. */
  readonly url: string;
}

/** How a drain ended. */
export interface DrainReport {
  /** Requests and streams that were under way and are finished. */
  readonly finished: number;
  /** Those that were cut, by the name of their listener. */
  readonly cut: Readonly<Record<string, number>>;
  /** How long it took. */
  readonly tookMs: number;
}
