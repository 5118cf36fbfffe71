/**
 * What a request passes on its way to an app: a context of its own, then overload control.
 *
 * @module
 */

import { createRequestContexts, type RequestContextOptions } from "../context/mod.ts";
import type { Runtime } from "../runtime.ts";
import type { AppOptions, FetchHandler } from "./options.ts";

/** How requests are led to their app. */
export interface PipelineOptions {
  /** Whether `runtime.overload` stands in front of the app; health is exempt from it. @default true */
  readonly overload?: boolean | undefined;
  /** How requests are given their contexts: deadlines, trace, what the rings keep. */
  readonly contexts?: RequestContextOptions | undefined;
}

/** Makes what is put around each app's handler: for `wrap` of `createServerSet`. */
export function requestPipeline(
  runtime: Pick<Runtime, "context" | "overload">,
  { overload = true, contexts }: PipelineOptions = {},
): (fetch: FetchHandler, app: AppOptions) => FetchHandler {
  const requests = createRequestContexts(runtime.context, contexts);
  return (fetch) => requests.wrap(overload ? runtime.overload.wrap(fetch) : fetch);
}
