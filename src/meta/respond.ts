/** From a page to a response, in the form that the client wants. */

import type { Context } from "hono";
import { basePath } from "hono/route";
import type { View } from "./cell.ts";
import { renderBareLayout, renderLayout } from "./layout.ts";
import { negotiate } from "./negotiate.ts";
import type { Page } from "./page.ts";
import type { MetaRuntime } from "./runtime.ts";
import { parseSort } from "./sort.ts";

/** Answers with a page: what it is drawn from, or its drawing as HTML. */
export function respond(c: Context, runtime: MetaRuntime, page: Page): Response {
  const { status = 200 } = page;
  const sources = [page.source, ...page.alternatives ?? []];
  c.header("Vary", "Accept");
  const format = negotiate(c, [page.source.format, ...sources.slice(1).map(({ format }) => format), "html"]);
  const source = sources.find((source) => source.format === format);
  if (source !== undefined) return c.body(source.write(), status, { "Content-Type": source.type });
  const nonce: string | undefined = c.get("secureHeadersNonce");
  const view = viewOf(c, runtime);
  const document = page.bare ? renderBareLayout(page, view, nonce) : renderLayout(page, runtime, view, nonce);
  return c.body(String(document), status, { "Content-Type": "text/html; charset=utf-8" });
}

/** What a page that is drawn for this request needs to know of it. */
export function viewOf(c: Context, runtime: MetaRuntime): View {
  return { now: runtime.platform.clock.now(), base: mountOf(c), sort: parseSort(c.req.query("sort")) };
}

/** The path that the meta app is mounted at, without a slash at its end. */
export function mountOf(c: Context): string {
  const mount = basePath(c);
  return mount === "/" ? "" : mount;
}
