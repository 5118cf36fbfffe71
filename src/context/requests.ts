/**
 * A context for every request: trace and deadline from its headers, closed when its response is over.
 *
 * @module
 */

import { checkNumber } from "../errors.ts";
import type { Cell } from "../report.ts";
import { settle } from "../settle.ts";
import { mayStream, watchBody } from "./body_end.ts";
import type { Context } from "./context.ts";
import { type HeaderOptions, readDeadline, readTrace } from "./headers.ts";
import { type AnyKey, createKey, type Key, type Locals, localsMap } from "./key.ts";
import { LiveContext, type Own } from "./live_context.ts";
import type { Recent } from "./recent.ts";
import type { RemoteSpan } from "./trace.ts";

/** How requests are given their contexts. */
export interface RequestContextOptions extends HeaderOptions {
  /** Time for a request whose caller states none. @default none: it may take for ever */
  readonly deadlineMs?: number;
  /** The longest time a caller may state; more is cut. @default `deadlineMs`, or a day where there is none */
  readonly maxDeadlineMs?: number;
  /**
   * Whether trace and deadline are taken from the headers of this request. A service that faces the public may want its
   * own gateway's only.
   *
   * @default of all requests
   */
  readonly trusted?: (request: Request) => boolean;
  /** Further locals. @default none */
  readonly locals?: (request: Request) => Locals;
  /**
   * What a request is called on pages and in the rings. @default the route that matched, where a router tells; else the
   * path without its query
   */
  readonly route?: (request: Request) => string;
  /** Requests whose response takes longer are kept in the ring "slow requests". @default 1000 */
  readonly slowMs?: number;
  /**
   * Whether the end of a response's body is waited for, and its stream read within the context. Say `true` for a stream
   * that is sent as `text/plain` or `application/json` without `transfer-encoding`.
   *
   * @default where somebody holds the context's signal, and for what may be a stream by its headers
   */
  readonly streams?: (response: Response) => boolean;
}

/** What a handler is given of a router: Hono's `c` has this shape. */
export interface HandlerContext {
  /** The request, as the router sees it. */
  readonly req: {
    readonly raw: Request;
    readonly method: string;
    readonly path: string;
    readonly matchedRoutes?: readonly { readonly path: string }[];
  };
  /** The response, once there is one. */
  res: Response;
  /** What the handler threw, where the router caught it. */
  readonly error?: Error | undefined;
}

/** A middleware as Hono has them. */
export type RequestMiddleware = (c: HandlerContext, next: () => Promise<void>) => Promise<void>;

/** Gives requests their contexts. */
export interface RequestContexts {
  /** For a router of Hono's shape: `app.use(requests.middleware())`, before everything else. */
  middleware(): RequestMiddleware;
  /**
   * For a bare `fetch` handler, `app.fetch` of a router included: the cheaper way of the two. What follows the request is passed on. What
   * is answered at once is returned at once.
   */
  wrap<A extends unknown[]>(
    handler: (request: Request, ...rest: A) => Response | Promise<Response>,
  ): (request: Request, ...rest: A) => Response | Promise<Response>;
}

/** The local of a request's method. */
export const requestMethod: Key<string | undefined> = createKey<string>("method", { shown: true });
/** The local of what a request is called: the pattern of its route, not its path, where a router tells. */
export const requestRoute: Key<string | undefined> = createKey<string>("route", { shown: true });

/** What the rings keep of a request. */
interface KeptRequest {
  readonly method: string;
  readonly status: number | undefined;
  readonly tookMs: number;
  readonly traceId: string | undefined;
  readonly error: string | undefined;
}

/** How a request is called; of a router's context or of the request itself. */
type RouteOf<A> = (asked: A) => string;

/**
 * A request under way: what its context is told of it. It lets go of the request when that is over: under Deno what a flow of calls
 * carries (an `AsyncLocalStorage`'s store) outlives the next collections of young garbage, with all that it refers to.
 */
class Served<A> implements Own {
  context!: LiveContext;
  readonly deadlineMs: number | undefined;
  readonly trace: RemoteSpan | undefined;
  readonly locals: Map<AnyKey, unknown> | undefined;
  #request: Request | undefined;
  #asked: A | undefined;
  readonly #routeOf: RouteOf<A>;
  #method: string | undefined = undefined;
  #route: string | undefined = undefined;

  constructor(
    request: Request,
    asked: A,
    routeOf: RouteOf<A>,
    deadlineMs: number | undefined,
    trace: RemoteSpan | undefined,
    locals: Map<AnyKey, unknown> | undefined,
  ) {
    this.#request = request;
    this.#asked = asked;
    this.#routeOf = routeOf;
    this.deadlineMs = deadlineMs;
    this.trace = trace;
    this.locals = locals;
  }

  get until(): Request | undefined {
    return this.#request;
  }

  get method(): string | undefined {
    return this.#method ??= this.#request?.method;
  }

