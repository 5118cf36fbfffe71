/**
 * Between the runtime's `Request` and `Response` and undici's: each knows its own alone.
 *
 * @module
 */

import type { Undici } from "./undici.ts";

/** What undici's fetch takes for what fetch was given. */
export interface OwnRequest {
  readonly url: string;
  readonly init: RequestInit;
  /** Ends the body where there is more of it, which nobody will read; undefined where it is no stream. */
  readonly endBody: ((reason: unknown) => void) | undefined;
}

/** What undici's fetch takes for what fetch was given. */
export function ownRequest(
  undici: Undici,
  input: string | URL | Request,
  init: RequestInit = {},
): OwnRequest {
  const base = input instanceof Request ? partsOf(input) : {};
  // Where one is given, the body of a request is left alone.
  const body = init.body ?? (input instanceof Request && init.body === undefined ? input.body : undefined);
  const url = input instanceof Request ? input.url : String(input);
  if (body instanceof ReadableStream) {
    const { stream, end } = endable(body);
    const streamed = { body: stream, duplex: "half" };
    return { url, init: { ...base, ...init, ...streamed }, endBody: end };
  }
  const own = body instanceof FormData ? ownForm(undici, body) : body;
  return { url, init: { ...base, ...init, body: own }, endBody: undefined };
}

function partsOf({ method, headers, redirect, integrity, keepalive }: Request): RequestInit {
  return { method, headers: [...headers] as [string, string][], redirect, integrity, keepalive };
}

/** A stream that can be ended though somebody reads from it. undici would go on reading, and throw away what it reads. */
function endable(body: ReadableStream<Uint8Array>) {
  const reader = body.getReader();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let over = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    async pull() {
      const { done, value } = await reader.read();
      if (over) return;
      over = done;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      over = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  const end = (reason: unknown) => {
    if (over) return;
    over = true;
    controller.error(reason);
    reader.cancel(reason).catch(() => {});
  };
  return { stream, end };
}

function ownForm(undici: Undici, form: FormData): FormData {
  const own = new undici.FormData();
  for (const [name, value] of form) {
    if (typeof value === "string") own.append(name, value);
    else own.append(name, value, value.name);
  }
  return own;
}

/**
 * A response stays alive as long as the one made of it: undici cancels the body of one that is lost, and with it the transfer.
 */
const originals = new WeakMap<Response, Response>();

/** Who knows that the rest of a body will not come. */
export interface BodySource {
  /** Has `listener` told so. */
  onBroken(listener: (error: unknown) => void): void;
}

/**
 * The runtime's own response: what `Deno.serve` takes, and `instanceof Response` knows. Where a `source` is given its body fails
 * when that says so.
 */
export function webResponse(given: Response, source?: BodySource): Response {
  const { status, statusText, url, redirected, type } = given;
  const body = given.body && source ? breakable(given.body, source) : given.body;
  const response = new Response(body, { status, statusText, headers: [...given.headers] });
  Object.defineProperties(response, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
  });
  originals.set(response, given);
  return response;
}

/**
 * A body that fails when its source breaks. undici's asks `node:stream` whether the body can still fail, and on Deno that does
 * not know of web streams: whoever reads it would wait for ever.
 */
function breakable(body: ReadableStream<Uint8Array>, source: BodySource): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    type: "bytes",
    start: (controller) => source.onBroken((error) => controller.error(error)),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value as Uint8Array<ArrayBuffer>);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
