/**
 * One HTTP request over connections of a manager: tried again elsewhere where that does no harm.
 *
 * Every try takes a lease, and with it whatever the manager knows: tiers, health, load, limits. undici's parser stays with the
 * connection, as its `state`.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError } from "../errors.ts";
import type { Log, Transaction } from "../log/mod.ts";
import { delay } from "../signal.ts";
import { Attempt, type AttemptHome, type Failure } from "./attempt.ts";
import { type HttpRequest, isIdempotent } from "./http_request.ts";
import { Incoming } from "./incoming.ts";
import type { Lease } from "./lease.ts";
import type { ConnectionManager } from "./manager.ts";
import type { RequestBody } from "./request_body.ts";
import type { Dispatcher, DispatchOptions, Undici } from "./undici.ts";

/** What exchanges stand on, with nothing left open. */
export interface ExchangeOptions {
  readonly manager: ConnectionManager;
  readonly undici: Undici;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly tries: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly unreadTimeoutMs: number;
}

/** Between two tries: what closed one connection gets the time to show on the others. */
const MAX_PAUSE_MS = 10;
/** Connections of HTTP are kept apart from others to the same endpoint: a parser is attached to them. */
const POOL_KEY = "http";
/** Longest time that a peer may say it keeps an idle connection. The manager's own limits come first. */
const MAX_KEEP_ALIVE_MS = 600_000;

/** Spares undici the looking for one among the headers, which it would not use: TLS is below its connection. */
const NO_NAME = "connection";

const LABELS = { labels: ["endpoint", "method"], failure: "debug" } as const;

/** What is sent with every request, unless the caller says otherwise. */
const DEFAULT_HEADERS = {
  accept: "*/*",
  "accept-language": "*",
  "accept-encoding": "gzip, deflate, br",
  "user-agent": "ballast",
} as const;

/** One exchange. */
export class Exchange implements AttemptHome {
  readonly signal: AbortSignal | undefined;
  readonly body: RequestBody | undefined;
  readonly #options: ExchangeOptions;
  readonly #request: HttpRequest;
  readonly #onOver: (() => void) | undefined;
  #transaction: Transaction | undefined;
  #settle!: (outcome: Incoming | Failure) => void;

  /** `onOver` is called when nothing goes on any more: the response is complete, or broken, or there was none. */
  constructor(
    options: ExchangeOptions,
    request: HttpRequest,
    signal: AbortSignal | undefined,
    onOver: (() => void) | undefined,
  ) {
    this.#options = options;
    this.#request = request;
    this.signal = signal;
    this.body = request.body;
    this.#onOver = onOver;
  }

  /** Carries it out, until the head of a response is there. Rejects with the signal's reason, or what the last try failed with. */
  async run(extraHeaders: Readonly<Record<string, string>> | undefined): Promise<Incoming> {
    const { log, tries, clock, manager } = this.#options;
    const { signal } = this;
    if (log !== undefined) this.#transaction = this.#begin(log);
    try {
      const headers = this.#headers(extraHeaders);
      for (let count = 1;; count++) {
        const lease = await connect(manager, this.#request.url, signal);
        const outcome = await this.#send(lease, headers);
        if (outcome instanceof Incoming) {
          this.#transaction?.success({ status: outcome.head.status });
          return outcome;
        }
        if (count >= tries || !this.#mayRepeat(outcome)) throw outcome.error;
        await delay(clock.random() * MAX_PAUSE_MS, { clock, signal });
      }
    } catch (error) {
      const told = signal?.aborted ? signal.reason : error;
      this.#transaction?.failure(told, signal?.aborted ? { outcome: "cancelled" } : undefined);
      this.over();
      throw told;
    }
  }

  settle(outcome: Incoming | Failure): void {
    this.#settle(outcome);
  }

  over(): void {
    this.body?.end(this.signal?.aborted ? this.signal.reason : new Error("the request is over"));
    this.#onOver?.();
  }

  #begin(log: Log): Transaction {
    const { method, url } = this.#request;
    // Hosts are without number, endpoints are not.
    const endpoint = this.#options.manager.has(url.hostname) ? url.hostname : "";
    const fields = { endpoint, method, host: url.host, path: url.pathname };
    return log.begin("http.request", fields, LABELS);
  }

  #headers(extra: Readonly<Record<string, string>> | undefined): Record<string, string> {
    const { url, headers: given, body } = this.#request;
    // Connections are shared by all names of an endpoint, so every request says which one it means.
    const headers: Record<string, string> = { host: url.host, ...DEFAULT_HEADERS, ...extra, ...given };
    // A part of a compressed body cannot be read.
    if ("range" in given && !("accept-encoding" in given)) headers["accept-encoding"] = "identity";
    if (body?.length !== undefined) headers["content-length"] = String(body.length);
    return headers;
  }

