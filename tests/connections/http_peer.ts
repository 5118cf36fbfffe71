/** HTTP servers on loopback, and what they saw. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { createDnsCache } from "@ballast/runtime/dns";
import {
  type ConnectionManager,
  createConnectionManager,
  type EndpointTable,
} from "@ballast/runtime/connections";

/** Answers a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on loopback, and what it saw. */
export interface Peer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly server: Server;
  readonly requests: IncomingMessage[];
  readonly sockets: Set<Socket>;
  /** Closes its listener and breaks its connections. */
  kill(): Promise<void>;
}

/** Serves HTTP. */
export async function listen(handler: Handler, port = 0): Promise<Peer> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: bound } = server.address() as { port: number };
  const kill = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    address: `127.0.0.1:${bound}`,
    port: bound,
    server,
    requests,
    sockets,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** All of a body, as text. */
export async function body(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

/** A port at which nothing listens. */
export async function closedPort(): Promise<number> {
  const peer = await listen(() => {});
  await peer.kill();
  return peer.port;
}

/** Runs with a manager; afterwards nothing may be open. */
export async function withManager(
  endpoints: EndpointTable,
  run: (manager: ConnectionManager) => Promise<void>,
  aliases?: Record<string, string>,
): Promise<void> {
  const dns = createDnsCache({ hosts: { "shop.test": ["127.0.0.1"] } });
  const manager = createConnectionManager({ dns, endpoints, aliases });
  try {
    await run(manager);
  } finally {
    await manager.close();
    await dns.close();
  }
  assert.equal(manager.snapshot().open, 0);
}

/** Waits for something that is about to hold. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, `${what} within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Connections in callers' hands. */
export function inUse(manager: ConnectionManager): number {
  return manager.snapshot().endpoints.flatMap(({ addresses }) => addresses)
    .reduce((sum, address) => sum + address.inUse, 0);
}

/** What a failed fetch says is the cause. */
export async function causeOf(call: Promise<Response>): Promise<Error & { code?: string }> {
  const error = await call.then(() => assert.fail("it should have failed"), (error) => error);
  assert.ok(error instanceof TypeError, `${error}`);
  return error.cause as Error;
}

/** Answers with what it was asked. */
export const echo: Handler = async (request, response) => {
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, body: await body(request) }));
};
