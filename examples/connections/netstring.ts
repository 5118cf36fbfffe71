/**
 * Netstrings (D. J. Bernstein, 1997), `5:hello,`: a protocol in a dozen lines on top of a buffered connection.
 *
 * @example A question and its answer
 * ```ts
 * import assert from "node:assert/strict";
 * import { bufferedConnection } from "@ballast/runtime/connections";
 * import { readNetstring, writeNetstring } from "./netstring.ts";
 *
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 * const here = bufferedConnection({ readable: back.readable, writable: there.writable });
 * const peer = bufferedConnection({ readable: there.readable, writable: back.writable });
 *
 * const [, question] = await Promise.all([writeNetstring(here, "tea?"), readNetstring(peer)]);
 * assert.equal(question, "tea?");
 * ```
 *
 * @module
 */

import type { BufferedConnection, RecvOptions } from "@ballast/runtime/connections";

/** No message is longer. */
const MAX_BYTES = 65_536;
/** Digits of the longest length there can be. */
const MAX_DIGITS = String(MAX_BYTES).length;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends one message. */
export function writeNetstring(
  connection: BufferedConnection,
  message: string,
  options?: RecvOptions,
): Promise<void> {
  const bytes = encoder.encode(message);
  connection.write(`${bytes.length}:`);
  connection.write(bytes);
  return connection.send(",", options);
}

/**
 * Receives one message. It may be called again after a timeout: what has come so far is still there.
 *
 * @throws {SyntaxError} when the peer speaks otherwise
 */
export async function readNetstring(connection: BufferedConnection, options?: RecvOptions): Promise<string> {
  // Looked at before anything is taken, so that a timeout in the middle leaves the message whole.
  for (let digits = 1; digits <= MAX_DIGITS + 1; digits++) {
    const head = decoder.decode(await connection.peek(digits, options));
    if (/^\d*$/.test(head)) continue;
    const [, length] = /^(0|[1-9]\d*):$/.exec(head) ?? [];
    if (length === undefined || Number(length) > MAX_BYTES) break;
    const whole = await connection.recvExactly(digits + Number(length) + 1, options);
    if (whole.at(-1) !== ",".charCodeAt(0)) break;
    return decoder.decode(whole.subarray(digits, -1));
  }
  throw new SyntaxError(`a netstring of at most ${MAX_BYTES} bytes was expected`);
}
