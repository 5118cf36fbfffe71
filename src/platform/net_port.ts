/**
 * What connections ask of a runtime: sockets that connect, and TLS over them. Types only, as `port.ts`.
 *
 * @module
 */

/** Sockets. */
export interface PlatformNet {
  /** Whether unix sockets can be connected to. */
  readonly unixSockets: boolean;
  /**
   * Opens a connection to one address. Rejects with the system's error, its `code` kept, or with the signal's reason:
   * nothing is left open then.
   */
  connect(to: SocketTarget, signal: AbortSignal): Promise<PlatformSocket>;
  /**
   * TLS over an open connection. Rejects as `connect` does, and the connection below is destroyed then. Who reads and
   * writes from now on uses the socket that this gives.
   */
  startTls(socket: PlatformSocket, options: TlsHandshake, signal: AbortSignal): Promise<PlatformSocket>;
  /**
   * A stream for clients that open their own: Node's `Duplex` with the face of a `net.Socket`. `open` gives the runtime's own
   * stream (`handOver`) and is called when it is first used; its signal aborts where the stream is destroyed before.
   */
  lazyStream?(open: (signal: AbortSignal) => Promise<unknown>): unknown;
  /** Codings of bodies that can be undone: `gzip`, `br`. */
  readonly codings: readonly string[];
  /** Undoes codings of a body, one after the other. Fails where its source fails, or is not what it is said to be. */
  decode(source: AsyncIterable<Uint8Array>, codings: readonly string[]): AsyncIterable<Uint8Array>;
  /** Files the process may have open; undefined where that may not be read. */
  fileLimit(): Promise<number | undefined>;
}

/** What a socket is connected to. */
export type SocketTarget =
  | { readonly transport: "tcp"; readonly address: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** How a TLS handshake is made. Certificates and keys are PEM. */
export interface TlsHandshake {
  /** Sent to the peer (SNI), and what its certificate is verified for. */
  readonly serverName: string;
  /** Certificate authorities, in place of the machine's. */
  readonly ca?: string | readonly string[];
  /** The client's certificate, and whatever leads to its authority. */
  readonly cert?: string;
  /** The client's key. */
  readonly key?: string;
  /** The lowest version that will do. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** Protocols offered, the best first (ALPN). */
  readonly alpn?: readonly string[];
  /** Whether the peer's certificate need not be verified. */
  readonly insecure?: boolean;
}

/** An open connection: bytes both ways. One reader at a time. */
export interface PlatformSocket {
  /** `10.0.0.4:5432`, `[::1]:6379`, or the path of a unix socket; "" where it is not known. */
  readonly localAddress: string;
  /** As `localAddress`, of the peer. */
  readonly remoteAddress: string;
  /** The protocol agreed on in the TLS handshake. */
  readonly alpn: string | undefined;
  /** The next bytes, at least one; undefined once the peer has ended. The signal ends the wait, and no byte is lost. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Sends bytes; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends the end; reading goes on. */
  end(): Promise<void>;
  /** Closes it at once, whatever is under way. Safe to call twice. */
  destroy(): void;
  /**
   * Whether somebody else may use it: it is open both ways, there is nothing to read, and no read or write is under way.
   * Cheap: it is asked every time a connection changes hands.
   */
  readonly quiet: boolean;
  /**
   * Calls `listener` every time that there may be news: bytes to read, the end, an error. Nothing is consumed. There is one
   * listener: the last one given.
   */
  onNews(listener: () => void): void;
  /** Calls `listener` once when it is closed, or was already; also after it was handed over. */
  onClose(listener: () => void): void;
  /** Says whether it keeps the process alive. */
  hold(alive: boolean): void;
  /** The runtime's own stream, for a protocol's client that is kept with the connection and reads from it only when asked to. */
  readonly stream: unknown;
  /** The runtime's own stream, for clients that bring their own reader: it is theirs alone from then on. */
  handOver(): unknown;
}
