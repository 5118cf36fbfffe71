/**
 * Where a topology comes from: a file, or a URL with its ETag.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import type { Platform } from "../platform/port.ts";

/** What reading gave: the text, or that it is the same as before. */
export type Reading = { readonly text: string } | "unchanged";

/** Somewhere to read from. */
export interface Source {
  /** For logs and pages. */
  readonly label: string;
  /** Reads it. Throws when it cannot be read. */
  read(signal: AbortSignal): Promise<Reading>;
}

/** The document may be of this size: a hundred thousand names. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * A file, read whole every time: a ConfigMap changes by swapping symbolic links, which neither a file watch nor a
 * modification time tells of.
 *
 * @throws {BallastError} `UNSUPPORTED` where there are no files
 */
export function fileSource(path: string, platform: Platform): Source {
  const { files } = platform;
  if (files === undefined) {
    throw new BallastError("UNSUPPORTED", `there are no files on ${platform.name}: give the topology a url`);
  }
  let before: string | undefined;
  return {
    label: path,
    async read() {
      const text = await files.readText(path, MAX_BYTES);
      if (text === before) return "unchanged";
      before = text;
      return { text };
    },
  };
}

/** A URL, asked for only if it changed (RFC 9110, `If-None-Match`) where it gives an ETag. */
export function urlSource(url: string | URL, request: typeof fetch): Source {
  const target = new URL(url);
  let etag: string | undefined;
  let before: string | undefined;
  return {
    label: `${target.origin}${target.pathname}`,
    async read(signal) {
      const headers = etag === undefined ? undefined : { "if-none-match": etag };
      const response = await request(target, { headers, signal });
      if (response.status === 304) {
        await response.body?.cancel();
        return "unchanged";
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`the server answered ${response.status}`);
      }
      const text = await readBody(response);
      etag = response.headers.get("etag") ?? undefined;
      if (text === before) return "unchanged";
      before = text;
      return { text };
    },
  };
}

/** The body as text, given up when it is larger than any topology. */
async function readBody(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    bytes += part.value.byteLength;
    if (bytes > MAX_BYTES) {
      await reader!.cancel();
      throw new Error(`the document is larger than ${MAX_BYTES} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
