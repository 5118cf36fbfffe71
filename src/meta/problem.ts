/** The pages of what went wrong, as problem details (RFC 9457). */

import type { ContentfulStatusCode } from "hono/utils/http-status";
import { errorMessage, show } from "../errors.ts";
import { address } from "./link.ts";
import { markup } from "./markup.ts";
import { jsonSource, type Page } from "./page.ts";

/** What a program gets when there is no page to give. */
export interface Problem {
  /** The status of the response. */
  readonly status: number;
  /** The kind of problem: the same for each of its kind. */
  readonly title: string;
  /** What happened this time, and what to do. */
  readonly detail: string;
  /** The paths there are instead. */
  readonly paths?: readonly string[];
  /** The code of the error that an action failed with, where it has one. */
  readonly code?: string;
}

/** The page of a path that leads nowhere: it says what there is. */
export function notFoundPage(path: string, reports: readonly string[]): Page {
  const paths = ["/", ...reports.map((id) => `/${id}`), "/metrics"];
  return problemPage(404, "Not found", `There is no page at ${show(path)}.`, { paths });
}

/** The page of a method that the path does not take. */
export function methodNotAllowedPage(method: string): Page {
  const detail = `A page is only read: it takes GET and HEAD, got ${show(method)}. Actions take POST.`;
  return problemPage(405, "Method not allowed", detail);
}

/** The page of a page that cannot be made: the error's text, never its stack. */
export function failedPage(error: unknown): Page {
  return problemPage(500, "This page cannot be made", errorMessage(error));
}

/** The page of what went wrong. */
export function problemPage(
  status: ContentfulStatusCode,
  title: string,
  detail: string,
  more: Pick<Problem, "paths" | "code"> = {},
): Page {
  const problem: Problem = { status, title, detail, ...more };
  return {
    status,
    title,
    tone: status < 500 ? "neutral" : "bad",
    source: jsonSource(problem, "application/problem+json"),
    body: ({ base }) => {
      const links = more.paths?.map((path) => markup`<li><a href="${address(path, base)}">${path}</a></li>`);
      const there = links === undefined ? undefined : markup`<p>There is:</p><ul>${links}</ul>`;
      return [{
        id: "problem",
        markup: markup`<div id="problem"><p class="detail">${detail}</p>${there}</div>`,
      }];
    },
  };
}
