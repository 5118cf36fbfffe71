/** What was sent along with a POST: a form, or the same as JSON. */

import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { problemPage } from "./problem.ts";
import { respond } from "./respond.ts";
import type { MetaRuntime } from "./runtime.ts";

/** More than a form of a few fields ever holds. */
const MAX_BODY_BYTES = 64 * 1024;

/** Refuses what is larger than a form with 413. */
export function formLimit(runtime: MetaRuntime): MiddlewareHandler {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) =>
      respond(c, runtime, problemPage(413, "Too large", `At most ${MAX_BODY_BYTES} bytes are taken.`)),
  });
}

/** The fields that were sent, all of them texts; undefined for what is neither a form nor a JSON object of texts. */
export async function readFields(c: Context): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const isJson = /^application\/json\b/i.test(c.req.header("content-type") ?? "");
    const fields: unknown = isJson ? await c.req.json() : await c.req.parseBody();
    if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return undefined;
    const entries = Object.entries(fields);
    return entries.every(([, value]) => typeof value === "string") ? Object.fromEntries(entries) : undefined;
  } catch {
    return undefined;
  }
}
