/** Health, for probes: two answers that cost nothing and ask no component anything. */

import type { Context } from "hono";
import type { MetaRuntime } from "./runtime.ts";
import { negotiate } from "./negotiate.ts";

/** Whether the process answers at all: 200 `ok`, else a probe would not hear it. */
export function live(c: Context): Response {
  return answer(c, 200, "ok", { live: true });
}

/** Whether requests should be sent here: 200 when the runtime is ready, else 503; both say the state. */
export function ready(c: Context, runtime: MetaRuntime): Response {
  const { state } = runtime;
  const isReady = state === "ready";
  return answer(c, isReady ? 200 : 503, state, { ready: isReady, state });
}

/** Text, unless JSON is what the client asks for. */
function answer(c: Context, status: 200 | 503, text: string, data: Record<string, unknown>): Response {
  c.header("Vary", "Accept");
  return negotiate(c, ["text", "json"]) === "json" ? c.json(data, status) : c.text(`${text}\n`, status);
}
