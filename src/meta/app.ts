/** Wires the pages: which path shows what. */

import { type Context, Hono } from "hono";
import { checkInteger, checkNumber } from "../errors.ts";
import { createAccess } from "./access.ts";
import { createActions } from "./actions.ts";
import { formLimit } from "./form.ts";
import { hostGuard, securityHeaders } from "./guard.ts";
import { live, ready } from "./health.ts";
import { address, reportPath } from "./link.ts";
import { createLiveStreams } from "./live.ts";
import { createPages } from "./pages.ts";
import { failedPage, methodNotAllowedPage, notFoundPage } from "./problem.ts";
import { mountOf, respond } from "./respond.ts";
import type { MetaRuntime } from "./runtime.ts";

/** How a meta app is made. */
export interface MetaAppOptions {
  /**
   * Names, without port, that the meta app answers to beside `localhost`, `*.localhost` and IP literals. A request to
   * any other is refused with 421, so that no web page can read the meta app by DNS rebinding.
   *
   * @default []
   */
  readonly hosts?: readonly string[];
  /**
   * Is asked for by every path but `/livez` and `/readyz`, as `Authorization: Bearer <token>` or, of a person, by a
   * form. Long and random, as from `crypto.randomUUID()`: visible ASCII characters without spaces. Actions can be
   * carried out only where there is a token.
   *
   * @default everybody who can reach the meta app reads it, and nobody carries out actions from it
   */
  readonly token?: string;
  /**
   * Milliseconds between two events of a live page.
   *
   * @default 2000
   */
  readonly liveMs?: number;
  /**
   * Live pages at the same time; one more is refused with 503 and stays as it was drawn.
   *
   * @default 32
   */
  readonly maxStreams?: number;
  /**
   * Is told of the error when a page cannot be made; the client sees its text only.
   *
   * @default nobody is told
   */
  readonly onError?: (error: unknown) => void;
}

/**
 * Makes the meta app of a runtime: a Hono app, to be served on a port of its own or mounted by `app.route(path, meta)`.
 *
 * | path | what it shows |
 * | --- | --- |
 * | `/` | what is wrong, the reports, the process, what the platform can do |
 * | `/:report` | the report with that id; one that is called as a path of this table has no page |
 * | `/:report/:key` | the details of one of the things that the report lists: its reporter's `details(key)` |
 * | `/metrics` | the statistics in the OpenMetrics format; a page for a browser |
 * | `/events` | `/` as server-sent events, or with `?page=/dns` that report: JSON; `&format=html` as its page needs it |
 * | `/livez` | 200 `ok` |
 * | `/readyz` | 200 when the runtime is ready, else 503; the body is the state |
 *
 * Pages are HTML for who prefers it, as every browser does, and JSON for all others, `curl` included; `?format=html`
 * and `?format=json` override that. The JSON is the data that the page is drawn from. What cannot be shown is a problem
 * (RFC 9457) in the same two forms. A page can be read without a script; the one it has keeps it up to date.
 *
 * GET never changes anything. `POST /:report/actions/:action`, with the fields of the action as a form or as JSON, has a
 * report's action carried out, and recorded in the runtime's log. It needs a token, and an `Origin` header of the
 * meta app itself. `POST /login` and `POST /logout` are the form's. Any other method is answered with 405.
 *
 * @throws {TypeError} when one of `hosts` is no host name, or `token` is empty or cannot stand in a header
 * @throws {RangeError} when `liveMs` is below 100, or `maxStreams` no whole number
 */
export function createMetaApp(runtime: MetaRuntime, options: MetaAppOptions = {}): Hono {
  const { hosts = [], token, onError = () => {} } = options;
  const liveMs = checkNumber("liveMs", options.liveMs ?? 2000, { min: 100, max: 3_600_000 });
  const maxStreams = checkInteger("maxStreams", options.maxStreams ?? 32);
  const access = createAccess(runtime, token);
  const actions = createActions(runtime, access);
  const streams = createLiveStreams(runtime, { liveMs, maxStreams, onError: tell });
  const pages = createPages({ runtime, access, actions, streams });

  /** Whoever listens must not break the page that says what is wrong. */
  function tell(error: unknown): void {
    try {
      onError(error);
    } catch {
      // It is told, and that is all.
    }
  }

  function fail(error: unknown, c: Context): Response {
    tell(error);
    return respond(c, runtime, failedPage(error));
  }

  const app = new Hono({ strict: false });
  app.use(securityHeaders());
  app.use(hostGuard(hosts));
  app.use(async (c, next) => {
    try {
      await next();
    } catch (thrown) {
      // Hono hands errors to onError; anything else that was thrown comes by here.
      return fail(thrown, c);
    }
  });
  app.get("/livez", (c) => live(c));
  app.get("/readyz", (c) => ready(c, runtime));
  if (access.isGuarded) {
    app.post("/login", formLimit(runtime), (c) => access.logIn(c));
    app.post("/logout", (c) => access.logOut(c));
  }
  app.use(access.guard);
  app.get("/", (c) => pages.show(c, "/"));
  app.get("/metrics", (c) => pages.show(c, "/metrics"));
  app.get("/events", (c) => pages.stream(c));
  if (access.isGuarded) app.get("/login", (c) => c.redirect(address("/", mountOf(c)), 303));
  app.get("/:report", (c) => pages.show(c, reportPath(c.req.param())));
  app.get("/:report/:key", (c) => pages.show(c, reportPath(c.req.param())));
  app.post("/:report/actions/:action", formLimit(runtime), (c) => actions.post(c));
  app.get("*", (c) => respond(c, runtime, notFoundPage(c.req.path, runtime.reports.ids)));
  app.all("*", (c) => {
    c.header("Allow", "GET, HEAD");
    return respond(c, runtime, methodNotAllowedPage(c.req.method));
  });
  app.onError(fail);
  return app;
}
