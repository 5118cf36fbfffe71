/**
 * `fetch` over a connection manager: endpoint names as hosts, and with them tiers, markdown, limits, DNS cache and deadlines.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { type Context, currentContext, inject as injectHeaders } from "../context/mod.ts";
import { BallastError, checkInteger, checkNumber } from "../errors.ts";
import type { Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import { type DerivedSignal, linkSignals } from "../signal.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { type HttpRequest, readRequest } from "./http_request.ts";
import type { Incoming } from "./incoming.ts";
import type { ConnectionManager } from "./manager.ts";
import { locationOf, redirected } from "./redirect.ts";
import { toResponse } from "./response.ts";
import { loadUndici } from "./undici.ts";

/** Options of {@linkcode createFetch}. Every one may be left out. */
export interface FetchOptions {
  /** Times that a request is sent at most, the first included: within the manager's retry budget, where it does no harm. @default 3 */
  readonly tries?: number;
  /** Of a body that is sent piece by piece, so much is kept so that it can be sent again. @default 65536 */
  readonly replayBytes?: number;
  /** How long the head of a response may take, in milliseconds: then the address is at fault. 0 for no limit. @default 300000 */
  readonly headersTimeoutMs?: number;
  /** How long there may be nothing to read of a response's body. 0 for no limit. @default 300000 */
  readonly bodyTimeoutMs?: number;
  /** A body that waits to be read for so long is given up, and its connection closed. @default 60000 */
  readonly unreadTimeoutMs?: number;
  /**
   * Writes what travels on with a request, for the context it is made in. A header that the caller has set stays.
   *
   * @default trace and deadline of the context; nothing with `false`
   */
  readonly propagate?: false | ((headers: Record<string, string>, context: Context) => void);
  /** Where requests are recorded and timed: until the head of a response, by endpoint and method. @default nowhere */
  readonly log?: Log;
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
}

/** Redirects followed, as the fetch standard has it. */
const MAX_REDIRECTS = 20;

/** The signature of `fetch`. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Makes a `fetch` whose hosts may be endpoints or aliases of a manager (in lower case, as in every URL), and are else as
 * everywhere. Responses, redirects, streams, signals and errors are those of WHATWG's `fetch`: a failure is a `TypeError`
 * whose `cause` says what was tried.
 *
 * A request that failed before its response began is sent again, to another address where there is one, if it is idempotent
 * and its body is all there, or if nothing of it was sent. The deadline of the current context ends it, and travels on.
 *
 * `https:` is TLS by the name in the URL, or as the endpoint has it; with `http:` the endpoint says whether there is TLS. Where
 * the runtime has no sockets, and on Bun, this is the runtime's own `fetch` with deadline and trace, and endpoints are refused.
 *
 * @example A service by its name
 * ```ts
 * import assert from "node:assert/strict";
 * import { createServer } from "node:http";
 * import { createConnectionManager, createFetch } from "@ballast/runtime/connections";
 *
 * const server = createServer((_, response) => response.end("charged")).listen(0, "127.0.0.1");
 * await new Promise((resolve) => server.once("listening", resolve));
 * const { port } = server.address() as { port: number };
 *
 * const manager = createConnectionManager({
 *   endpoints: { payments: { tiers: [[`127.0.0.1:${port}`]] } },
 * });
 * const fetch = createFetch(manager);
 * const response = await fetch("http://payments/charge", { method: "POST", body: "42" });
 * assert.equal(await response.text(), "charged");
 * await manager.close();
 * server.close();
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createFetch(manager: ConnectionManager, options: FetchOptions = {}): Fetch {
  const platform = options.platform ?? detectPlatform();
  const clock = options.clock ?? options.platform?.clock ?? systemClock;
  const replayBytes = checkInteger("replayBytes", options.replayBytes ?? 65_536);
  const settings = {
    manager,
    clock,
    log: options.log,
    tries: checkInteger("tries", options.tries ?? 3, { min: 1, max: 10 }),
    headersTimeoutMs: checkInteger("headersTimeoutMs", options.headersTimeoutMs ?? 300_000),
    bodyTimeoutMs: checkInteger("bodyTimeoutMs", options.bodyTimeoutMs ?? 300_000),
    unreadTimeoutMs: checkNumber("unreadTimeoutMs", options.unreadTimeoutMs ?? 60_000, { min: 1 }),
  };
  const { propagate = (headers, context) => void injectHeaders(headers, { context }) } = options;
  const inject = propagate || (() => {});
  // Bun puts a fetch of its own in the place of undici's, and that takes no connections.
  if (platform.net === undefined || platform.name === "bun") {
    return plainFetch(manager, platform.name, inject);
  }

  const { net } = platform;
  let exchangeOptions: ExchangeOptions | undefined;

  return async (input, init) => {
    const context = currentContext();
    const request = readRequest(input, init, replayBytes);
    if (request === undefined) return await globalThis.fetch(input, init);
    exchangeOptions ??= { ...settings, undici: await loadUndici() };
    const call = new Call(exchangeOptions, context, inject, signalOf(input, init));
    try {
      const { incoming, last } = await call.follow(request);
      return responseOf(incoming, last, { redirected: last !== request, net });
    } finally {
      call.settled();
    }
  };
}

function responseOf(...[incoming, request, how]: Parameters<typeof toResponse>): Response {
  try {
    return toResponse(incoming, request, how);
  } catch (cause) {
    incoming.cancel(cause);
    throw new TypeError("fetch failed", { cause });
  }
}

type Inject = (headers: Record<string, string>, context: Context) => void;

function signalOf(input: string | URL | Request, init: RequestInit | undefined): AbortSignal | undefined {
  if (init?.signal !== undefined) return init.signal ?? undefined;
  return input instanceof Request ? input.signal : undefined;
}

/** One call of fetch: an exchange for each of its hops. */
class Call {
  readonly #options: ExchangeOptions;
  readonly #context: Context | undefined;
  readonly #inject: Inject;
  readonly #signal: AbortSignal | undefined;
  readonly #linked: DerivedSignal | undefined;
  readonly #onOver: (() => void) | undefined;
  /** What goes on: exchanges, and the call itself until it is settled. */
  #open = 1;

