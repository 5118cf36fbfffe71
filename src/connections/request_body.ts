/**
 * The body of a request, as long as it can be sent again.
 *
 * @module
 */

import { show } from "../errors.ts";
import { formBlob } from "./form_blob.ts";
import type { SentBody } from "./undici.ts";

/** A body, and what becomes of it. */
export interface RequestBody {
  /** Its media type, where the caller names none. */
  readonly type: string | undefined;
  /** How many bytes it has, where that must be said: of texts and bytes undici knows. */
  readonly length: number | undefined;
  /** Whether it comes out of a stream: such a one does not survive a redirect. */
  readonly streamed: boolean;
  /** Whether it can be sent again, from its beginning. */
  readonly replayable: boolean;
  /** Whether it was the body itself that failed. */
  readonly failed: boolean;
  /** The body, from its beginning. */
  send(): SentBody;
  /** Ends it, whatever is left of it. */
  end(reason: unknown): void;
}

/** What `fetch` takes as a body, and what is iterable besides. */
export type GivenBody = NonNullable<RequestInit["body"]> | AsyncIterable<Uint8Array>;

/**
 * Reads a body.
 *
 * @param keepBytes of one that is read piece by piece, so much is kept so that it can be sent again
 * @throws {TypeError} when it was read already
 */
export function requestBody(given: GivenBody, keepBytes: number): RequestBody {
  if (typeof given === "string") return fixed(given, "text/plain;charset=UTF-8");
  if (given instanceof Blob) return ofBlob(given);
  if (given instanceof Uint8Array) return fixed(given.slice());
  if (given instanceof ArrayBuffer) return fixed(new Uint8Array(given.slice(0)));
  if (ArrayBuffer.isView(given)) {
    return fixed(new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice());
  }
  if (given instanceof URLSearchParams) {
    return fixed(String(given), "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (given instanceof FormData) return ofBlob(formBlob(given));
  if (given instanceof ReadableStream) {
    if (given.locked) throw new TypeError("the body is a stream that somebody reads already");
    return new StreamedBody(piecesOf(given), keepBytes);
  }
  if (typeof given === "object" && Symbol.asyncIterator in given) {
    return new StreamedBody(given[Symbol.asyncIterator](), keepBytes);
  }
  return fixed(String(given), "text/plain;charset=UTF-8");
}

/** One that is there as a whole. */
function fixed(value: string | Uint8Array, type?: string): RequestBody {
  const send = () => value;
  return { type, length: undefined, streamed: false, replayable: true, failed: false, send, end() {} };
}

function ofBlob(blob: Blob): RequestBody {
  async function* send() {
    const pieces = piecesOf(blob.stream());
    try {
      for (;;) {
        const { done, value } = await pieces.next();
        if (done) return;
        yield value;
      }
    } finally {
      await pieces.return?.();
    }
  }
  const type = blob.type || undefined;
  return { type, length: blob.size, streamed: false, replayable: true, failed: false, send, end() {} };
}

function piecesOf(stream: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      if (done) return { done, value: undefined };
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`a body consists of Uint8Arrays, got ${show(value)}`);
      }
      return { done, value };
    },
    // A read that is under way ends with it: no generator would do that.
    async return(reason) {
      await reader.cancel(reason);
      return { done: true, value: undefined };
    },
  };
}

/** One that is read once and may be sent several times, while all of it that was read is kept. */
class StreamedBody implements RequestBody {
  readonly type = undefined;
  readonly length = undefined;
  readonly streamed = true;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  /** What was asked of the source so far, in order. Shared, so that a chunk on its way to a try that failed is not lost. */
  readonly #asked: Promise<IteratorResult<Uint8Array>>[] = [];
  #bytes = 0;
  #replayable = true;
  #failed = false;
  #ended = false;

  /** Keeps up to `maxBytes`: with 0 nothing, and the body can be sent again only if nothing was asked of it. */
  constructor(source: AsyncIterator<Uint8Array>, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  get replayable(): boolean {
    return this.#replayable && !this.#failed;
  }

  get failed(): boolean {
    return this.#failed;
  }

  async *send(): AsyncGenerator<Uint8Array> {
    for (let index = 0;; index++) {
      const { done, value } = await (this.#replayable ? this.#asked[index] ??= this.#ask() : this.#ask());
      if (done) return;
      yield value;
    }
  }

  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#asked.length = 0;
    this.#replayable = false;
    // What it has to say about that is of no interest: the request is over.
    try {
      Promise.resolve(this.#source.return?.(reason)).catch(() => {});
    } catch { /* as above */ }
  }

  async #ask(): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await this.#source.next();
      if (!next.done) this.#bytes += next.value.byteLength;
      if (this.#bytes > this.#maxBytes) {
        this.#replayable = false;
        this.#asked.length = 0;
      }
      return next;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }
}
