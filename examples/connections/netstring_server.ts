/**
 * A server that answers netstrings, and can be told to misbehave.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers";
import { type BufferedConnection, bufferedConnection } from "@ballast/runtime/connections";
import { readNetstring, writeNetstring } from "./netstring.ts";

/** How a server lets its clients down: it is not there, answers late, breaks the connection in the middle; or does not. */
export type ServerMode = "ok" | "down" | "slow" | "reset";

/** Every {@linkcode ServerMode}. */
export const SERVER_MODES: readonly ServerMode[] = ["ok", "down", "slow", "reset"];

/** A server that runs. */
export interface NetstringServer {
  /** `127.0.0.1:<port>`; the same whatever its mode. */
  readonly address: string;
  /** How it behaves. */
  readonly mode: ServerMode;
  /** Changes how it behaves. */
  setMode(mode: ServerMode): Promise<void>;
  /** Stops it at once, whoever is connected. */
  close(): Promise<void>;
}

/** A slow server answers after this. */
const SLOW_MS = 2_000;
/** Longer than any pooled client is idle. */
const IDLE_MS = 300_000;

/** Starts a server on a port of its own on 127.0.0.1. */
export async function startNetstringServer(answer: (question: string) => string): Promise<NetstringServer> {
  const sockets = new Set<Socket>();
  let mode: ServerMode = "ok";
  let server: Server | undefined;

  async function converse(socket: Socket): Promise<void> {
    const connection = overSocket(socket);
    for (;;) {
      const question = await readNetstring(connection, { timeoutMs: IDLE_MS });
      if (mode === "reset") return void socket.resetAndDestroy();
      if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS).unref());
      await writeNetstring(connection, answer(question));
    }
  }

  async function open(port: number): Promise<number> {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => {});
      // The client went away, or speaks otherwise.
      converse(socket).catch(() => socket.destroy());
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  async function shut(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  const port = await open(0);
  return {
    address: `127.0.0.1:${port}`,
    get mode() {
      return mode;
    },
    async setMode(wanted) {
      mode = wanted;
      if (wanted === "down") await shut();
      else if (server === undefined) await open(port);
    },
    close: shut,
  };
}

/** A buffered connection over a socket of Node's. */
function overSocket(socket: Socket): BufferedConnection {
  const chunks: AsyncIterator<Uint8Array> = socket[Symbol.asyncIterator]();
  return bufferedConnection({
    async read() {
      const { value, done } = await chunks.next();
      return done ? undefined : value;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => error ? reject(error) : resolve());
      }),
  });
}
