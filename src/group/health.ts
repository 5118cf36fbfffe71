/**
 * Health on an app's own port: for probes that cannot reach the meta app.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { abortable, deadlineSignal } from "../signal.ts";
import type { FetchHandler } from "./options.ts";

/** What health is told by. */
export interface HealthOptions {
  /** Whether requests should be sent here, and where the group is in its life. */
  readonly state: () => string;
  /** Asked by `/readyz` as well. */
  readonly check: (() => boolean | Promise<boolean>) | undefined;
  readonly clock: Clock;
}

/** What a check may take. */
const CHECK_MS = 1_000;

/** Puts `/livez` and `/readyz` before a handler: `GET` and `HEAD` alone, all else is the app's. */
export function withHealth(fetch: FetchHandler, options: HealthOptions): FetchHandler {
  return (request, info) => {
    if (request.method !== "GET" && request.method !== "HEAD") return fetch(request, info);
    // Without parsing it: this is asked of every request.
    const path = pathOf(request.url);
    if (path === "/livez") return answer(200, "ok");
    return path === "/readyz" ? readiness(options) : fetch(request, info);
  };
}

async function readiness({ state, check, clock }: HealthOptions): Promise<Response> {
  const now = state();
  if (now !== "ready") return answer(503, now);
  return await passes(check, clock) ? answer(200, "ready") : answer(503, "check failed");
}

async function passes(check: HealthOptions["check"], clock: Clock): Promise<boolean> {
  if (check === undefined) return true;
  const deadline = deadlineSignal(CHECK_MS, { clock, what: "the health check" });
  try {
    return await abortable(Promise.resolve().then(check), deadline.signal) !== false;
  } catch {
    return false;
  } finally {
    deadline.release();
  }
}

function answer(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "cache-control": "no-store" } });
}

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}
