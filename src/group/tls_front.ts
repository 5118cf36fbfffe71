/** TLS in front of a listener's service. */

import type { PlatformServers, ServerSocket, TlsCertificate, TlsEngine } from "../platform/server_port.ts";
import type { Listener } from "./listener.ts";
import type { ServerTls } from "./options.ts";
import type { ServedConnection } from "./served_connection.ts";

/** What the front is made of. */
export interface TlsFrontOptions {
  readonly tls: ServerTls;
  readonly texts: TlsCertificate;
  readonly alpn: readonly string[];
  readonly listener: Listener;
  readonly servers: PlatformServers;
}

/** Hands connections on to their listener when their handshakes are done. */
export class TlsFront {
  readonly engine: TlsEngine;
  readonly #listener: Listener;

  constructor({ tls, texts, alpn, listener, servers }: TlsFrontOptions) {
    this.#listener = listener;
    this.engine = servers.tls({
      ...texts,
      minVersion: tls.minVersion ?? "TLSv1.2",
      requestCert: tls.requestCert ?? false,
      alpn,
      onSecure: (raw, secured) => {
        const connection = this.#find(raw);
        if (connection === undefined) secured.destroy();
        else listener.secured(connection, secured);
      },
      onFailed: (raw) => {
        const connection = this.#find(raw);
        if (connection?.phase === "handshake") listener.note("handshake failed");
      },
    });
  }

  #find(raw: ServerSocket): ServedConnection | undefined {
    return this.#listener.connectionOf(raw);
  }
}
