/**
 * What a meta app says, read over HTTP; whatever is wrong on the way becomes a sentence for a person.
 *
 * @module
 */

import type { Clock } from "../../../clock.ts";
import { errorMessage } from "../../../errors.ts";
import { deadlineSignal } from "../../../signal.ts";

/** Reads the pages of a meta app. */
export interface MetaClient {
  /** Where it is. */
  readonly url: string;
  /**
   * The JSON of a page; undefined where there is no such page.
   *
   * @throws {MetaError} when it cannot be had
   */
  read(path: string, signal: AbortSignal): Promise<unknown>;
}

/** Why there is nothing to see, and what to do. */
export class MetaError extends Error {
  override readonly name = "MetaError";
}

/** What a client has to know. */
export interface MetaClientOptions {
  readonly url: URL;
  readonly token?: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** What reads. @default the platform's own */
  readonly fetch?: typeof fetch;
}

/** No page is that long. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Makes a client. */
export function createMetaClient(
  { url, token, timeoutMs, clock, fetch: request = fetch }: MetaClientOptions,
): MetaClient {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const headers: Record<string, string> = { accept: "application/json" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;

  async function read(path: string, signal: AbortSignal): Promise<unknown> {
    const deadline = deadlineSignal(timeoutMs, { clock, signal, what: `reading ${base}` });
    try {
      // A redirect is not followed: the token is for this address alone.
      const response = await request(`${base}${path}?format=json`, {
        headers,
        redirect: "manual",
        signal: deadline.signal,
      });
      if (response.status === 404 && path !== "/") return void await response.body?.cancel();
      const text = await readBody(response);
      if (response.status !== 200) throw new MetaError(refusal(response.status, text));
      return parse(text);
    } catch (error) {
      if (error instanceof MetaError) throw error;
      if (signal.aborted) throw signal.reason;
      if (deadline.signal.aborted) throw new MetaError(`no answer within ${timeoutMs} ms`);
      throw new MetaError(networkReason(error));
    } finally {
      deadline.release();
    }
  }

  return { url: base, read };
}

async function readBody({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    bytes += part.value.byteLength;
    if (bytes > MAX_BYTES) {
      await reader!.cancel();
      throw new MetaError("its answer is longer than any page of a meta app");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MetaError("this is no meta app: its answer is no JSON");
  }
}

function refusal(status: number, text: string): string {
  if (status === 401) return "it asks for a token: --token, or BALLAST_META_TOKEN";
  if (status === 421) return "it refuses this host name: use its IP address, or add the name to its hosts";
  if (status === 404) return "this is no meta app: there is no page";
  if (status >= 300 && status < 400) return `this is no meta app: it redirects (${status})`;
  return `it answered ${status}${detail(text)}`;
}

function detail(text: string): string {
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? `: ${detail.slice(0, 200)}` : "";
  } catch {
    return "";
  }
}

/** Node tells by the cause's code, Deno by the text. */
function networkReason(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  const text = `${String(cause?.code ?? "")} ${errorMessage(error)} ${
    cause === undefined ? "" : errorMessage(cause)
  }`;
  if (/ECONNREFUSED|connection refused/i.test(text)) return "connection refused: nothing listens there";
  if (/ENOTFOUND|EAI_AGAIN|dns error|failed to lookup/i.test(text)) return "its host name cannot be resolved";
  if (/ECONNRESET|reset|UND_ERR_SOCKET|closed before/i.test(text)) return "the connection was cut";
  if (/certificate|CERT|SELF_SIGNED|ssl|tls/i.test(text)) return `TLS: ${errorMessage(cause ?? error)}`;
  return errorMessage(cause ?? error);
}
