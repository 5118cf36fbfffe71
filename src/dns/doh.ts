/**
 * DNS over HTTPS (RFC 8484): for runtimes without a DNS client, and for networks where DNS itself is not to be trusted.
 *
 * @module
 */

import { errorMessage, show } from "../errors.ts";
import type { DnsAnswer, DnsQuery } from "../platform/port.ts";
import { abortable } from "../signal.ts";
import { base64url, encodeQuestion, readReply } from "./doh_message.ts";
import { parseLiteral } from "./name.ts";
import type { Resolver } from "./resolver.ts";

/** Options of {@linkcode dohResolver}. */
export interface DohResolverOptions {
  /**
   * The service, such as `https://dns.example/dns-query`; a template's `{?dns}` at the end may stay. Plain `http:` is for
   * a service on the loopback interface alone.
   */
  readonly url: string | URL;
  /** GET can be cached on the way, POST is a little smaller. @default "GET" */
  readonly method?: "GET" | "POST";
  /** Who sends the requests: a service binding's, say. @default the runtime's own */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Headers for every request, such as `authorization`. @default none */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a DNS message may be at most; nothing beyond it is read. */
const MAX_BYTES = 65_535;
const MEDIA_TYPE = "application/dns-message";

/**
 * Asks one DNS over HTTPS service.
 *
 * It tells names that do not exist, empty answers and failures apart, and knows every TTL: the lowest along the aliases,
 * less the time the reply spent in HTTP caches. Redirects are not followed: names are told to the service that was
 * chosen, and to no other. The cache's `servers` mean nothing to it.
 *
 * The name in `url` is resolved by the runtime; with an IP address in its place nothing is. A first request also opens a
 * connection: give the cache a `timeoutMs` of about 1,000 where the service is not near.
 *
 * @example Resolve where there is no DNS client
 * ```ts
 * import assert from "node:assert/strict";
 * import { createDnsCache, dohResolver } from "@ballast/runtime/dns";
 *
 * const resolver = dohResolver({ url: "https://dns.example/dns-query" });
 * await using dns = createDnsCache({ resolver, timeoutMs: 1_000, hosts: { "db.internal": ["10.0.0.4"] } });
 * assert.equal(dns.snapshot().resolver, "doh");
 * assert.equal((await dns.resolve("db.internal"))[0].address, "10.0.0.4");
 * ```
 * @throws {TypeError} when an option makes no sense
 */
export function dohResolver(options: DohResolverOptions): Resolver {
  const url = checkUrl(options.url);
  const { method = "GET", fetch = (input, init) => globalThis.fetch(input, init) } = options;
  if (method !== "GET" && method !== "POST") {
    throw new TypeError(`method must be "GET" or "POST", got ${show(method)}`);
  }
  const headers = new Headers(options.headers);
  headers.set("accept", MEDIA_TYPE);
  if (method === "POST") headers.set("content-type", MEDIA_TYPE);
  const prefix = `${url.href}${url.search === "" ? "?" : "&"}dns=`;

  const query: DnsQuery = async (name, type, { signal }) => {
    const question = encodeQuestion(name, type);
    const init: RequestInit = { method, headers, signal, redirect: "manual" };
    try {
      signal?.throwIfAborted();
      const sent = method === "GET"
        ? fetch(prefix + base64url(question), init)
        : fetch(url.href, { ...init, body: question });
      return await read(
        await received(sent, signal),
        signal,
        (bytes, age) => readReply(bytes, name, type, age),
      );
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return failed(reasonOf(error));
    }
  };
  return { name: "doh", label: url.host, query };
}

function checkUrl(given: string | URL): URL {
  const wanted = "url must be an https: URL, or an http: one on the loopback interface";
  let url: URL;
  try {
    url = new URL(String(given).replace(/\{\?dns\}$/, ""));
  } catch {
    throw new TypeError(`${wanted}, got ${show(given)}`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new TypeError(`${wanted}, got ${show(url.href)}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`url must hold no user name or password: give headers, got one for ${url.host}`);
  }
  url.hash = "";
  return url;
}

function isLoopback(hostname: string): boolean {
  const literal = parseLiteral(hostname)?.address;
  return hostname === "localhost" || literal === "::1" || literal?.startsWith("127.") === true;
}

/** The response of a request that may be abandoned: one that comes after that is not left open. */
async function received(sent: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  const responded = Promise.resolve(sent);
  try {
    return await abortable(responded, signal);
  } catch (error) {
    responded.then(discard, () => {});
    throw error;
  }
}

/** Holds a response to the protocol, and its body to the size of a message. No body is left open. */
async function read(
  response: Response,
  signal: AbortSignal | undefined,
  interpret: (message: Uint8Array, ageSeconds: number) => DnsAnswer,
): Promise<DnsAnswer> {
  const refusal = refusalOf(response);
  if (refusal !== undefined) {
    discard(response);
    return failed(refusal);
  }
  const message = await readBody(response, signal);
  if (message === undefined) return failed(`the reply is longer than ${MAX_BYTES} bytes`);
  return interpret(message, ageOf(response.headers.get("age")));
}

function refusalOf({ status, type, headers }: Response): string | undefined {
  // A redirect shows as `opaqueredirect`, without its status, in browsers.
  if (type === "opaqueredirect" || (status >= 300 && status < 400 && status !== 304)) {
    return `the service redirects${
      status === 0 ? "" : ` (HTTP ${status})`
    }, which is not followed: give the URL it redirects to`;
  }
  if (status < 200 || status >= 300) return `HTTP ${status}`;
  const [mediaType = ""] = (headers.get("content-type") ?? "").split(";");
  if (mediaType.trim().toLowerCase() === MEDIA_TYPE) return undefined;
  return `the reply is ${show(mediaType.trim())}, not ${MEDIA_TYPE}`;
}

/** The whole body, or undefined when it is too long: then the rest of it is left unread. */
async function readBody(
  response: Response,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal);
      if (done) return concatenate(chunks, length);
      length += value.length;
      if (length > MAX_BYTES) return undefined;
      chunks.push(value);
    }
  } finally {
    // After the end this does nothing.
    reader.cancel().catch(() => {});
  }
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function discard(response: Response): void {
  response?.body?.cancel().catch(() => {});
}

/** RFC 9111, 5.1: seconds; of several the first counts, and what is no number is ignored. */
function ageOf(header: string | null): number {
  const [, seconds = "0"] = /^\s*(\d+)\s*(?:,|$)/.exec(header ?? "") ?? [];
  return Number(seconds);
}

/** What `fetch` throws says little; its cause says what happened. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  return cause === undefined ? errorMessage(error) : `${errorMessage(error)}: ${errorMessage(cause)}`;
}

function failed(reason: string): DnsAnswer {
  return { verdict: "failed", reason };
}
