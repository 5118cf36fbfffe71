/**
 * What `fetch` was given, read: as its standard says, where that makes sense on a server.
 *
 * @module
 */

import { show } from "../errors.ts";
import { type GivenBody, type RequestBody, requestBody } from "./request_body.ts";

/** One request, ready to be sent. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  /** By lower-case name: what the caller has set, and the type of its body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestBody | undefined;
  readonly redirect: "follow" | "error" | "manual";
}

/** Methods that may be carried out twice (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
const NONE: Readonly<Record<string, string>> = {};

/** Whether a request with this method may be carried out twice. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/**
 * Reads what `fetch` was given; undefined where it is no request over HTTP (`data:`, `blob:`).
 *
 * @throws {TypeError} when it makes no sense
 */
export function readRequest(
  input: string | URL | Request,
  init: RequestInit | undefined,
  replayBytes: number,
): HttpRequest | undefined {
  const base = input instanceof Request ? input : undefined;
  const url = new URL(base === undefined ? input as string | URL : base.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("a URL with credentials cannot be fetched: use an authorization header");
  }
  if (base === undefined && init === undefined) {
    return { url, method: "GET", headers: NONE, body: undefined, redirect: "follow" };
  }
  if (init?.integrity || (base?.integrity && init?.integrity === undefined)) {
    throw new TypeError("integrity is not supported: compare the digest of the body");
  }
  const method = readMethod(init?.method ?? base?.method ?? "GET");
  const given = bodyOf(base, init);
  if (given !== undefined && (method === "GET" || method === "HEAD")) {
    throw new TypeError(`a ${method} request has no body`);
  }
  const headers = readHeaders(init?.headers ?? base?.headers);
  const redirect = init?.redirect ?? base?.redirect ?? "follow";
  if (given === undefined) return { url, method, headers, body: undefined, redirect };
  const body = requestBody(given, isIdempotent(method) ? replayBytes : 0);
  if (body.type !== undefined) headers["content-type"] ??= body.type;
  return { url, method, headers, body, redirect };
}

/** Where one is given, the body of a request is left alone. */
function bodyOf(base: Request | undefined, init: RequestInit | undefined): GivenBody | undefined {
  if (init?.body !== undefined && init.body !== null) return init.body;
  if (base === undefined || init?.body === null) return undefined;
  if (base.bodyUsed) throw new TypeError("the body of the request was read already");
  return base.body ?? undefined;
}

function readMethod(given: string): string {
  const upper = given.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`the method ${show(given)} cannot be fetched`);
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(given)) {
    throw new TypeError(`a method must be a token such as GET, got ${show(given)}`);
  }
  return NORMALIZED.has(upper) ? upper : given;
}

function readHeaders(given: HeadersInit | undefined): Record<string, string> {
  if (given === undefined) return {};
  const headers: Record<string, string> = {};
  (given instanceof Headers ? given : new Headers(given)).forEach((value, name) => headers[name] = value);
  return headers;
}
