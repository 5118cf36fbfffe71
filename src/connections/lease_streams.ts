/**
 * A lease as a pair of streams.
 *
 * @module
 */

import type { Lease } from "./lease.ts";

/** What is read from it. Nothing is read ahead; to cancel the stream closes the lease. */
export function readableOf(lease: Pick<Lease, "read" | "close">): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const bytes = await lease.read();
      if (bytes === undefined) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: () => lease.close(),
  }, { highWaterMark: 0 });
}

/** What is written to it. To close the stream ends this side; to abort it closes the lease. */
export function writableOf(lease: Pick<Lease, "write" | "end" | "close">): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (bytes) => lease.write(bytes),
    close: () => lease.end(),
    abort: () => lease.close(),
  });
}
