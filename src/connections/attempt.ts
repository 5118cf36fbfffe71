/**
 * One try of a request: from the handing over to its connection to the last byte of the response.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { BallastError } from "../errors.ts";
import { Incoming } from "./incoming.ts";
import type { Lease } from "./lease.ts";
import type { RequestBody } from "./request_body.ts";
import type { DispatchHandler, RawText } from "./undici.ts";

/** What an attempt stands on. */
export interface AttemptOptions {
  readonly clock: Clock;
  readonly unreadTimeoutMs: number;
}

/** What an attempt asks of its exchange. */
export interface AttemptHome {
  readonly signal: AbortSignal | undefined;
  readonly body: RequestBody | undefined;
  /** What came of it: the head of a response, or why there is none. */
  settle(outcome: Incoming | Failure): void;
  /** The response is complete, or broken. Not called where there was none. */
  over(): void;
}

/** No response. */
export interface Failure {
  readonly error: unknown;
  /** Whether the peer may have seen something of the request. */
  readonly sent: boolean;
  /** Whether it would fail in the same way wherever it is sent. */
  readonly final: boolean;
}

/** What undici refuses before it sends anything: it would do so again. */
const REFUSALS = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
]);

/** One try. A lease goes back when its response is complete, and is closed in every other case. */
export class Attempt implements DispatchHandler {
  readonly #options: AttemptOptions;
  readonly #lease: Lease;
  readonly #home: AttemptHome;
  #abort: ((reason?: unknown) => void) | undefined;
  #resume: (() => void) | undefined;
  #incoming: Incoming | undefined;
  /** Why it was given up, by whoever asked for it. */
  #givenUp: { readonly reason: unknown } | undefined;
  #unread: Timer | undefined;
  #onAbort: (() => void) | undefined;

  constructor(options: AttemptOptions, lease: Lease, home: AttemptHome) {
    this.#options = options;
    this.#lease = lease;
    this.#home = home;
    const { signal } = home;
    if (signal === undefined) return;
    this.#onAbort = () => this.abort(signal.reason);
    signal.addEventListener("abort", this.#onAbort);
  }

  /** There is room for more of the body. */
  resume(): void {
    this.#unread?.cancel();
    this.#unread = undefined;
    this.#resume?.();
  }

  /** Nobody wants the rest of it: its connection is closed. */
  abort(reason: unknown): void {
    this.#givenUp ??= { reason };
    this.#incoming?.fail(reason);
    this.#abort?.(reason);
  }

  onConnect(abort: (reason?: unknown) => void): void {
    this.#abort = abort;
    if (this.#givenUp !== undefined) abort(this.#givenUp.reason);
  }

  onHeaders(status: number, headers: readonly RawText[], resume: () => void, statusText: string): boolean {
    // 1xx are no answer yet.
    if (status < 200) return true;
    this.#resume = resume;
    this.#incoming = new Incoming({ status, headers, statusText }, this);
    this.#home.settle(this.#incoming);
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    const more = this.#incoming!.push(chunk);
    if (!more) this.#watch();
    return more;
  }

  onComplete(): void {
    this.#detach();
    // undici is done with the connection when this call returns, and may have closed it.
    queueMicrotask(() => this.#lease.release());
    this.#incoming!.complete();
    this.#home.over();
  }

  onError(error: unknown): void {
    this.#detach();
    this.#lease.close(this.#isPeersFault(error) ? error : undefined);
    if (this.#incoming !== undefined) {
      this.#incoming.fail(new TypeError("terminated", { cause: error }));
      return this.#home.over();
    }
    const final = REFUSALS.has(codeOf(error));
    this.#home.settle({ error, sent: this.#abort !== undefined, final });
  }

  onUpgrade(): void {
    throw new BallastError("UNSUPPORTED", "fetch does not switch protocols");
  }

  #detach(): void {
    this.#unread?.cancel();
    if (this.#onAbort !== undefined) this.#home.signal!.removeEventListener("abort", this.#onAbort);
  }

  /** An idle connection may close at any time: nothing is wrong with an address for that. */
  #isPeersFault(error: unknown): boolean {
    const { body } = this.#home;
    if (this.#abort === undefined || this.#givenUp !== undefined || body?.failed === true) return false;
    const code = codeOf(error);
    if (code === "UND_ERR_ABORTED" || error instanceof UnreadError) return false;
    return this.#incoming !== undefined || this.#lease.uses === 1 || code === "UND_ERR_HEADERS_TIMEOUT";
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

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code);
}
