/**
 * Serves an app: each request within its limits, and every error an answer.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError } from "../errors.ts";
import type { Log } from "../log/mod.ts";
import type { HttpEngine, HttpExchange, PlatformServers, ServerSocket } from "../platform/server_port.ts";
import { answerText, type Listener, type Service } from "./listener.ts";
import type { AppRequestInfo, FetchHandler } from "./options.ts";
import type { ServedConnection, ServedRequest } from "./served_connection.ts";

/** What an app is served with. */
export interface AppServiceOptions {
  readonly fetch: FetchHandler;
  readonly listener: Listener;
  readonly servers: PlatformServers;
  readonly clock: Clock;
  readonly log: Log;
}

/** An app on a listener. */
export class AppService implements Service {
  readonly #fetch: FetchHandler;
  readonly #listener: Listener;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #engine: HttpEngine;
  readonly #connections = new WeakMap<ServerSocket, ServedConnection>();

  constructor({ fetch, listener, servers, clock, log }: AppServiceOptions) {
    this.#fetch = fetch;
    this.#listener = listener;
    this.#clock = clock;
    this.#log = log;
    const { maxHeaderBytes, maxBodyBytes } = listener.settings;
    this.#engine = servers.http({
      maxHeaderBytes,
      maxBodyBytes,
      onExchange: (socket, exchange) => this.#serve(this.#connections.get(socket)!, exchange),
      onMalformed: (socket, kind) => this.#refuseMalformed(this.#connections.get(socket)!, kind),
    });
  }

  begin(connection: ServedConnection): void {
    this.#connections.set(connection.socket, connection);
    connection.http = this.#engine.serve(connection.socket, connection.isHttp2 ? "h2" : "http/1.1");
  }

  tend(connection: ServedConnection, now: number): void {
    if (connection.phase === "discarding") {
      if (connection.unfinished?.body === "done") this.#listener.rest(connection, now);
      return;
    }
    for (const served of connection.exchanges) this.#tendRequest(connection, served, now);
  }

  wind(connection: ServedConnection): void {
    if (connection.isHttp2) connection.http?.goAway();
    // What was sent while nobody looked is a request that was accepted.
    const isQuiet = connection.phase === "idle" && connection.socket.bytesRead === connection.mark;
    if (isQuiet) this.#listener.finish(connection);
  }

  #serve(connection: ServedConnection, exchange: HttpExchange): void {
    const listener = this.#listener;
    const now = this.#clock.monotonic();
    const served: ServedRequest = { exchange, startedAt: now, status: undefined, sent: 0, movedAt: now };
    connection.requests++;
    connection.exchanges.add(served);
    listener.engage(connection, now);
    exchange.onOver(() => this.#over(connection, served));
    if ((exchange.contentLength ?? 0) > listener.settings.maxBodyBytes) {
      listener.note("body length");
      return this.#refuse(served, 413, "The request's body is too long.\n");
    }
    let request: Request;
    try {
      request = exchange.request(this.#defaultHost);
    } catch {
      listener.note("malformed");
      return this.#refuse(served, 400, "This is no request that can be served.\n");
    }
    void this.#answer(connection, served, request);
  }

  async #answer(connection: ServedConnection, served: ServedRequest, request: Request): Promise<void> {
    const { exchange } = served;
    let response: Response;
    try {
      response = await this.#fetch(request, this.#info(connection, exchange));
      if (!isResponse(response)) throw new TypeError("the app's fetch gave no Response");
    } catch (error) {
      return this.#fail(served, error);
    }
    try {
      const { maxRequestsPerConnection } = this.#listener.settings;
      const close = this.#listener.draining || connection.requests >= maxRequestsPerConnection;
      if (close && connection.isHttp2) connection.http?.goAway();
      served.status ??= response.status;
      await exchange.respond(response, { close });
    } catch (error) {
      this.#fail(served, error);
    }
  }

  /** What the app throws is its client's 500, unless the request itself was at fault. */
  #fail(served: ServedRequest, error: unknown): void {
    const { exchange } = served;
    if (exchange.bodyFault === "length") {
      this.#listener.note("body length");
      return this.#refuse(served, 413, "The request's body is too long.\n");
    }
    // Was told of already; or there is nobody to tell.
    if (exchange.bodyFault === "timeout" || exchange.over && !exchange.complete) return;
    this.#listener.counts.fail();
    const { method, target } = exchange;
    this.#log.error("the app failed", {
      listener: this.#listener.id.name,
      method,
      path: pathOf(target),
      error,
    });
    this.#refuse(served, 500, "Internal server error.\n");
  }

  #refuse(served: ServedRequest, status: number, text: string): void {
    const { exchange } = served;
    if (exchange.answered || exchange.over) return exchange.destroy();
    served.status = status;
    exchange.refuse(status, text, this.#listener.draining && exchange.httpVersion !== "2.0" ? CLOSE : {});
  }

  #over(connection: ServedConnection, served: ServedRequest): void {
    const now = this.#clock.monotonic();
    const { exchange } = served;
    connection.exchanges.delete(served);
    this.#listener.counts.finish(exchange.complete ? served.status : undefined, now - served.startedAt);
    if (connection.exchanges.size > 0 || connection.phase !== "busy") return;
    const isUnread = exchange.body === "unread" || exchange.body === "reading";
    if (isUnread && !connection.isHttp2) {
      connection.unfinished = exchange;
      connection.enter("discarding", now);
    } else this.#listener.rest(connection, now);
  }

  #tendRequest(connection: ServedConnection, served: ServedRequest, now: number): void {
    const { exchange, startedAt } = served;
    const { bodyTimeoutMs, requestTimeoutMs, sendTimeoutMs } = this.#listener.settings;
    const passed = now - startedAt;
    if (exchange.answered) return this.#tendSending(connection, served, now, sendTimeoutMs);
    if (exchange.body === "reading" && passed > bodyTimeoutMs) {
      this.#listener.note("body timeout");
      this.#refuse(served, 408, "The request's body did not come in time.\n");
      exchange.timeOutBody();
    } else if (passed > requestTimeoutMs) {
      this.#listener.note("request timeout");
      this.#refuse(served, 504, "The service took too long.\n");
      const message = `no answer within ${requestTimeoutMs} ms`;
      exchange.abort(new BallastError("TIMEOUT", message, { data: { timeoutMs: requestTimeoutMs } }));
    }
  }

  #tendSending(
    { socket }: ServedConnection,
    served: ServedRequest,
    now: number,
    sendTimeoutMs: number,
  ): void {
    const sent = socket.bytesWritten - socket.pendingBytes;
    if (sent !== served.sent || socket.pendingBytes === 0) {
      served.sent = sent;
      served.movedAt = now;
    } else if (now - served.movedAt > sendTimeoutMs) {
      this.#listener.note("send timeout");
      served.exchange.abort(new BallastError("TIMEOUT", "the client takes nothing of the response"));
      socket.destroy();
    }
  }

  #refuseMalformed(connection: ServedConnection, kind: "malformed" | "header" | "gone"): void {
    if (connection.phase === "closing") return;
    // In the middle of a response an answer would be taken for its body.
    const isAnswering = [...connection.exchanges].some(({ exchange }) => exchange.answered && !exchange.over);
    if (kind === "gone") return connection.socket.destroy();
    const answer = kind === "header"
      ? answerText(431, "Request Header Fields Too Large")
      : answerText(400, "Bad Request");
    const mayAnswer = !isAnswering && !connection.isHttp2;
    this.#listener.refuse(
      connection,
      kind === "header" ? "header length" : "malformed",
      mayAnswer ? answer : undefined,
    );
  }

  #info(connection: ServedConnection, { httpVersion }: HttpExchange): AppRequestInfo {
    return {
      remoteAddress: connection.socket.remoteAddress,
      listener: this.#listener.id.name,
      secure: this.#listener.tls !== undefined,
      httpVersion,
      clientCertificate: connection.clientCertificate,
    };
  }

  /** Of a request of HTTP/1.0 that names no host. */
  get #defaultHost(): string {
    const { bound } = this.#listener;
    if (bound?.port === undefined) return "localhost";
    return bound.hostname.includes(":")
      ? `[${bound.hostname}]:${bound.port}`
      : `${bound.hostname}:${bound.port}`;
  }
}

const CLOSE = { connection: "close" } as const;

/** By its shape: it may be of another realm, or of a library. */
function isResponse(given: unknown): given is Response {
  const { status, headers } = (given ?? {}) as { status?: unknown; headers?: unknown };
  return typeof status === "number" && typeof headers === "object" && headers !== null;
}

function pathOf(target: string): string {
  return target.split("?", 1)[0]!.slice(0, 200);
}
