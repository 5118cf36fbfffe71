/** From a page to a response, in the form that the client wants. */

import type { Context } from "hono";
import { basePath } from "hono/route";
import type { View } from "./cell.ts";
import { renderLayout } from "./layout.ts";
import { negotiate } from "./negotiate.ts";
import type { Page } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";

/** Answers with a page: what it is drawn from, or its drawing as HTML. */
export function respond(c: Context, runtime: MetaRuntime, page: Page): Response {
  const { status = 200, source } = page;
  c.header("Vary", "Accept");
  if (negotiate(c, [source.format, "html"]) !== "html") {
    return c.body(source.write(), status, { "Content-Type": source.type });
  }
  const mount = basePath(c);
  const view: View = { now: runtime.platform.clock.now(), base: mount === "/" ? "" : mount };
  return c.body(String(renderLayout(page, runtime, view, c.get("secureHeadersNonce"))), status, {
    "Content-Type": "text/html; charset=utf-8",
  });
}
