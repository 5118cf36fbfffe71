/** Wires the pages: which path shows what. */

import { type Context, Hono } from "hono";
import { hostGuard, securityHeaders } from "./guard.ts";
import { live, ready } from "./health.ts";
import { metricsPage } from "./metrics_page.ts";
import { overviewPage } from "./overview_page.ts";
import { failedPage, methodNotAllowedPage, notFoundPage } from "./problem.ts";
import { reportPage } from "./report_page.ts";
import { respond } from "./respond.ts";
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
 * | `/:report` | the report with that id; one that is called `metrics`, `livez` or `readyz` has no page |
 * | `/metrics` | the statistics in the OpenMetrics format; a page for a browser |
 * | `/livez` | 200 `ok` |
 * | `/readyz` | 200 when the runtime is ready, else 503; the body is the state |
 *
 * Pages are HTML for who prefers it, as every browser does, and JSON for all others, `curl` included; `?format=html`
 * and `?format=json` override that. The JSON is the data that the page is drawn from. What cannot be shown is a problem
 * (RFC 9457) in the same two forms. Nothing is ever changed: any method but GET and HEAD is answered with 405.
 *
 * @throws {TypeError} when one of `hosts` is no host name
 */
export function createMetaApp(runtime: MetaRuntime, options: MetaAppOptions = {}): Hono {
  const { hosts = [], onError = () => {} } = options;

  function fail(error: unknown, c: Context): Response {
    try {
      onError(error);
    } catch {
      // Whoever listens must not break the page that says what is wrong.
    }
    return respond(c, runtime, failedPage(error));
  }

  const app = new Hono({ strict: false });
  app.use(securityHeaders());
  app.use(hostGuard(hosts));
  app.use(async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.header("Allow", "GET, HEAD");
      return respond(c, runtime, methodNotAllowedPage(c.req.method));
    }
    try {
      await next();
    } catch (thrown) {
      // Hono hands errors to onError; anything else that was thrown comes by here.
      return fail(thrown, c);
    }
  });

  app.get("/", (c) => respond(c, runtime, overviewPage(runtime)));
  app.get("/livez", (c) => live(c));
  app.get("/readyz", (c) => ready(c, runtime));
  app.get("/metrics", (c) => respond(c, runtime, metricsPage(runtime)));
  app.get("/:report", (c, next) => {
    const id = c.req.param("report");
    const report = runtime.reports.get(id);
    return report === undefined ? next() : respond(c, runtime, reportPage(id, report));
  });
  app.get("*", (c) => respond(c, runtime, notFoundPage(c.req.path, runtime.reports.ids)));
  app.onError(fail);
  return app;
}
