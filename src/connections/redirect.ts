/**
 * Redirects: where the next request goes, and what of the last one it keeps (the fetch standard, HTTP-redirect fetch).
 *
 * @module
 */

import { show } from "../errors.ts";
import type { HttpRequest } from "./http_request.ts";
import type { IncomingHead } from "./incoming.ts";

const STATUSES = new Set([301, 302, 303, 307, 308]);
/** What describes a body that is not sent any more. */
const OF_BODY = [
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
  "content-length",
];
/** What is meant for one origin, and is no other's business. */
const OF_ORIGIN = ["authorization", "proxy-authorization", "cookie", "host"];

/** Where a response leads to, as it says; undefined where it leads nowhere. */
export function locationOf({ status, headers }: IncomingHead): string | undefined {
  if (!STATUSES.has(status)) return undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.toString("latin1").toLowerCase() === "location") {
      return headers[index + 1]!.toString("latin1");
    }
  }
  return undefined;
}

/**
 * The request after a redirect.
 *
 * @throws {TypeError} when it may not be made
 */
export function redirected(request: HttpRequest, status: number, location: string): HttpRequest {
  const url = readLocation(location, request.url);
  const { body } = request;
  if (status !== 303 && body?.streamed === true) {
    throw new TypeError("redirected, and the body is a stream that was read already");
  }
  const headers = { ...request.headers };
  if (url.origin !== request.url.origin) { for (const name of OF_ORIGIN) delete headers[name]; }
  if (!becomesGet(request.method, status)) return { ...request, url, headers };
  for (const name of OF_BODY) delete headers[name];
  return { ...request, url, headers, method: "GET", body: undefined };
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function readLocation(location: string, base: URL): URL {
  let url: URL;
  try {
    // Sent as it was typed by many: as UTF-8.
    url = new URL(utf8(location), base);
  } catch (cause) {
    throw new TypeError(`redirected to ${show(location)}, which is no URL`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`redirected to ${show(location)}, which is not http`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("redirected to a URL with credentials");
  }
  if (url.hash === "") url.hash = base.hash;
  return url;
}

function utf8(latin1: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  return new TextDecoder().decode(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}
