/** Clients that say exactly what a test wants said. */

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { createRuntime, type Runtime } from "@ballast/runtime";
import { createServerSet, type ServerSet, type ServerSetOptions } from "@ballast/runtime/group";
import { createStats, type Stats } from "@ballast/runtime/stats";

/** What a silent log takes. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export interface Served extends AsyncDisposable {
  readonly servers: ServerSet;
  readonly stats: Stats;
  /** The port of the first listener. */
  readonly port: number;
  readonly url: string;
  readonly portOf: (name: string) => number;
  /** Refusals of a listener, by reason. */
  readonly refused: (listener?: string) => Record<string, number>;
}

/** Servers on the loopback. */
export async function serve(options: ServerSetOptions): Promise<Served> {
  const stats = createStats();
  const local = <T extends { path?: string }>(given: T): T =>
    given.path === undefined ? { hostname: "127.0.0.1", ...given } : given;
  const servers = createServerSet({
    stats,
    ...options,
    apps: (options.apps ?? []).map((app) => local(app as typeof app & { path?: string })),
    streams: (options.streams ?? []).map((stream) => local(stream as typeof stream & { path?: string })),
  });
  const bound = await servers.listen();
  const [first] = bound;
  return {
    servers,
    stats,
    port: first!.port!,
    url: first!.url,
    portOf: (name) => bound.find((listener) => listener.name === name)!.port!,
    refused(listener) {
      const found = servers.snapshot().listeners.find(({ name }) =>
        listener === undefined || name === listener
      )!;
      return Object.fromEntries(found.refused.map(({ reason, count }) => [reason, count]));
    },
    [Symbol.asyncDispose]: () => servers.close(),
  };
}

/** A runtime that logs nothing. */
export function silentRuntime(): Runtime {
  return createRuntime({ monitor: false, log: { logger: SILENT } });
}

/** A client that speaks bytes. */
export interface Client extends Disposable {
  readonly socket: Socket;
  /** What has come so far. */
  readonly received: () => string;
  send(text: string): void;
  /** Waits until what has come matches. */
  until(pattern: RegExp, ms?: number): Promise<string>;
  /** Waits for the server's end; gives all that came. */
  ended(ms?: number): Promise<string>;
  close(): void;
}

/** Connects. An error of the connection is its end. */
export async function dial(to: number | string): Promise<Client> {
  const where: NetConnectOpts = typeof to === "number" ? { host: "127.0.0.1", port: to } : { path: to };
  const socket = connect(where);
  let text = "";
  let isOver = false;
  const watchers = new Set<() => void>();
  const tell = () => watchers.forEach((watch) => watch());
  const over = () => {
    isOver = true;
    tell();
  };
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    tell();
  });
  socket.on("error", () => {});
  socket.on("end", over);
  socket.on("close", over);
  await within(new Promise<void>((resolve) => socket.once("connect", resolve).once("close", resolve)), 5_000);
  const wait = (isThere: () => boolean, what: string, ms: number) =>
    within(
      new Promise<string>((resolve) => {
        const watch = () => {
          if (!isThere()) return;
          watchers.delete(watch);
          resolve(text);
        };
        watchers.add(watch);
        watch();
      }),
      ms,
      () => `${what}; got ${JSON.stringify(text.slice(0, 300))}`,
    );
  const close = () => void socket.destroy();
  return {
    socket,
    received: () => text,
    send: (text) => void socket.write(text),
    until: (pattern, ms = 5_000) => wait(() => pattern.test(text), `no ${pattern}`, ms),
    ended: (ms = 5_000) => wait(() => isOver, "the server did not end", ms),
    close,
    [Symbol.dispose]: close,
  };
}

/** Says something and waits for the server to end the connection. */
export async function say(to: number | string, text: string): Promise<string> {
  const client = await dial(to);
  client.send(text);
  try {
    return await client.ended();
  } finally {
    client.close();
  }
}

/** A promise, with a bound. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  what: () => string = () => "too late",
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`within ${ms} ms: ${what()}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something holds. */
export async function eventually(isThere: () => boolean, what: string, ms = 5_000): Promise<void> {
  const until = performance.now() + ms;
  while (!isThere()) {
    if (performance.now() > until) throw new Error(`within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise and what settles it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => resolve = settle);
  return { promise, resolve };
}

/** A request without a body. */
export function get(path = "/", headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`;
}
