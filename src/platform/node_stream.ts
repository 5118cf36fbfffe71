/**
 * A stream that connects when it is first used: what database clients take in the place of a socket they would open themselves.
 */

import type * as Net from "node:net";
import type * as Stream from "node:stream";

import { builtin } from "./node_builtin.ts";

/** What is said of a socket before there is one, and passed on when there is. */
type Setting = "setNoDelay" | "setKeepAlive" | "setTimeout" | "ref" | "unref";

const FACTS = [
  "remoteAddress",
  "remotePort",
  "remoteFamily",
  "localAddress",
  "localPort",
  "encrypted",
  "authorized",
  "alpnProtocol",
] as const;

/**
 * A duplex stream with the face of a `net.Socket`. `open` is called once, with the first read, write or `connect()`; its signal
 * aborts when the stream is destroyed before that. What it rejects with is the stream's error.
 */
export function lazyStream(open: (signal: AbortSignal) => Promise<unknown>): unknown {
  const { Duplex } = builtin<typeof Stream>("node:stream");
  const settings: [Setting, unknown[]][] = [];
  const waiting: ((socket: Net.Socket) => void)[] = [];
  const given = new AbortController();
  let socket: Net.Socket | undefined;
  let begun = false;

  const stream = new Duplex({
    // As sockets are by default: who has read the end sends it as well.
    allowHalfOpen: false,
    read: () => whenOpen((socket) => void socket.resume()),
    write: (chunk, encoding, done) => whenOpen((socket) => void socket.write(chunk, encoding, done)),
    final: (done) => whenOpen((socket) => void socket.end(() => done())),
    destroy(error, done) {
      given.abort(error ?? new Error("the stream was destroyed"));
      socket?.destroy();
      done(error);
    },
  });

  function whenOpen(run: (socket: Net.Socket) => void): void {
    if (socket !== undefined) return run(socket);
    waiting.push(run);
    begin();
  }

  function begin(): void {
    if (begun || stream.destroyed) return;
    begun = true;
    open(given.signal).then((opened) => attach(opened as Net.Socket), (error) => stream.destroy(error));
  }

  function attach(opened: Net.Socket): void {
    opened.on("error", (error) => stream.destroy(error));
    if (stream.destroyed) return void opened.destroy();
    socket = opened;
    for (const [name, args] of settings) call(opened, name, args);
    opened.on("data", (chunk) => {
      if (!stream.push(chunk)) opened.pause();
    });
    // Nothing flows before somebody reads.
    opened.pause();
    opened.on("end", () => stream.push(null));
    opened.on("timeout", () => stream.emit("timeout"));
    opened.on("close", () => {
      // An end that is still to be read comes first.
      if (!opened.readableEnded || stream.writableFinished) stream.destroy();
      else stream.end();
    });
    stream.emit("connect");
    stream.emit("ready");
    if ((opened as { encrypted?: boolean }).encrypted) stream.emit("secureConnect");
    for (const run of waiting.splice(0)) run(opened);
  }

  function setting(name: Setting): (...args: unknown[]) => unknown {
    return (...args) => {
      if (name === "setTimeout" && typeof args[1] === "function") {
        stream.once("timeout", args.pop() as () => void);
      }
      if (socket === undefined) settings.push([name, args]);
      else call(socket, name, args);
      return stream;
    };
  }

  const properties: PropertyDescriptorMap = {
    connecting: { get: () => socket === undefined && !stream.destroyed },
    pending: { get: () => socket === undefined },
    // Whoever calls it says where to: that is known here.
    connect: {
      value: () => {
        begin();
        return stream;
      },
    },
    address: { value: () => socket?.address() ?? {} },
    destroySoon: {
      value: () => {
        if (stream.writableFinished) stream.destroy();
        else stream.end(() => stream.destroy());
      },
    },
  };
  for (const name of ["setNoDelay", "setKeepAlive", "setTimeout", "ref", "unref"] as const) {
    properties[name] = { value: setting(name) };
  }
  for (const name of FACTS) {
    properties[name] = { get: () => (socket as unknown as Record<string, unknown> | undefined)?.[name] };
  }
  return Object.defineProperties(stream, properties);
}

function call(socket: Net.Socket, name: Setting, args: unknown[]): void {
  (socket[name] as (...args: unknown[]) => unknown)(...args);
}
