/**
 * The body of a request, as long as it can be sent again.
 *
 * @module
 */

/** A body that is read once and may be sent several times, while all of it that was read is kept. */
export class RequestBody {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  /** What was asked of the source so far, in order. Shared, so that a chunk on its way to a try that failed is not lost. */
  readonly #asked: Promise<IteratorResult<Uint8Array>>[] = [];
  #bytes = 0;
  #replayable = true;
  #failed = false;

  /** Keeps up to `maxBytes`: with 0 nothing, and the body can be sent again only if nothing was asked of it. */
  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /** Whether it can be sent again, from its beginning. */
  get replayable(): boolean {
    return this.#replayable && !this.#failed;
  }

  /** Whether it was the body itself that failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The body, from its beginning. */
  async *send(): AsyncGenerator<Uint8Array> {
    for (let index = 0;; index++) {
      const { done, value } = await (this.#replayable ? this.#asked[index] ??= this.#ask() : this.#ask());
      if (done) return;
      yield value;
    }
  }

  /** Ends it, whatever is left of it. */
  end(): void {
    this.#asked.length = 0;
    this.#replayable = false;
    // What it has to say about that is of no interest: the request is over.
    Promise.resolve(this.#source.return?.()).catch(() => {});
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
