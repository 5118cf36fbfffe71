/**
 * Two tiny HTTP services on loopback for the demo to call: `users` and `orders`.
 *
 * @example Ask one of them
 * ```ts
 * import assert from "node:assert/strict";
 * import { startBackends } from "./backends.ts";
 *
 * const { backends: [users], close } = await startBackends();
 * const response = await fetch(`http://127.0.0.1:${users!.port}/`);
 * const { backend, requests } = await response.json();
 * assert.deepEqual([backend, requests], ["users", 1]);
 * await close();
 * ```
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";

/** What every backend answers on `/`. */
export interface BackendReply {
  /** The backend's name. */
  readonly backend: string;
  /** When it answered, in ISO 8601. */
  readonly at: string;
  /** Requests that it has had, this one included. */
  readonly requests: number;
}

/** How the backends behave. */
export interface BackendsOptions {
  /** How long each takes to answer. @default 0 */
  readonly latencyMs?: number;
}

/** One backend that is running. */
export interface Backend {
  /** `users` or `orders`. */
  readonly name: string;
  /** Its port on 127.0.0.1. */
  readonly port: number;
}

/** The backends, running. */
export interface Backends extends AsyncDisposable {
  /** Where they are. */
  readonly backends: readonly Backend[];
  /** Stops them at once, whoever is connected. Safe to call twice. */
  close(): Promise<void>;
}

const NAMES = ["users", "orders"];
/** Longer than the idle timeout of a pooled client, so that it is the client that closes first. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Starts the two backends, each on a port of its own.
 *
 * @throws {TypeError} when `latencyMs` is not a number of milliseconds
 */
export async function startBackends(options: BackendsOptions = {}): Promise<Backends> {
  const { latencyMs = 0 } = options;
  if (!(latencyMs >= 0)) throw new TypeError(`latencyMs must be a number >= 0, got ${latencyMs}`);
  const started = NAMES.map((name) => ({ name, server: createBackend(name, latencyMs) }));
  for (const { server } of started) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const backends = started.map(({ name, server }) => ({
    name,
    port: (server.address() as AddressInfo).port,
  }));
  let closing: Promise<void> | undefined;
  const close = () =>
    closing ??= Promise.all(started.map(({ server }) => closeServer(server))).then(() => {});
  return { backends, close, [Symbol.asyncDispose]: close };
}

function createBackend(backend: string, latencyMs: number): Server {
  let requests = 0;
  const server = createServer((request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/") return void response.writeHead(404).end();
    requests++;
    const reply = (): void => {
      const body: BackendReply = { backend, at: new Date().toISOString(), requests };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (latencyMs === 0) return reply();
    const timer = setTimeout(reply, latencyMs);
    response.on("close", () => clearTimeout(timer));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
