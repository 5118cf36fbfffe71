/**
 * What a shedder asks of an HTTP request, and answers to one that it refuses.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { checkNumber, show } from "../errors.ts";
import { readDeadline } from "../context/headers.ts";
import { currentContext } from "../context/mod.ts";
import type { AdmissionRequest } from "./admission.ts";
import type { Refusal, RefusalReason } from "./errors.ts";
import type { TicketOutcome } from "./limiter.ts";
import { isPriority, type Priority } from "./priority.ts";

/** How requests are told apart. */
export interface ShedRequestOptions {
  /**
   * How much a request matters: the header that says so, or what finds it out. A header is believed: name one only if your gateway
   * sets it. What is no priority is "normal".
   *
   * @default all requests are "normal"
   */
  readonly priority?: string | ((request: Request) => Priority | undefined);
  /**
   * Whose a request is: the header that says so, or what finds it out. Clients of one priority are then served in turn.
   *
   * @default clients are not told apart
   */
  readonly client?: string | ((request: Request) => string | undefined);
  /**
   * Requests that are never refused and do not count: paths, those that end with "/*" with all below; or what finds it out.
   *
   * @default ["/livez", "/readyz", "/healthz", "/health"]
   */
  readonly exempt?: readonly string[] | ((request: Request) => boolean);
  /** The header of the deadline. @default "x-deadline-ms" */
  readonly deadlineHeader?: string;
  /**
   * Whether a request whose client leaves stops waiting at once. Waits are short: to watch a request's signal costs most where there
   * is no time to lose (and has Deno warn of its legacy behaviour). Worth it where `queue.maxWaitMs` is seconds.
   *
   * @default false
   */
  readonly watchClients?: boolean;
  /** When a client may try again, at the soonest; up to twice that, so that not all do at once. @default 1000 */
  readonly retryAfterMs?: number;
}

/** The options, ready to be used. */
export interface RequestReader {
  /** Whether it is none of the shedder's business. */
  isExempt(request: Request, path?: string): boolean;
  /** What it asks for. */
  read(request: Request): AdmissionRequest;
  /** What is answered when it is refused. */
  answer(refusal: Refusal): Response;
}

const EXEMPT: readonly string[] = ["/livez", "/readyz", "/healthz", "/health"];

const TEXTS: Readonly<Record<RefusalReason, string>> = {
  full: "Overloaded: try again later.\n",
  age: "Overloaded: try again later.\n",
  deadline: "Overloaded: it cannot be done in the time left.\n",
  expired: "The deadline has passed.\n",
  cancelled: "The client left.\n",
  closed: "The service is closing: try another one.\n",
};

/**
 * Makes what reads requests. What an option's function throws is as if it had said nothing.
 *
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createRequestReader(options: ShedRequestOptions, clock: Clock): RequestReader {
  const { deadlineHeader, watchClients = false } = options;
  const retryAfterMs = checkNumber("retryAfterMs", options.retryAfterMs ?? 1_000);
  const priorityOf = textOf("priority", options.priority);
  const clientOf = textOf("client", options.client);
  const isExempt = exemption(options.exempt ?? EXEMPT);

  function deadlineOf(request: Request): number | undefined {
    const asked = readDeadline(request.headers, deadlineHeader) ?? Infinity;
    const leftMs = Math.min(currentContext()?.remainingMs ?? Infinity, asked);
    return leftMs === Infinity ? undefined : clock.monotonic() + leftMs;
  }

  return {
    isExempt,
    read(request) {
      const priority = priorityOf(request);
      return {
        priority: isPriority(priority) ? priority : "normal",
        client: clientOf(request),
        deadline: deadlineOf(request),
        until: watchClients ? request : undefined,
      };
    },
    answer({ reason }) {
      const headers: Record<string, string> = { "content-type": "text/plain; charset=utf-8" };
      const status = reason === "expired" ? 504 : 503;
      if (status === 503) {
        headers["retry-after"] = String(Math.ceil(retryAfterMs * (1 + clock.random()) / 1_000));
      }
      return new Response(TEXTS[reason], { status, headers });
    },
  };
}

type TextOf = (request: Request) => string | undefined;

function textOf(option: string, how: string | TextOf | undefined): TextOf {
  if (how === undefined) return () => undefined;
  if (typeof how === "string") return (request) => request.headers.get(how) ?? undefined;
  if (typeof how !== "function") {
    throw new TypeError(`${option} must be the name of a header or a function, got ${show(how)}`);
  }
  return (request) => {
    const text = attempt(() => how(request), undefined);
    return typeof text === "string" ? text : undefined;
  };
}

function exemption(
  exempt: readonly string[] | ((request: Request) => boolean),
): RequestReader["isExempt"] {
  if (typeof exempt === "function") return (request) => attempt(() => exempt(request), false) === true;
  if (!Array.isArray(exempt)) {
    throw new TypeError(`exempt must be a list of paths or a function, got ${show(exempt)}`);
  }
  const exact = new Set<string>(exempt.filter((path) => !path.endsWith("/*")));
  const prefixes = exempt.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1));
  return (request, path = pathOf(request.url)) =>
    exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix) || `${path}/` === prefix);
}

/** The path of a request's URL, which is always whole: at a fraction of what `new URL` costs. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/** What a response tells of the load: what is behind is overloaded, or it was too late. */
export function outcomeOf(status: number): TicketOutcome {
  if (status === 503 || status === 504) return "timeout";
  return status >= 500 ? "failure" : "success";
}

function attempt<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}