  get route(): string | undefined {
    // Asked anew while the request is under way: a router knows more of it from step to step.
    if (this.#request === undefined) return this.#route;
    return this.#route = this.#routeOf(this.#asked!);
  }

  label(): string {
    return `${this.method} ${this.route}`;
  }

  derive(key: AnyKey): unknown {
    if (key === requestMethod) return this.method;
    return key === requestRoute ? this.route : undefined;
  }

  /** Ends the context. Where work goes on in it, that may still ask what it was for. */
  close(): void {
    const { context } = this;
    if (context.children > 0 || context.watched) void this.label();
    context.close();
    this.#request = this.#asked = undefined;
  }
}

const MAX_ROUTE = 200;

/**
 * Opens a child of `context` for every request.
 *
 * It answers nothing by itself: past its deadline a request's signal aborts, and what the handler makes of that is the response.
 *
 * @example With Hono, or anything that has its shape
 * ```ts
 * import assert from "node:assert/strict";
 * import { createContext, createRequestContexts, currentContext } from "@ballast/runtime/context";
 * import { Hono } from "hono";
 *
 * const service = createContext({ name: "shop" });
 * const requests = createRequestContexts(service, { deadlineMs: 2_000 });
 * const app = new Hono();
 * app.use(requests.middleware());
 * app.get("/", (c) => c.text(currentContext()!.trace!.traceId));
 *
 * const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 * const response = await app.request("/", { headers: { traceparent } });
 * assert.equal(await response.text(), "4bf92f3577b34da6a3ce929d0e0e4736");
 * service.close();
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createRequestContexts(
  context: Context,
  options: RequestContextOptions = {},
): RequestContexts {
  if (!(context instanceof LiveContext)) throw new TypeError("context must be one of createContext()");
  const own = context;
  const { deadlineMs, trusted, locals, route, streams } = options;
  if (deadlineMs !== undefined) checkNumber("deadlineMs", deadlineMs);
  const maxDeadlineMs = checkNumber("maxDeadlineMs", options.maxDeadlineMs ?? deadlineMs ?? Infinity);
  const slowMs = checkNumber("slowMs", options.slowMs ?? 1_000);
  const slow = context.recent<KeptRequest>("slow requests", { show });
  const failed = context.recent<KeptRequest>("failed requests", { show });

  function open<A>(request: Request, asked: A, routeOf: RouteOf<A>): Served<A> {
    const trust = trusted === undefined || trusted(request);
    const deadlineAsked = trust ? readDeadline(request.headers, options.deadlineHeader) : undefined;
    const served = new Served(
      request,
      asked,
      routeOf,
      deadlineAsked === undefined ? deadlineMs : Math.min(deadlineAsked, maxDeadlineMs),
      trust ? readTrace(request.headers) : undefined,
      locals === undefined ? undefined : localsMap(locals(request)),
    );
    served.context = own.open(served);
    return served;
  }

  function keep<A>(ring: Recent<KeptRequest>, served: Served<A>, tookMs: number, end: End): void {
    ring.add(served.route!.slice(0, MAX_ROUTE), {
      method: served.method!,
      status: end.status,
      tookMs,
      traceId: served.context.trace?.traceId,
      error: end.error === undefined ? undefined : end.error instanceof Error ? end.error.name : "no Error",
    });
  }

  /** By the option; what that throws is as if it had not been given. */
  const routeOfRequest: RouteOf<Request> = (request) =>
    attempt(() => route?.(request)) ?? new URL(request.url).pathname;
  const routeOfRouter: RouteOf<HandlerContext> = ({ req }) =>
    attempt(() => route?.(req.raw)) ?? req.matchedRoutes?.at(-1)?.path ?? req.path;

  /** Whether the context is to end with the response's body. */
  function goesOn<A>({ context, method }: Served<A>, response: Response): boolean {
    if (method === "HEAD") return false;
    return attempt(() => streams?.(response)) ?? (context.watched || mayStream(response));
  }

  function note<A>(served: Served<A>, end: End): void {
    const tookMs = served.context.ageMs;
    if (tookMs > slowMs) keep(slow, served, tookMs, end);
    if (end.error !== undefined || end.status! >= 500) keep(failed, served, tookMs, end);
  }

  /** The response as it goes out; the context ends with it. */
  function finish<A>(served: Served<A>, response: Response, error?: unknown): Response {
    const { context } = served;
    note(served, { status: response.status, error });
    if (!goesOn(served, response)) {
      served.close();
      return response;
    }
    return watchBody(response, {
      run: (fn) => context.run(fn),
      ended(error) {
        if (error !== undefined) note(served, { status: response.status, error });
        served.close();
      },
    });
  }

  function fail<A>(served: Served<A>, error: unknown): never {
    note(served, { status: undefined, error });
    served.close();
    throw error;
  }

  return {
    middleware: () => async (c, next) => {
      const served = open(c.req.raw, c, routeOfRouter);
      try {
        await served.context.run(next);
      } catch (error) {
        fail(served, error);
      }
      const { res } = c;
      const out = finish(served, res, c.error);
      // To set it, even to itself, has a router copy its headers.
      if (out !== res) c.res = out;
    },
    wrap: (handler) => (request, ...rest) => {
      const served = open(request, request, routeOfRequest);
      return settle(
        () => served.context.run(() => handler(request, ...rest)),
        (response) => finish(served, response),
        (error) => fail(served, error),
      );
    },
  };
}

function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** How a request ended. */
interface End {
  readonly status: number | undefined;
  readonly error: unknown;
}

function show({ method, status, tookMs, traceId, error }: KeptRequest): Record<string, Cell> {
  return {
    Method: method,
    Status: status ?? null,
    Took: { kind: "duration", ms: tookMs },
    Error: error ?? null,
    Trace: traceId ?? null,
  };
}
