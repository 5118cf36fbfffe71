/**
 * Codings of bodies (RFC 9110, 8.4.1), undone by `node:zlib`.
 */

import type * as Stream from "node:stream";
import type * as Zlib from "node:zlib";

import { builtin } from "./node_builtin.ts";

/** What can be undone. */
export const CODINGS: readonly string[] = ["gzip", "x-gzip", "deflate", "br"];

/** Undoes codings of a body, one after the other. A body that ends early gives what there is of it, as in browsers. */
export function decode(
  source: AsyncIterable<Uint8Array>,
  codings: readonly string[],
): AsyncIterable<Uint8Array> {
  return codings.reduce(undo, source);
}

async function* undo(source: AsyncIterable<Uint8Array>, coding: string): AsyncGenerator<Uint8Array> {
  const { Readable, pipeline } = builtin<typeof Stream>("node:stream");
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  async function* all() {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const decoder = decoderOf(coding, first.value);
  // Whoever reads the decoder is told of what fails.
  pipeline(Readable.from(all(), { objectMode: false }), decoder, () => {});
  yield* decoder;
}

function decoderOf(coding: string, { 0: first = 0 }: Uint8Array): Stream.Duplex {
  const zlib = builtin<typeof Zlib>("node:zlib");
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;
  const options = { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH };
  if (coding === "br") {
    return zlib.createBrotliDecompress({
      flush: BROTLI_OPERATION_FLUSH,
      finishFlush: BROTLI_OPERATION_FLUSH,
    });
  }
  if (coding !== "deflate") return zlib.createGunzip(options);
  // "deflate" is meant to have the header of zlib, and often has none.
  return (first & 0x0f) === 8 ? zlib.createInflate(options) : zlib.createInflateRaw(options);
}
