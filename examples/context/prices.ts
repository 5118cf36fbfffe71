/**
 * The service that the shop asks: a bare `fetch` handler, on the other side of the headers.
 *
 * @module
 */

import { type Context, createRequestContexts, currentContext } from "@ballast/runtime/context";

/** Makes the price service. */
export function createPrices(context: Context): (request: Request) => Response | Promise<Response> {
  return createRequestContexts(context).wrap(() => {
    const { trace, remainingMs } = currentContext()!;
    return Response.json({ price: 42, trace, remainingMs });
  });
}
