/**
 * A Worker on the edge: names through the cache, asked over HTTPS, and the meta app behind a token.
 *
 * In a project of your own, `npm install @ballast/runtime hono`, and with this file as `worker.ts`:
 *
 * ```sh
 * npx wrangler dev worker.ts --compatibility-date 2026-07-01 --compatibility-flags nodejs_compat --var META_TOKEN:open-sesame
 * curl http://localhost:8787/resolve/example.com                               # asked once ...
 * curl http://localhost:8787/resolve/example.com                               # ... then at once
 * curl -H 'authorization: Bearer open-sesame' http://localhost:8787/ops/dns    # or in a browser
 * ```
 *
 * `nodejs_compat` is what lets Ballast find the request's `waitUntil` and follow contexts. Without it, wrap the handler:
 * `withWaitUntil(ctx, () => app.fetch(request, env, ctx))`.
 *
 * @module
 */

import { createRuntime, dohResolver, errorMessage, NameNotFoundError } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { Hono } from "hono";

/** The variables of the Worker; none is needed. */
interface Env {
  /** Another DNS over HTTPS service. @default Cloudflare's */
  readonly DOH_URL?: string;
  /** Opens the meta app at `/ops`. @default there is none */
  readonly META_TOKEN?: string;
  /** The host name that the Worker is reached by, for the meta app. @default localhost alone */
  readonly HOST?: string;
}

/** One for all requests that this isolate serves: made with the first, for the variables come with it. */
let service: Hono | undefined;

function createService({ DOH_URL, META_TOKEN, HOST }: Env): Hono {
  const runtime = createRuntime({
    name: "edge",
    dns: DOH_URL === undefined ? {} : { resolver: dohResolver({ url: DOH_URL }), timeoutMs: 1_000 },
  });
  const app = new Hono();
  app.get("/resolve/:name", async (c) => {
    try {
      return c.json(await runtime.dns.resolve(c.req.param("name")));
    } catch (error) {
      return c.json({ error: errorMessage(error) }, error instanceof NameNotFoundError ? 404 : 502);
    }
  });
  if (META_TOKEN !== undefined) {
    const hosts = HOST === undefined ? [] : [HOST];
    app.route("/ops", createMetaApp(runtime, { token: META_TOKEN, hosts }));
  }
  return app;
}

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    service ??= createService(env);
    return service.fetch(request);
  },
};
