/**
 * Sheds load in front of a server: takes requests in, runs as many as can be run, and says a quick "no" to the rest.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Events } from "../events.ts";
import type { Log } from "../log/mod.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import { type Report, type Reporter, unknownAction } from "../report.ts";
import { settle } from "../settle.ts";
import type { Stats } from "../stats/mod.ts";
import { type Admission, createAdmission, type Ticket } from "./admission.ts";
import type { Refusal } from "./errors.ts";
import type { OverloadEvent } from "./events.ts";
import type { AdmissionSnapshot } from "./ledger.ts";
import type { LimiterOptions } from "./limiter.ts";
import type { QueueOptions } from "./queue.ts";
import { overloadReport } from "./report.ts";
import { createRequestReader, outcomeOf, type ShedRequestOptions } from "./requests.ts";

/** Options of {@linkcode createShedder}. Every one may be left out. */
export interface ShedderOptions extends ShedRequestOptions {
  /** What sheds, for texts and as the label `part` of its statistics. @default "server" */
  readonly name?: string;
  /** How many requests may run at a time: how that adapts, or a fixed number. @default {} */
  readonly limit?: LimiterOptions | number;
  /** How many may wait, and for how long. `fair` is true where `client` is given. @default {} */
  readonly queue?: QueueOptions;
  /** Time. @default the platform's */
  readonly clock?: Clock;
  /** Where decisions are counted. @default nowhere */
  readonly stats?: Stats;
  /** Where the beginning and the end of an overload are logged. @default nowhere */
  readonly log?: Log;
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
}

/** What is let in and refused, as plain JSON. */
export interface ShedderSnapshot extends AdmissionSnapshot {
  /** Requests that were exempt. */
  readonly exempt: number;
}

/** What a middleware is given of a router: Hono's `c` has this shape. */
export interface SheddedContext {
  /** The request, as the router sees it. */
  readonly req: { readonly raw: Request; readonly path: string };
  /** The response, once there is one. */
  res: Response;
  /** What the handler threw, where the router caught it. */
  readonly error?: Error | undefined;
}

/** A middleware as Hono has them. */
export type ShedderMiddleware = (c: SheddedContext, next: () => Promise<void>) => Promise<Response | void>;

/** Sheds load. */
export interface Shedder extends Reporter, Disposable {
  /** What lets the requests in: for work that is to share their limit. */
  readonly admission: Admission;
  /** Every decision. */
  readonly events: Events<OverloadEvent>;
  /**
   * For a router of Hono's shape: `app.use(shedder.middleware())`, before everything else, so that a refusal costs next to nothing; the
   * deadline is then that of the header. After the contexts of requests it minds the deadlines of those as well.
   */
  middleware(): ShedderMiddleware;
  /**
   * For a bare `fetch` handler, `app.fetch` of a router included: the cheaper way of the two. What follows the request is passed on. What
   * is answered at once is returned at once.
   */
  wrap<A extends unknown[]>(
    handler: (request: Request, ...rest: A) => Response | Promise<Response>,
  ): (request: Request, ...rest: A) => Response | Promise<Response>;
  /** What it does, as plain JSON. */
  snapshot(): ShedderSnapshot;
  /** It has no actions. @throws {BallastError} `UNKNOWN_ACTION` */
  act(id: string, args: Readonly<Record<string, string>>): unknown;
  /** Refuses all that wait and all that come, with 503. Those that run are finished. Safe to call twice. */
  close(): void;
}

/**
 * Makes a shedder. A request is answered by its handler; or with 503 and `Retry-After` when it is refused; or with 504 when its
 * deadline has passed already: that of the running context, or of the header `x-deadline-ms`.
 *
 * Handlers that wait are held to a limit that follows their latency. Handlers that compute hold the event loop, and no more of them is
 * started in a turn of it than fits; in between, requests are taken in and refused.
 *
 * @example In front of a `fetch` handler
 * ```ts
 * import assert from "node:assert/strict";
 * import { createShedder } from "@ballast/runtime/overload";
 *
 * const shedder = createShedder({ priority: "x-priority", exempt: ["/livez", "/meta/*"] });
 * const handler = shedder.wrap(() => new Response("hello"));
 * const late = { headers: { "x-deadline-ms": "0" } };
 * assert.equal((await handler(new Request("http://shop.example/"))).status, 200);
 * assert.equal((await handler(new Request("http://shop.example/", late))).status, 504);
 * assert.equal((await handler(new Request("http://shop.example/livez", late))).status, 200);
 * shedder.close();
 * assert.equal((await handler(new Request("http://shop.example/"))).status, 503);
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createShedder(options: ShedderOptions = {}): Shedder {
  const { name = "server", platform = detectPlatform(), limit, stats, log } = options;
  const { clock = platform.clock } = options;
  const reader = createRequestReader(options, clock);
  const admission = createAdmission({
    name,
    limit,
    queue: { fair: options.client !== undefined, ...options.queue },
    paced: true,
    clock,
    stats,
    turns: platform,
    // No subscription: while nobody else listens, no event has to be made.
    onOverload(overloaded) {
      const { limit, inFlight, waiting } = admission;
      if (overloaded) log?.warn(`${name} is overloaded`, { limit, inFlight, waiting });
      else log?.info(`${name} is no longer overloaded`, { limit });
    },
  });
  let exempt = 0;

  function serve(
    answer: Ticket | Refusal,
    handle: () => Response | Promise<Response>,
  ): Response | Promise<Response> {
    if (!answer.admitted) return reader.answer(answer);
    return settle(handle, (response) => {
      answer.done(outcomeOf(response.status));
      return response;
    }, (error) => {
      answer.done("failure");
      throw error;
    });
  }

  const snapshot = (): ShedderSnapshot => ({ ...admission.snapshot(), exempt });

  return {
    admission,
    events: admission.events,
    middleware: () => async (c, next) => {
      const { raw, path } = c.req;
      if (reader.isExempt(raw, path)) {
        exempt++;
        return await next();
      }
      const asked = admission.ask(reader.read(raw));
      const answer = isPromise(asked) ? await asked : asked;
      if (!answer.admitted) return reader.answer(answer);
      try {
        await next();
        answer.done(outcomeOf(c.res.status));
      } finally {
        answer.done("failure");
      }
    },
    wrap: (handler) => (request, ...rest) => {
      if (reader.isExempt(request)) {
        exempt++;
        return handler(request, ...rest);
      }
      const handle = () => handler(request, ...rest);
      const asked = admission.ask(reader.read(request));
      return isPromise(asked) ? asked.then((answer) => serve(answer, handle)) : serve(asked, handle);
    },
    snapshot,
    report: (): Report => overloadReport(snapshot()),
    act(id) {
      throw unknownAction("overload", id);
    },
    close: () => admission.close(),
    [Symbol.dispose]: () => admission.close(),
  };
}

function isPromise(
  answer: Ticket | Refusal | Promise<Ticket | Refusal>,
): answer is Promise<Ticket | Refusal> {
  return answer instanceof Promise;
}