  constructor(
    options: ExchangeOptions,
    context: Context | undefined,
    inject: Inject,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#context = context;
    this.#inject = inject;
    this.#signal = signal ?? context?.signal;
    if (signal === undefined || context === undefined) return;
    this.#linked = linkSignals(signal, context.signal);
    this.#signal = this.#linked.signal;
    this.#onOver = () => this.#release();
  }

  /** Carries out a request, and those that it is redirected to: the last one, and its response. */
  async follow(request: HttpRequest): Promise<{ readonly incoming: Incoming; readonly last: HttpRequest }> {
    for (let hops = 0;; hops++) {
      const incoming = await this.#exchange(request);
      if (request.redirect === "manual") return { incoming, last: request };
      const location = locationOf(incoming.head);
      if (location === undefined) return { incoming, last: request };
      incoming.discard();
      try {
        if (request.redirect === "error") throw new TypeError('redirected, and `redirect` is "error"');
        if (hops >= MAX_REDIRECTS) throw new TypeError(`redirected more than ${MAX_REDIRECTS} times`);
        request = redirected(request, incoming.head.status, location);
      } catch (cause) {
        throw new TypeError("fetch failed", { cause });
      }
    }
  }

  /** There is a response, or none. Its body may still be on the way. */
  settled(): void {
    this.#release();
  }

  async #exchange(request: HttpRequest): Promise<Incoming> {
    const signal = this.#signal;
    if (signal?.aborted) {
      request.body?.end(signal.reason);
      throw signal.reason;
    }
    this.#open++;
    const exchange = new Exchange(this.#options, request, signal, this.#onOver);
    try {
      return await exchange.run(this.#context && injected(this.#context, this.#inject));
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw new TypeError("fetch failed", { cause });
    }
  }

  #release(): void {
    if (--this.#open === 0) this.#linked?.release();
  }
}

/** What travels on with every request made in a context. */
function injected(context: Context, inject: Inject): Record<string, string> {
  const given: Record<string, string> = {};
  inject(given, context);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value;
  return headers;
}

/** The runtime's own fetch, with the deadline of the context. */
function plainFetch(manager: ConnectionManager, platform: string, inject: Inject): Fetch {
  return (input, init) => {
    const request = new Request(input, init);
    const { hostname, port } = new URL(request.url);
    if (port === "" && manager.has(hostname)) {
      const message = `"${hostname}" is an endpoint, and on ${platform} fetch cannot connect to endpoints`;
      return Promise.reject(
        new BallastError("UNSUPPORTED", `${message}: use a host`, { data: { endpoint: hostname } }),
      );
    }
    const context = currentContext();
    if (context === undefined) return fetch(request);
    for (const [name, value] of Object.entries(injected(context, inject))) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    return fetch(request, { signal: AbortSignal.any([request.signal, context.signal]) });
  };
}
