/**
 * Sockets through `node:net` and `node:tls`: of Node and Bun, and of Deno, whose own clients know no client certificate and no
 * stream that Node's database clients would take.
 */

import type * as Files from "node:fs/promises";
import type * as Net from "node:net";
import type * as Tls from "node:tls";

import { builtin } from "./node_builtin.ts";
import { CODINGS, decode } from "./node_codings.ts";
import { lazyStream } from "./node_stream.ts";
import type { PlatformNet, PlatformSocket, SocketTarget } from "./port.ts";

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

  async startTls(socket, options, signal) {
    const raw = socket.handOver() as Net.Socket;
    try {
      const stream = builtin<typeof Tls>("node:tls").connect({
        socket: raw,
        ...serverNames(options.serverName),
        ca: options.ca as string | string[] | undefined,
        cert: options.cert,
        key: options.key,
        minVersion: options.minVersion,
        ALPNProtocols: options.alpn as string[] | undefined,
        rejectUnauthorized: options.insecure !== true,
      });
      await opened(stream, "secureConnect", signal);
      return createSocket(stream, socket.remoteAddress);
    } catch (error) {
      // A certificate that cannot be read is found out before there is a TLS stream; and not every runtime closes what is below.
      raw.on("error", ignore);
      raw.destroy();
      throw error;
    }
  },

  lazyStream,
  codings: CODINGS,
  decode,

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

export function ignore(): void {}

/** RFC 6066, 3: an address is verified, but never sent as the server's name. */
function serverNames(name: string): { readonly host: string; readonly servername?: string } {
  const isAddress = builtin<typeof Net>("node:net").isIP(name) !== 0;
  return isAddress ? { host: name } : { host: name, servername: name };
}

/** A stream in paused mode: what arrives stays in its buffer until it is asked for, so a wait that ends early loses nothing. */
export function createSocket(given: unknown, remoteAddress: string): PlatformSocket {
  const stream = given as Net.Socket;
  let reader: (() => void) | undefined;
  let listener: (() => void) | undefined;
  let failure: Error | undefined;
  let writing = 0;
  /** Whether one of the two sides has ended, or broken. */
  let isSpoilt = false;
  const tell = () => {
    reader?.();
    listener?.();
  };
  const onOver = () => {
    isSpoilt = true;
    tell();
  };
  const onError = (error: Error) => {
    failure ??= error;
    onOver();
  };
  const onBytes = () => {
    // The end is told of only to those who try to read past it.
    if (stream.readableLength === 0) stream.read(0);
    tell();
  };
  stream.on("error", onError);
  stream.on("readable", onBytes);
  for (const event of ["end", "close"]) stream.on(event, onOver);

  const gone = () => failure ?? Object.assign(new Error("the connection is closed"), { code: "ECONNRESET" });

  function read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (reader !== undefined) {
      return Promise.reject(new TypeError("a read is under way already: await it first"));
    }
    const held = stream.read() as Uint8Array | null;
    if (held !== null) return Promise.resolve(held);
    if (stream.readableEnded) return Promise.resolve(undefined);
    if (failure !== undefined || stream.destroyed) return Promise.reject(gone());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const settle = () => {
        reader = undefined;
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        settle();
        reject(signal!.reason);
      };
      reader = () => {
        const bytes = stream.read() as Uint8Array | null;
        const isOver = stream.readableEnded || failure !== undefined || stream.destroyed;
        if (bytes === null && !isOver) return;
        settle();
        if (bytes !== null) resolve(bytes);
        else if (stream.readableEnded) resolve(undefined);
        else reject(gone());
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    localAddress: hostAndPort(stream.localAddress, stream.localPort),
    remoteAddress,
    alpn: (stream as Tls.TLSSocket).alpnProtocol || undefined,
    stream,
    get quiet() {
      return !isSpoilt && writing === 0 && reader === undefined && stream.readableLength === 0;
    },
    read,
    write(bytes) {
      if (failure !== undefined || stream.destroyed) return Promise.reject(gone());
      writing++;
      return new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          writing--;
          if (error) reject(failure ?? error);
          else resolve();
        });
      });
    },
    end() {
      isSpoilt = true;
      return new Promise((resolve) => void stream.end(() => resolve()));
    },
    destroy() {
      isSpoilt = true;
      stream.destroy();
    },
    onNews(given) {
      listener = given;
    },
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
      for (const event of ["end", "close"]) stream.off(event, onOver);
      stream.off("error", onError);
      return stream;
    },
  };
}

function describe(to: SocketTarget): string {
  return to.transport === "tcp" ? hostAndPort(to.address, to.port) : to.path;
}

export function hostAndPort(address: string | undefined, port: number | undefined): string {
  if (address === undefined || port === undefined) return "";
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
