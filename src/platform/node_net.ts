/**
 * Sockets through `node:net` and `node:tls`: of Node and Bun, and of Deno, whose own clients know no client certificate and no
 * stream that Node's database clients would take.
 */

import type * as Files from "node:fs/promises";
import type * as Net from "node:net";
import type * as Tls from "node:tls";

import { builtin } from "./node_builtin.ts";
import type { PlatformNet, PlatformSocket, SocketTarget, TlsHandshake } from "./port.ts";

/** `node:net` and `node:tls`. */
export const nodeNet: PlatformNet = {
  unixSockets: true,

  connect(to, signal) {
    const net = builtin<typeof Net>("node:net");
    const where = to.transport === "tcp"
      ? { host: to.address, port: to.port, noDelay: true, autoSelectFamily: false }
      : { path: to.path };
    const stream = net.connect({ ...where, allowHalfOpen: true });
    return opened(stream, "connect", signal).then(() => createSocket(stream, describe(to)));
  },

  startTls(socket, options, signal) {
    const stream = builtin<typeof Tls>("node:tls").connect({
      socket: socket.handOver() as Net.Socket,
      servername: options.serverName,
      ca: options.ca as string | string[] | undefined,
      cert: options.cert,
      key: options.key,
      minVersion: options.minVersion,
      ALPNProtocols: options.alpn as string[] | undefined,
      rejectUnauthorized: options.insecure !== true,
    });
    return opened(stream, "secureConnect", signal).then(() => createSocket(stream, socket.remoteAddress));
  },

  async fileLimit() {
    try {
      const text = await builtin<typeof Files>("node:fs/promises").readFile("/proc/self/limits", "utf8");
      const limit = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1]);
      return limit > 0 ? limit : undefined;
    } catch {
      return undefined;
    }
  },
};

/** Waits until the stream is open; destroys it if that fails. */
function opened(stream: Net.Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      stream.off(event, onOpen);
      stream.off("error", onError);
      stream.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      end();
    };
    const fail = (error: unknown) =>
      settle(() => {
        stream.on("error", ignore);
        stream.destroy();
        reject(error);
      });
    const onOpen = () => settle(resolve);
    const onError = (error: Error) => fail(error);
    const onClose = () =>
      fail(Object.assign(new Error("the peer closed the connection"), { code: "ECONNRESET" }));
    const onAbort = () => fail(signal.reason);
    stream.on(event, onOpen);
    stream.on("error", onError);
    stream.on("close", onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function ignore(): void {}

/** A stream in paused mode: what arrives stays in its buffer until it is asked for, so a wait that ends early loses nothing. */
function createSocket(stream: Net.Socket, remoteAddress: string): PlatformSocket {
  const waiting = new Set<() => void>();
  let failure: Error | undefined;
  const wake = () => {
    for (const listener of [...waiting]) listener();
  };
  const onError = (error: Error) => {
    failure ??= error;
    wake();
  };
  stream.on("error", onError);
  const onBytes = () => {
    // The end is told of only to those who try to read past it.
    if (stream.readableLength === 0) stream.read(0);
    wake();
  };
  stream.on("readable", onBytes);
  for (const event of ["end", "close"]) stream.on(event, wake);

  const hasNews = () =>
    stream.readableLength > 0 || stream.readableEnded || stream.destroyed || failure !== undefined;
  const gone = () => failure ?? Object.assign(new Error("the connection is closed"), { code: "ECONNRESET" });

  function onReadable(listener: () => void): () => void {
    const once = () => {
      if (!hasNews()) return;
      waiting.delete(once);
      listener();
    };
    if (hasNews()) listener();
    else waiting.add(once);
    return () => void waiting.delete(once);
  }

  function read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const held = stream.read() as Uint8Array | null;
    if (held !== null) return Promise.resolve(held);
    if (stream.readableEnded) return Promise.resolve(undefined);
    if (failure !== undefined || stream.destroyed) return Promise.reject(gone());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        waiting.delete(look);
        signal?.removeEventListener("abort", onAbort);
        end();
      };
      const look = () => {
        const bytes = stream.read() as Uint8Array | null;
        if (bytes !== null) settle(() => resolve(bytes));
        else if (stream.readableEnded) settle(() => resolve(undefined));
        else if (failure !== undefined || stream.destroyed) settle(() => reject(gone()));
      };
      const onAbort = () => settle(() => reject(signal!.reason));
      waiting.add(look);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    localAddress: hostAndPort(stream.localAddress, stream.localPort),
    remoteAddress,
    alpn: (stream as Tls.TLSSocket).alpnProtocol || undefined,
    get destroyed() {
      return stream.destroyed || failure !== undefined;
    },
    read,
    write(bytes) {
      if (failure !== undefined || stream.destroyed) return Promise.reject(gone());
      return new Promise((resolve, reject) => {
        stream.write(bytes, (error) => error ? reject(failure ?? error) : resolve());
      });
    },
    end: () => new Promise((resolve) => void stream.end(() => resolve())),
    destroy: () => void stream.destroy(),
    onReadable,
    onClose(listener) {
      if (stream.closed) listener();
      else stream.once("close", () => listener());
    },
    hold(alive) {
      if (alive) stream.ref();
      else stream.unref();
    },
    handOver() {
      stream.off("readable", onBytes);
      for (const event of ["end", "close"]) stream.off(event, wake);
      stream.off("error", onError);
      return stream;
    },
  };
}

function describe(to: SocketTarget): string {
  return to.transport === "tcp" ? hostAndPort(to.address, to.port) : to.path;
}

function hostAndPort(address: string | undefined, port: number | undefined): string {
  if (address === undefined || port === undefined) return "";
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
