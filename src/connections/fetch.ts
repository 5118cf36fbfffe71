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
import { ownRequest, webResponse } from "./fetch_types.ts";
import type { ConnectionManager } from "./manager.ts";
import { type Dispatcher, type DispatchHandler, type DispatchOptions, loadUndici } from "./undici.ts";

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
  const settings = {
    manager,
    clock,
    log: options.log,
    tries: checkInteger("tries", options.tries ?? 3, { min: 1, max: 10 }),
    replayBytes: checkInteger("replayBytes", options.replayBytes ?? 65_536),
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

  return async (input, init) => {
    const context = currentContext();
    const request = input instanceof Request ? input : undefined;
    const call = new Call(context, inject, init?.signal ?? request?.signal);
    try {
      call.signal?.throwIfAborted();
      const undici = await loadUndici();
      call.options = { ...settings, undici };
      const own = ownRequest(undici, input, init);
      call.endBody = own.endBody;
      const response = await undici.fetch(own.url, { ...own.init, signal: call.signal, dispatcher: call });
      return webResponse(response, platform.name === "deno" ? call : undefined);
    } finally {
      call.settled();
    }
  };
}

type Inject = (headers: Record<string, string>, context: Context) => void;

/** One call of fetch: an exchange for each of its hops. */
class Call implements Dispatcher {
  options!: ExchangeOptions;
  endBody: ((reason: unknown) => void) | undefined;
  readonly #context: Context | undefined;
  readonly #inject: Inject;
  readonly #linked: DerivedSignal | undefined;
  #exchanges = 0;
  #hops = 0;
  #onBroken: ((error: unknown) => void) | undefined;
  #failure: { readonly error: unknown } | undefined;
  #settled = false;

  constructor(context: Context | undefined, inject: Inject, signal: AbortSignal | null | undefined) {
    this.#context = context;
    this.#inject = inject;
    if (context !== undefined || signal) this.#linked = linkSignals(signal ?? undefined, context?.signal);
  }

  get signal(): AbortSignal | undefined {
    return this.#linked?.signal;
  }

  dispatch(request: DispatchOptions, handler: DispatchHandler): boolean {
    this.#exchanges++;
    const headers = withContext(request.headers, this.#context, this.#inject);
    // Connections are shared by all names of an endpoint, so every request says which one it means.
    headers.host ??= request.origin.slice(request.origin.indexOf("//") + 2);
    const hop = ++this.#hops;
    const exchange = new Exchange(this.options, { ...request, headers }, handler, {
      signal: this.signal,
      onBroken: (error) => {
        // The body of a redirect is of no interest.
        if (hop === this.#hops) this.#broken(error);
      },
    });
    void exchange.run().finally(() => {
      this.#exchanges--;
      this.#release();
    });
    return true;
  }

  /** Has `listener` told when what is left of the response's body will not come. */
  onBroken(listener: (error: unknown) => void): void {
    this.#onBroken = listener;
    if (this.#failure !== undefined) listener(this.#failure.error);
  }

  #broken(cause: unknown): void {
    const error = this.signal?.aborted ? this.signal.reason : new TypeError("terminated", { cause });
    this.#failure ??= { error };
    this.#onBroken?.(this.#failure.error);
  }

  /** There is a response, or none. Its body may still be on the way. */
  settled(): void {
    this.#settled = true;
    this.#release();
  }

  #release(): void {
    if (!this.#settled || this.#exchanges > 0) return;
    if (this.endBody !== undefined) {
      this.endBody(this.signal?.aborted ? this.signal.reason : new Error("the request is over"));
    }
    this.#linked?.release();
  }
}

/** The headers of a request, and those of its context that it does not have. */
function withContext(
  headers: Readonly<Record<string, string>>,
  context: Context | undefined,
  inject: Inject,
): Record<string, string> {
  if (context === undefined) return { ...headers };
  const all: Record<string, string> = {};
  inject(all, context);
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  for (const name of Object.keys(all)) if (given.has(name.toLowerCase())) delete all[name];
  return Object.assign(all, headers);
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
    for (const [name, value] of Object.entries(withContext({}, context, inject))) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    return fetch(request, { signal: AbortSignal.any([request.signal, context.signal]) });
  };
}
