/**
 * One HTTP request and its response, over connections of a manager: tried again elsewhere where that does no harm.
 *
 * Every try takes a lease, and with it whatever the manager knows: tiers, health, load, limits. undici's parser stays with the
 * connection, as its `state`. A lease goes back when its response is complete, and is closed in every other case.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError } from "../errors.ts";
import type { Log, Transaction } from "../log/mod.ts";
import { delay } from "../signal.ts";
import type { Lease } from "./lease.ts";
import type { ConnectionManager } from "./manager.ts";
import { RequestBody } from "./request_body.ts";
import type { Dispatcher, DispatchHandler, DispatchOptions, Undici } from "./undici.ts";

/** What exchanges stand on, with nothing left open. */
export interface ExchangeOptions {
  readonly manager: ConnectionManager;
  readonly undici: Undici;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly tries: number;
  readonly replayBytes: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly unreadTimeoutMs: number;
}

/** What an exchange asks of its call. */
export interface ExchangeHome {
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
  /** What is left of the response will not come. */
  readonly onBroken: (error: unknown) => void;
}

/** How one ended: complete or told to whoever asked (`over`), or failed before anything of a response was seen. */
type Outcome =
  | { readonly over: true }
  | { readonly over: false; readonly error: unknown; readonly sent: boolean; readonly final: boolean };

/** Methods that may be carried out twice (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
/** Between two tries: what closed one connection gets the time to show on the others. */
const MAX_PAUSE_MS = 10;
/** Connections of HTTP are kept apart from others to the same endpoint: a parser is attached to them. */
const POOL_KEY = "http";
/** Longest time that a peer may say it keeps an idle connection. The manager's own limits come first. */
const MAX_KEEP_ALIVE_MS = 600_000;
/** What undici refuses before it sends anything: it would do so again. */
const REFUSALS = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
]);

const LABELS = { labels: ["endpoint", "method"], failure: "debug" } as const;
const OVER: Outcome = { over: true };

