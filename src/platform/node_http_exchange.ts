/**
 * A request of `node:http` or `node:http2` as a `Request`, and its `Response` sent back.
 */

import { NodeRequestBody } from "./node_http_body.ts";
import { sendBody } from "./node_http_send.ts";
import type { Incoming, Outgoing } from "./node_http_types.ts";
import type { BodyState, HttpExchange } from "./server_port.ts";

/** Methods that no `Request` may have. */
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
/** Headers of a connection, which HTTP/2 has none of (RFC 9113, 8.2.2). */
const OF_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A `Request` whose signal is made when somebody asks for it: to hand one to the constructor costs more than everything else. What is made
 * from the request, by `fetch(request)` or `new Request(request)`, does not follow it: pass the signal along.
 */
class ServedRequest extends Request {
  #exchange: NodeExchange | undefined;

  constructor(exchange: NodeExchange, url: string, init: RequestInit) {
    super(url, init);
    this.#exchange = exchange;
  }

  override get signal(): AbortSignal {
    return this.#exchange?.signal ?? super.signal;
  }

  override clone(): Request {
    const { signal } = this;
    return Object.defineProperty(super.clone(), "signal", { value: signal });
  }
}

/** A request and its response. */
export class NodeExchange implements HttpExchange {
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #body: NodeRequestBody | undefined;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #aborted = false;
  #over = false;
  #complete = false;
  #onOver: (() => void) | undefined;
  #cancelBody: ((reason: unknown) => void) | undefined;
  #refused = false;
  /** Whether the client waits to be told to send its body. */
  readonly #waits: boolean;

  constructor(incoming: Incoming, outgoing: Outgoing, maxBodyBytes: number, waits = false) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#waits = waits;
    if (hasBody(incoming)) this.#body = new NodeRequestBody(incoming, maxBodyBytes, () => this.#askForBody());
    outgoing.on("finish", () => this.#end(true));
    outgoing.on("close", () => this.#end(outgoing.writableFinished));
    // An error of either side is the exchange's end, which comes as well.
    outgoing.on("error", ignore);
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get target(): string {
    return this.#incoming.url ?? "";
  }

  get httpVersion(): string {
    return this.#incoming.httpVersion;
  }

  get contentLength(): number | undefined {
    const text = this.#incoming.headers["content-length"];
    return typeof text === "string" ? Number(text) : undefined;
  }

  get body(): BodyState {
    return this.#body?.state ?? "none";
  }

  get bodyFault(): "length" | "timeout" | undefined {
    return this.#body?.fault;
  }

  get answered(): boolean {
    return this.#refused || this.#outgoing.headersSent;
  }

  get over(): boolean {
    return this.#over;
  }

  get complete(): boolean {
    return this.#complete;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  onOver(listener: () => void): void {
    if (this.#over) listener();
    else this.#onOver = listener;
  }

  request(defaultHost: string): Request {
    const { method } = this;
    if (FORBIDDEN.has(method)) throw new TypeError(`the method ${method} is not served`);
    const init: RequestInit & { duplex?: "half" } = { method, headers: headersOf(this.#incoming) };
    if (this.#body !== undefined && method !== "GET" && method !== "HEAD") {
      init.body = this.#body.stream();
      init.duplex = "half";
    }
    return new ServedRequest(this, urlOf(this.#incoming, defaultHost), init);
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.#cancelBody?.(reason);
  }

  timeOutBody(): void {
    this.#body?.fail("timeout");
  }

  async respond(response: Response, { close }: { readonly close: boolean }): Promise<void> {
    const outgoing = this.#outgoing;
    const { status, body } = response;
    if (this.answered || this.#over) return void body?.cancel().catch(ignore);
    const headers = plainHeaders(response.headers, this.#isHttp2);
    if (close && !this.#isHttp2) headers["connection"] = "close";
    if (body === null || this.method === "HEAD" || status === 204 || status === 304) {
      body?.cancel().catch(ignore);
      outgoing.writeHead(status, headers);
      outgoing.end();
      return;
    }
    await sendBody(outgoing, { status, headers, body }, {
      isGone: () => this.#over,
      onCancel: (cancel) => {
        this.#cancelBody = cancel;
        if (this.#aborted) cancel(this.#abortReason);
      },
    });
  }

  refuse(status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    if (this.answered || this.#over) return this.#over ? undefined : this.destroy();
    this.#refused = true;
    const body = new TextEncoder().encode(text);
    this.#outgoing.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(body.length),
      ...headers,
    });
    this.#outgoing.end(body);
  }

  destroy(): void {
    if (this.#isHttp2) this.#outgoing.stream?.close(0x8); // CANCEL
    else this.#outgoing.destroy();
  }

  get #isHttp2(): boolean {
    return this.#incoming.httpVersionMajor === 2;
  }

  #askForBody(): void {
    if (this.#waits && !this.answered) this.#outgoing.writeContinue();
  }

  #end(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#complete = complete;
    if (complete) this.#body?.leave();
    else this.#body?.lose();
    if (!complete) this.abort(new DOMException("the client left", "AbortError"));
    this.#onOver?.();
  }
}

export function ignore(): void {}

/** RFC 9112, 6.3: a request without either header has no body. */
function hasBody(incoming: Incoming): boolean {
  if (incoming.httpVersionMajor === 2) return incoming.stream?.endAfterHeaders !== true;
  const { headers } = incoming;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function headersOf(incoming: Incoming): [string, string][] {
  const { rawHeaders } = incoming;
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    // Pseudo-headers of HTTP/2 are no headers.
    if (name.charCodeAt(0) !== 0x3a) headers.push([name, rawHeaders[index + 1]!]);
  }
  return headers;
}

function urlOf(incoming: Incoming, defaultHost: string): string {
  const target = incoming.url ?? "";
  const isHttp2 = incoming.httpVersionMajor === 2;
  const scheme = isHttp2 || (incoming.socket as { encrypted?: boolean }).encrypted ? "https" : "http";
  const host = String((isHttp2 ? incoming.authority : incoming.headers.host) || defaultHost);
  // RFC 9112, 3.2: only HTTP/1.0 may leave it out. Not every runtime sees to that.
  if (incoming.httpVersion === "1.1" && incoming.headers.host === undefined) throw new TypeError("no host");
  // The host must not bring a path, a query or a user along.
  if (/[/?#@\\\s]/.test(host)) throw new TypeError(`"${host}" is no host`);
  if (target.startsWith("/")) return `${scheme}://${host}${target}`;
  // The absolute form (RFC 9112, 3.2.2), which a server must take although only proxies are sent it.
  if (/^https?:\/\//i.test(target)) return target;
  throw new TypeError(`"${target}" is no path`);
}

function plainHeaders(headers: Headers, isHttp2: boolean): Record<string, string | string[]> {
  const plain: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    if (isHttp2 && OF_CONNECTION.has(name)) continue;
    if (name === "set-cookie") ((plain[name] ??= []) as string[]).push(value);
    else plain[name] = value;
  }
  return plain;
}
