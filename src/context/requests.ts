/**
 * A context for every request: trace and deadline from its headers, closed when its response is over.
 *
 * @module
 */

import { checkNumber } from "../errors.ts";
import type { Cell } from "../report.ts";
import { mayStream, watchBody } from "./body_end.ts";
import type { Context } from "./context.ts";
import { extract, type HeaderOptions } from "./headers.ts";
import { type AnyKey, createKey, type Key, type Locals, localsMap } from "./key.ts";
import { LiveContext } from "./live_context.ts";
import type { Recent } from "./recent.ts";

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
  /** For a bare `fetch` handler. What follows the request is passed on. */
  wrap<A extends unknown[]>(
    handler: (request: Request, ...rest: A) => Response | Promise<Response>,
  ): (request: Request, ...rest: A) => Promise<Response>;
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

/** A request under way. */
interface Served {
  readonly context: LiveContext;
  readonly request: Request;
  readonly route: () => string;
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
  const { deadlineMs, trusted, locals, route, streams } = options;
  if (deadlineMs !== undefined) checkNumber("deadlineMs", deadlineMs);
  const maxDeadlineMs = checkNumber("maxDeadlineMs", options.maxDeadlineMs ?? deadlineMs ?? Infinity);
  const slowMs = checkNumber("slowMs", options.slowMs ?? 1_000);
  const slow = context.recent<KeptRequest>("slow requests", { show });
  const failed = context.recent<KeptRequest>("failed requests", { show });

  function open(request: Request, routeOf: () => string): Served {
    const named = route === undefined ? routeOf : () => route(request);
    const asked = trusted === undefined || trusted(request) ? extract(request.headers, options) : {};
    const own = context as LiveContext;
    const opened = own.open({
      deadlineMs: asked.deadlineMs === undefined ? deadlineMs : Math.min(asked.deadlineMs, maxDeadlineMs),
      trace: asked.trace,
      until: request,
      label: () => `${request.method} ${named()}`,
      locals: localsMap(locals?.(request)),
      derive: (key: AnyKey) =>
        key === requestMethod ? request.method : key === requestRoute ? named() : undefined,
    });
    return { context: opened, request, route: named };
  }

  function keep(
    ring: Recent<KeptRequest>,
    { context, request, route }: Served,
    tookMs: number,
    end: End,
  ): void {
    ring.add(route().slice(0, MAX_ROUTE), {
      method: request.method,
      status: end.status,
      tookMs,
      traceId: context.trace?.traceId,
      error: end.error === undefined ? undefined : end.error instanceof Error ? end.error.name : "no Error",
    });
  }

  function note(served: Served, end: End): void {
    const tookMs = served.context.ageMs;
    if (tookMs > slowMs) keep(slow, served, tookMs, end);
    if (end.error !== undefined || end.status! >= 500) keep(failed, served, tookMs, end);
  }

  /** The response as it goes out; the context ends with it. */
  function finish(served: Served, response: Response, error?: unknown): Response {
    const { context, request } = served;
    note(served, { status: response.status, error });
    const waits = request.method !== "HEAD" &&
      (streams === undefined ? context.watched || mayStream(response) : streams(response));
    if (!waits) {
      context.close();
      return response;
    }
    return watchBody(response, {
      run: (fn) => context.run(fn),
      ended(error) {
        if (error !== undefined) note(served, { status: response.status, error });
        context.close();
      },
    });
  }

  function fail(served: Served, error: unknown): void {
    note(served, { status: undefined, error });
    served.context.close();
  }

  return {
    middleware: () => async (c, next) => {
      const served = open(c.req.raw, () => c.req.matchedRoutes?.at(-1)?.path ?? c.req.path);
      try {
        await served.context.run(next);
      } catch (error) {
        fail(served, error);
        throw error;
      }
      const { res } = c;
      const out = finish(served, res, c.error);
      // To set it, even to itself, has a router copy its headers.
      if (out !== res) c.res = out;
    },
    wrap: (handler) => async (request, ...rest) => {
      const served = open(request, () => new URL(request.url).pathname);
      try {
        return finish(served, await served.context.run(() => handler(request, ...rest)));
      } catch (error) {
        fail(served, error);
        throw error;
      }
    },
  };
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