  #mayRepeat({ sent, final }: Failure): boolean {
    if (final || this.signal?.aborted || (sent && !isIdempotent(this.#request.method))) return false;
    if (this.body !== undefined && !this.body.replayable) return false;
    return this.#options.manager.retries.withdraw();
  }

  #send(lease: Lease, headers: Record<string, string>): Promise<Incoming | Failure> {
    if (this.signal?.aborted) {
      lease.release();
      throw this.signal.reason;
    }
    const client = clientOf(lease, this.#options);
    if (client === undefined) {
      lease.release();
      throw wrappedError(lease.endpoint);
    }
    const { url: { pathname, search }, method } = this.#request;
    const path = pathname + search;
    const request: DispatchOptions = { path, method, headers, body: this.body?.send(), servername: NO_NAME };
    return new Promise((resolve) => {
      this.#settle = resolve;
      client.dispatch(request, new Attempt(this.#options, lease, this));
    });
  }
}

/** A lease to where a URL leads: an endpoint, if one has the name and no port is given; else the host. */
function connect(
  manager: ConnectionManager,
  { protocol, hostname, port }: URL,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  const secure = protocol === "https:";
  if (port === "" && manager.has(hostname)) {
    return manager.connect(hostname, { signal, key: POOL_KEY, tls: secure ? true : undefined });
  }
  const place = { hostname, port: port === "" ? (secure ? 443 : 80) : Number(port) };
  return manager.connect(place, { signal, key: POOL_KEY, tls: secure });
}

/** undici's client of this very connection, made with its first lease; none where the endpoint's `wrap` has made something else of it. */
function clientOf(lease: Lease, options: ExchangeOptions): Dispatcher | undefined {
  const known = lease.state;
  if (known !== undefined) return known instanceof options.undici.Client ? known : undefined;
  let socket: unknown = lease.stream;
  // The origin says nothing: the connection is there, and TLS is below it. Were it https, undici would give up a connection
  // that another name of its endpoint is asked by.
  const client = new options.undici.Client("http://connection", {
    connect(_, done) {
      const given = socket;
      socket = undefined;
      // It asks for another connection where this one broke before the request was sent.
      const error = given === undefined
        ? new BallastError("CONNECTION_ENDED", "the connection is closed")
        : null;
      // Answered at once, it would not notice.
      queueMicrotask(() => done(error, given));
    },
    pipelining: 1,
    keepAliveTimeout: MAX_KEEP_ALIVE_MS,
    keepAliveMaxTimeout: MAX_KEEP_ALIVE_MS,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs,
  });
  lease.state = client;
  return client;
}

function wrappedError(endpoint: string): BallastError {
  return new BallastError(
    "UNSUPPORTED",
    `endpoint "${endpoint}" has a \`wrap\` that makes something of its connections, so fetch cannot speak HTTP over them: ` +
      "give HTTP an endpoint of its own, or let `wrap` return nothing",
    { data: { endpoint } },
  );
}
