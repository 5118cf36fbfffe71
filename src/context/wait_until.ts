/**
 * Who keeps a request alive beyond its response, on runtimes where what a request begins ends with it.
 *
 * @module
 */

import { detectPlatform } from "../platform/detect.ts";
import type { ContextStorage, WaitUntil } from "../platform/port.ts";
import { synchronousStorage } from "./propagation.ts";

let storage: ContextStorage<{ readonly waitUntil: WaitUntil }> | undefined;

/**
 * Has whatever `fn` sets off in the background kept alive by `scope`: the third argument of a Worker's `fetch`, say. Followed
 * across `await` where the platform can do that, and else up to the first one.
 *
 * Not needed where the platform finds the request's `waitUntil` by itself: in workerd with the compatibility flag
 * `nodejs_compat`.
 *
 * @example In a handler
 * ```ts
 * import { withWaitUntil } from "@ballast/runtime/context";
 * import { createDnsCache } from "@ballast/runtime/dns";
 *
 * const dns = createDnsCache({ hosts: { "db.internal": ["10.0.0.4"] } });
 * const handler = {
 *   fetch: (_request: Request, _env: unknown, ctx: { waitUntil(work: Promise<unknown>): void }) =>
 *     withWaitUntil(ctx, async () => Response.json(await dns.resolve("db.internal"))),
 * };
 * const response = await handler.fetch(new Request("https://shop.example/"), {}, { waitUntil() {} });
 * console.assert((await response.json())[0].address === "10.0.0.4");
 * await dns.close();
 * ```
 */
export function withWaitUntil<R>(scope: { readonly waitUntil: WaitUntil }, fn: () => R): R {
  storage ??= detectPlatform().createStorage() ?? synchronousStorage();
  return storage.run(scope, fn);
}

/** Hands `work` to the request that is running: to the scope around this call, or to `otherwise`. Never throws. */
export function keepUntilDone(work: Promise<unknown>, otherwise: WaitUntil | undefined): void {
  const scope = storage?.getStore();
  try {
    // As a method: it may need its `this`.
    if (scope !== undefined) scope.waitUntil(work);
    else otherwise?.(work);
  } catch {
    // Outside of any request there is nothing to keep alive.
  }
}
