/**
 * Accepted connections of `node:net` and `node:tls`.
 */

import type * as Net from "node:net";
import type * as Tls from "node:tls";

import { createSocket, hostAndPort, ignore } from "./node_net.ts";
import type { SecuredSocket, ServerSocket } from "./server_port.ts";

/** An accepted connection, and the stream below it. */
export interface NodeServerSocket extends ServerSocket {
  /** A `net.Socket`. What is exported names no type of Node's: users of npm need not have those. */
  readonly stream: unknown;
}

class AcceptedSocket implements NodeServerSocket {
  readonly stream: Net.Socket;
  readonly address: string;
  readonly remoteAddress: string;

  constructor(stream: Net.Socket) {
    this.stream = stream;
    this.address = plainAddress(stream.remoteAddress);
    this.remoteAddress = this.address === "" ? "" : hostAndPort(this.address, stream.remotePort);
    // Whoever speaks on it has listeners of its own; until then, and after, an error is no more than its end.
    stream.on("error", ignore);
  }

  get bytesRead(): number {
    return this.stream.bytesRead;
  }

  get bytesWritten(): number {
    return this.stream.bytesWritten ?? 0;
  }

  get pendingBytes(): number {
    return this.stream.writableLength;
  }

  get closed(): boolean {
    return this.stream.destroyed;
  }

  onClose(listener: () => void): void {
    if (this.stream.closed) listener();
    else this.stream.once("close", listener);
  }

  finish(text: string): void {
    if (this.stream.destroyed) return;
    if (this.stream.writable) this.stream.end(text);
    this.stream.resume();
  }

  destroy(): void {
    this.stream.destroy();
  }

  open(): ReturnType<ServerSocket["open"]> {
    return createSocket(this.stream, this.remoteAddress);
  }
}

class SecureAcceptedSocket extends AcceptedSocket implements SecuredSocket {
  readonly alpn: string | undefined;
  readonly clientCertificate: string | undefined;

  constructor(stream: Tls.TLSSocket, asked: boolean) {
    super(stream);
    this.alpn = stream.alpnProtocol || undefined;
    this.clientCertificate = asked ? subjectOf(stream) : undefined;
  }
}

/** Takes on a connection. */
export function acceptedSocket(stream: unknown): NodeServerSocket {
  return new AcceptedSocket(stream as Net.Socket);
}

/** Takes on a connection after its handshake; with `asked` the client has shown a certificate. */
export function securedSocket(stream: unknown, asked: boolean): NodeServerSocket & SecuredSocket {
  return new SecureAcceptedSocket(stream as Tls.TLSSocket, asked);
}

/** IPv4 is IPv4, on a socket of both families as well: a client is to be told by its address. */
function plainAddress(address: string | undefined): string {
  return address === undefined ? "" : address.startsWith("::ffff:") ? address.slice(7) : address;
}

function subjectOf(stream: Tls.TLSSocket): string | undefined {
  const { subject } = stream.getPeerCertificate() ?? {};
  return subject === undefined
    ? undefined
    : Object.entries(subject).map(([name, value]) => `${name}=${[value].flat().join("+")}`).join(", ");
}
