/** Servers on loopback that behave, and misbehave, as they are told. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** A server that runs. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Connections open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections accepted so far, and the most at a time. */
  readonly accepted: number;
  readonly peak: number;
}

/** Serves each connection by `serve`; by default everything is sent back. */
export function startServer(serve: (socket: Socket) => void = echo): Promise<TestServer> {
  return listen(createServer({ allowHalfOpen: true }), "connection", serve);
}

/** As `startServer`, behind TLS. */
export function startTlsServer(
  options: TlsOptions,
  serve: (socket: Socket) => void = echo,
): Promise<TestServer> {
  return listen(createTlsServer(options), "secureConnection", serve);
}

/** A certificate, a key, or an authority of the tests. */
export function pem(file: string): string {
  return readFileSync(new URL(`../support/certificates/${file}`, import.meta.url), "utf8");
}

/** Sends everything back. */
export function echo(socket: Socket): void {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("end", () => socket.end());
}

async function listen(server: Server, event: string, serve: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let peak = 0;
  server.on("connection", (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    peak = Math.max(peak, sockets.size);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on(event, (socket: Socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    sockets,
    get accepted() {
      return accepted;
    },
    get peak() {
      return peak;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = await startServer();
  await server[Symbol.asyncDispose]();
  return server.port;
}

const SLEEPER = `
import { createServer } from "node:net";
import process from "node:process";
const server = createServer();
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  console.log(server.address().port);
  setTimeout(() => process.kill(process.pid, "SIGSTOP"), 20);
});`;

/** A port that takes no more connections and refuses none: its process is stopped, and its queue is full. */
export async function startBlackHole(): Promise<AsyncDisposable & { readonly address: string }> {
  const args = "Deno" in globalThis ? ["eval", SLEEPER] : ["--input-type=module", "-e", SLEEPER];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout!, "data");
  const port = Number(String(line));
  const fillers: Socket[] = [];
  await new Promise((resolve) => setTimeout(resolve, 150));
  // The first ones are taken into the queue; once it is full one of them hangs, and so does whoever comes after.
  for (let full = false; !full && fillers.length < 20;) {
    const filler = connect(port, "127.0.0.1");
    filler.on("error", () => {});
    fillers.push(filler);
    full = await Promise.race([
      once(filler, "connect").then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, true)),
    ]);
  }
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
