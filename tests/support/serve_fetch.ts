/** A `fetch` handler behind a real socket, on every runtime that has `node:http`. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FetchServer {
  /** Without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves on an ephemeral port of the loopback. A response's body is cancelled, and the request's signal aborted, when the client leaves. */
export async function serveFetch(
  handler: (request: Request) => Response | Promise<Response>,
): Promise<FetchServer> {
  const server = createServer((incoming, outgoing) => void answer(handler, incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  handler: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) left.abort(new DOMException("the client left", "AbortError"));
  });
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers as Record<string, string>,
    signal: left.signal,
  });
  try {
    const response = await handler(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body !== null && request.method !== "HEAD") {
      const reader = response.body.getReader();
      left.signal.addEventListener("abort", () => void reader.cancel(left.signal.reason).catch(() => {}));
      for (let part = await reader.read(); !part.done; part = await reader.read()) outgoing.write(part.value);
    }
    outgoing.end();
  } catch {
    outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(500).end();
  }
}
