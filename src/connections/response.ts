/**
 * The platform's `Response` to a request: what `Deno.serve` takes, and `instanceof Response` knows.
 *
 * @module
 */

import type { PlatformNet } from "../platform/port.ts";
import type { HttpRequest } from "./http_request.ts";
import type { Incoming } from "./incoming.ts";

/** Statuses without a body (the fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);
/** A body encoded more often is not to be trusted. */
const MAX_CODINGS = 5;

/** What a body is read from. */
interface Source {
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  cancel(reason: unknown): void;
}

/**
 * Makes a response. A body that arrived together with its head is taken as a whole: a stream is made for others alone.
 *
 * @throws {TypeError | RangeError} when no response can be like that
 */
export function toResponse(
  incoming: Incoming,
  { url, method }: HttpRequest,
  { redirected, net }: { readonly redirected: boolean; readonly net: PlatformNet },
): Response {
  const { status, statusText, headers } = incoming.head;
  let encoding = "";
  const pairs: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!.toString("latin1");
    const value = headers[index + 1]!.toString("latin1");
    pairs.push(name, value);
    if (name.length === 16 && name.toLowerCase() === "content-encoding") encoding += `,${value}`;
  }
  const body = method === "HEAD" || WITHOUT_BODY.has(status) ? null : bodyOf(incoming, encoding, net);
  if (body === null) incoming.discard();
  const response = new Response(body, { status, statusText: readable(statusText) });
  for (let index = 0; index < pairs.length; index += 2) append(response, pairs[index]!, pairs[index + 1]!);
  if (url.hash !== "") url.hash = "";
  return described(response, url.href, redirected);
}

function bodyOf(incoming: Incoming, encoding: string, net: PlatformNet): BodyInit {
  const codings = readCodings(encoding, net);
  if (codings.length > 0) return streamOf(decoded(incoming, codings, net), incoming);
  return incoming.whole ?? streamOf(incoming, incoming);
}

/** The codings of a body, the one to be undone first in front; none where one of them is not known. */
function readCodings(encoding: string, net: PlatformNet): string[] {
  if (encoding === "") return [];
  const codings = encoding.toLowerCase().split(",").map((coding) => coding.trim()).filter((coding) =>
    coding !== "" && coding !== "identity"
  );
  if (codings.length > MAX_CODINGS) throw new TypeError(`a body with ${codings.length} codings is not read`);
  return codings.every((coding) => net.codings.includes(coding)) ? codings.reverse() : [];
}

function decoded(incoming: Incoming, codings: readonly string[], net: PlatformNet): Source {
  async function* encoded() {
    for (let chunk = await incoming.read(); chunk !== undefined; chunk = await incoming.read()) yield chunk;
  }
  const chunks = net.decode(encoded(), codings)[Symbol.asyncIterator]();
  return {
    async read() {
      try {
        const { done, value } = await chunks.next();
        return done ? undefined : new Uint8Array(value);
      } catch (cause) {
        incoming.cancel(cause);
        throw new TypeError("terminated", { cause });
      }
    },
    cancel(reason) {
      incoming.cancel(reason);
      chunks.return?.().catch(() => {});
    },
  };
}

function streamOf(source: Source, incoming: Incoming): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    start: (controller) => incoming.onFailed((error) => controller.error(error)),
    async pull(controller) {
      const chunk = await source.read();
      if (chunk !== undefined) return controller.enqueue(chunk);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => source.cancel(reason),
  });
}

/** A reason phrase as a `Response` takes it. */
function readable(statusText: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(statusText) ? statusText : "";
}

function append(response: Response, name: string, value: string): void {
  try {
    response.headers.append(name, value);
  } catch {
    // The parser is laxer than the web is: such a header cannot be had.
  }
}

/** Says where a response came from, which no constructor can be told. */
function described(response: Response, url: string, redirected: boolean): Response {
  return Object.defineProperties(response, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: "basic" },
    clone: { value: cloned },
  });
}

function cloned(this: Response): Response {
  return described(Response.prototype.clone.call(this), this.url, this.redirected);
}
