/**
 * A service whose requests have a context: the caller's trace and deadline come in by header, reach the DNS lookup and the
 * call to the next service, and go out with that.
 *
 * @module
 */

import { BallastError, errorMessage, type Runtime } from "@ballast/runtime";
import {
  createKey,
  createRequestContexts,
  currentContext,
  currentSignal,
  inject,
} from "@ballast/runtime/context";
import { Hono } from "hono";

/** Whom a request is for: no function in between passes it along. */
const tenant = createKey("tenant", { default: "nobody", shown: true });

/** Where the prices are asked for. */
export interface PriceService {
  readonly host: string;
  readonly port: number;
}

/** Makes the shop. A request has two seconds, or less if its caller says so. */
export function createShop(runtime: Runtime, prices: PriceService): Hono {
  const requests = createRequestContexts(runtime.context, {
    deadlineMs: 2_000,
    locals: (request) => [tenant.of(request.headers.get("x-tenant") ?? "nobody")],
  });
  const app = new Hono();
  app.use(requests.middleware());
  app.get("/offers/:item", async (c) => c.json(await offer(runtime, prices, c.req.param("item"))));
  app.onError((error, c) => {
    const late = error instanceof BallastError && error.code === "TIMEOUT";
    return c.json({ error: errorMessage(error) }, late ? 504 : 502);
  });
  return app;
}

async function offer(runtime: Runtime, { host, port }: PriceService, item: string) {
  // Waits no longer than the request may: the context is found, not passed.
  const [{ address }] = await runtime.dns.resolve(host);
  const response = await fetch(`http://${address}:${port}/prices/${encodeURIComponent(item)}`, {
    headers: inject(new Headers({ host })),
    signal: currentSignal(),
  });
  return { ...await response.json(), item, tenant: currentContext()!.get(tenant) };
}