/** One exchange. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #request: DispatchOptions;
  readonly #handler: DispatchHandler;
  readonly #home: ExchangeHome;
  readonly #signal: AbortSignal | undefined;
  readonly #idempotent: boolean;
  readonly #body: RequestBody | undefined;
  /** Why it was aborted, by whoever asked for it. */
  #aborted: { readonly reason: unknown } | undefined;
  #transaction: Transaction | undefined;
  #abortTry: ((reason: unknown) => void) | undefined;

  constructor(
    options: ExchangeOptions,
    request: DispatchOptions,
    handler: DispatchHandler,
    home: ExchangeHome,
  ) {
    this.#options = options;
    this.#request = request;
    this.#handler = handler;
    this.#home = home;
    this.#signal = home.signal;
    this.#idempotent = IDEMPOTENT.has(request.method);
    this.#body = request.body
      ? new RequestBody(request.body, this.#idempotent ? options.replayBytes : 0)
      : undefined;
  }

  /** Carries it out. Never rejects: the handler is told. */
  async run(): Promise<void> {
    const { tries, clock } = this.#options;
    this.#handler.onConnect((reason) => this.#abort(reason));
    this.#begin();
    try {
      for (let count = 1;; count++) {
        const outcome = await this.#try();
        if (outcome.over) return;
        if (this.#aborted) return this.#fail(this.#aborted.reason);
        if (count >= tries || !this.#mayRepeat(outcome)) return this.#fail(outcome.error);
        await delay(clock.random() * MAX_PAUSE_MS, { clock, signal: this.#signal });
      }
    } catch (error) {
      this.#fail(this.#aborted?.reason ?? error);
    } finally {
      this.#body?.end();
    }
  }

  #begin(): void {
    const { log, manager } = this.#options;
    if (log === undefined) return;
    const { method, origin, path } = this.#request;
    const { hostname, host } = readOrigin(origin);
    // Hosts are without number, endpoints are not.
    const endpoint = manager.has(hostname) ? hostname : "";
    this.#transaction = log.begin(
      "http.request",
      { endpoint, method, host, path: path.split("?", 1)[0] },
      LABELS,
    );
  }

  #fail(error: unknown): void {
    const outcome = this.#aborted || this.#signal?.aborted ? { outcome: "cancelled" } : undefined;
    this.#transaction?.failure(error, outcome);
    this.#handler.onError(error);
  }

  #abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#home.onBroken(reason);
    this.#abortTry?.(reason);
  }

  #mayRepeat({ sent, final }: Outcome & { over: false }): boolean {
    if (final || this.#signal?.aborted || (sent && !this.#idempotent)) return false;
    if (this.#body !== undefined && !this.#body.replayable) return false;
    return this.#options.manager.retries.withdraw();
  }

  async #try(): Promise<Outcome> {
    let lease: Lease;
    try {
      lease = await connect(this.#options.manager, readOrigin(this.#request.origin), this.#signal);
    } catch (error) {
      // Every address was tried already.
      return { over: false, error, sent: false, final: true };
    }
    if (this.#aborted) {
      lease.release();
      return { over: false, error: this.#aborted.reason, sent: false, final: true };
    }
    return await new Promise<Outcome>((resolve) => {
      const attempt = new Attempt(this.#options, this.#handler, lease, {
        onAbortable: (abort) => {
          this.#abortTry = abort;
          if (this.#aborted) abort(this.#aborted.reason);
        },
        onAnswered: (status) => this.#transaction?.success({ status }),
        onBroken: this.#home.onBroken,
        isOurs: () => this.#aborted !== undefined || this.#body?.failed === true,
        resolve,
      });
      const request = { ...this.#request, body: this.#body?.send() };
      clientOf(lease, this.#request.origin, this.#options).dispatch(request, attempt);
    });
  }
}

/** An origin, read. */
interface Origin {
  readonly hostname: string;
  readonly host: string;
  readonly secure: boolean;
  /** Whether a port was given that is not the scheme's own. */
  readonly hasPort: boolean;
  readonly place: { readonly hostname: string; readonly port: number };
}

/** Origins seen lately: reading one costs as much as all the rest of a lease. */
const origins = new Map<string, Origin>();
const MAX_ORIGINS = 1_000;

function readOrigin(text: string): Origin {
  const known = origins.get(text);
  if (known !== undefined) return known;
  const { protocol, hostname, host, port } = new URL(text);
  const secure = protocol === "https:";
  const place = { hostname, port: port === "" ? (secure ? 443 : 80) : Number(port) };
  const origin = { hostname, host, secure, hasPort: port !== "", place };
  if (origins.size >= MAX_ORIGINS) origins.clear();
  origins.set(text, origin);
  return origin;
}

/** A lease to where an origin leads: an endpoint, if one has the name and no port is given; else the host. */
function connect(
  manager: ConnectionManager,
  { hostname, secure, hasPort, place }: Origin,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  if (!hasPort && manager.has(hostname)) {
    return manager.connect(hostname, { signal, key: POOL_KEY, tls: secure ? true : undefined });
  }
  return manager.connect(place, { signal, key: POOL_KEY, tls: secure });
}

/** undici's client of this very connection, made with its first lease. */
function clientOf(lease: Lease, origin: string, options: ExchangeOptions): Dispatcher {
  const known = lease.state as Dispatcher | undefined;
  if (known !== undefined) return known;
  let socket: unknown = lease.stream;
  const client = new options.undici.Client(origin, {
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

/** What an attempt asks of its exchange. */
interface AttemptHome {
  /** The request is about to be sent, and can be aborted. */
  onAbortable(abort: (reason: unknown) => void): void;
  /** The head of a response is there. */
  onAnswered(status: number): void;
  /** The response broke after it had begun. */
  onBroken(error: unknown): void;
  /** Whether it failed by whoever asked for it, rather than by the peer. */
  isOurs(): boolean;
  resolve(outcome: Outcome): void;
}

/** One try of an exchange: from the handing over of the request to the last byte of its response. */
class Attempt implements DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #handler: DispatchHandler;
  readonly #lease: Lease;
  readonly #home: AttemptHome;
  #sent = false;
  #answered = false;
  #abort: ((reason: unknown) => void) | undefined;
  #unread: Timer | undefined;

  constructor(options: ExchangeOptions, handler: DispatchHandler, lease: Lease, home: AttemptHome) {
    this.#options = options;
    this.#handler = handler;
    this.#lease = lease;
    this.#home = home;
  }

  onConnect(abort: (reason: unknown) => void): void {
    this.#sent = true;
    this.#abort = abort;
    this.#home.onAbortable(abort);
  }

  onHeaders(status: number, headers: unknown, resume: () => void, statusText: string): boolean {
    // 1xx are no answer yet.
    if (status < 200) return true;
    this.#answered = true;
    this.#home.onAnswered(status);
    const read = () => {
      this.#unread?.cancel();
      this.#unread = undefined;
      resume();
    };
    return this.#handler.onHeaders(status, headers, read, statusText);
  }

  onData(chunk: unknown): boolean {
    const more = this.#handler.onData(chunk);
    if (more === false) this.#watch();
    return more;
  }

  onComplete(trailers: unknown): void {
    this.#unread?.cancel();
    // undici is done with the connection when this call returns, and may have closed it.
    queueMicrotask(() => this.#lease.release());
    this.#handler.onComplete(trailers);
    this.#home.resolve(OVER);
  }

  onError(error: unknown): void {
    this.#unread?.cancel();
    this.#lease.close(this.#isPeersFault(error) ? error : undefined);
    if (!this.#answered) {
      const final = REFUSALS.has(String((error as { code?: unknown } | null)?.code));
      return this.#home.resolve({ over: false, error, sent: this.#sent, final });
    }
    this.#home.onBroken(error);
    this.#handler.onError(error);
    this.#home.resolve(OVER);
  }

  onUpgrade(): void {
    throw new BallastError("UNSUPPORTED", "fetch does not switch protocols");
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onBodySent(chunk: unknown): void {
    this.#handler.onBodySent?.(chunk);
  }

  /** An idle connection may close at any time: nothing is wrong with an address for that. */
  #isPeersFault(error: unknown): boolean {
    if (!this.#sent || this.#home.isOurs()) return false;
    const code = (error as { code?: unknown } | null)?.code;
    return (this.#answered || this.#lease.uses === 1 || code === "UND_ERR_HEADERS_TIMEOUT") &&
      code !== "UND_ERR_ABORTED" && !(error instanceof UnreadError);
  }

  /** Nobody reads the body: the connection is not held for ever. */
  #watch(): void {
    if (this.#unread !== undefined) return;
    const { clock, unreadTimeoutMs } = this.#options;
    this.#unread = clock.schedule(unreadTimeoutMs, () => this.#abort?.(new UnreadError(unreadTimeoutMs)));
  }
}

class UnreadError extends BallastError {
  constructor(timeoutMs: number) {
    super("TIMEOUT", `nobody read the body of the response for ${timeoutMs} ms: the connection was closed`, {
      data: { timeoutMs },
    });
  }
}
