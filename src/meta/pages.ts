/** The pages there are, as they are now: shown once, or streamed as they change. */

import type { Context } from "hono";
import { show } from "../errors.ts";
import type { Report } from "../report.ts";
import type { Access } from "./access.ts";
import type { Actions } from "./actions.ts";
import type { View } from "./cell.ts";
import { parseReportPath, type Place } from "./link.ts";
import type { LiveEvent, LiveStreams } from "./live.ts";
import { pageUpdates } from "./live_page.ts";
import { metricsPage } from "./metrics_page.ts";
import { describeRuntime, type MetaFacts, overviewPage } from "./overview_page.ts";
import type { Page } from "./page.ts";
import { notFoundPage, problemPage } from "./problem.ts";
import { reportPage } from "./report_page.ts";
import { respond, viewOf } from "./respond.ts";
import type { MetaRuntime } from "./runtime.ts";

/** What pages are made of. */
export interface PageParts {
  readonly runtime: MetaRuntime;
  readonly access: Access;
  readonly actions: Actions;
  readonly streams: LiveStreams;
}

/** The pages of a meta app. */
export interface Pages {
  /** Answers with the page at a path, or with what there is instead. */
  show(c: Context, path: string): Response;
  /** Answers with the events of the page that `?page=` names. */
  stream(c: Context): Response;
}

/** When to ask again for a stream, in seconds. */
const RETRY_AFTER_S = 10;

/** Makes the pages of a meta app. */
export function createPages({ runtime, access, actions, streams }: PageParts): Pages {
  const { clock } = runtime.platform;

  function describeMeta(): MetaFacts {
    return {
      token: access.isGuarded,
      wrongTokens: access.failures,
      lastWrongTokenAt: access.lastFailureAt,
      actions: actions.mode === "offered",
      streams: streams.open,
      maxStreams: streams.max,
    };
  }

  /** The page at a path; undefined where there is none. `done` is the outcome that its reader waits for. */
  function pageAt(path: string, done?: string): Page | undefined {
    if (path === "/") return overviewPage(runtime, describeMeta());
    if (path === "/metrics") return metricsPage(runtime);
    const place = parseReportPath(path);
    const report = place && reportAt(place);
    return report && reportPage(place, report, actions, done);
  }

  function reportAt({ report, key }: Place): Report | undefined {
    return key === undefined ? runtime.reports.get(report) : runtime.reports.details?.(report, key);
  }

  /** The events of a page for the script on it. */
  function drawings(c: Context, path: string): () => LiveEvent {
    const view = viewOf(c, runtime);
    const done = c.req.query("done");
    const pageNow = (): Page => {
      const page = pageAt(path, done);
      if (page === undefined) throw new Error(`there is no page at ${show(path)}`);
      return page;
    };
    return pageUpdates(runtime, pageNow, (): View => ({ ...view, now: clock.now() }));
  }

  /** The events of a page for programs. */
  function snapshot(path: string): LiveEvent {
    const overview = describeRuntime(runtime, describeMeta());
    const place = parseReportPath(path);
    return { type: "snapshot", data: { at: clock.now(), overview, report: place && reportAt(place) } };
  }

  return {
    show(c, path) {
      const page = pageAt(path, c.req.query("done"));
      return respond(c, runtime, page ?? notFoundPage(c.req.path, runtime.reports.ids));
    },
    stream(c) {
      const { page: path = "/", format } = c.req.query();
      if (pageAt(path) === undefined) return respond(c, runtime, notFoundPage(path, runtime.reports.ids));
      if (streams.open >= streams.max) {
        c.header("Retry-After", String(RETRY_AFTER_S));
        const detail = `There are ${streams.max} of them already.`;
        return respond(c, runtime, problemPage(503, "Too many live pages", detail));
      }
      // A proxy that gathers what passes would hold events back.
      const headers = { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      return c.body(
        streams.start(format === "html" ? drawings(c, path) : () => snapshot(path)),
        200,
        headers,
      );
    },
  };
}
