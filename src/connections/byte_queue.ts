/** Bytes in the order in which they came: put in at the end, looked at and taken from the front, each copied once. */

const INITIAL_BYTES = 4_096;

/** A queue of bytes. */
export class ByteQueue {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #start = 0;
  #end = 0;

  /** Bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Puts bytes at the end. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A copy of the first `count` bytes, fewer where there are fewer. */
  peek(count: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#start, Math.min(this.#end, this.#start + count));
  }

  /** Takes the first `count` bytes out, fewer where there are fewer. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.peek(count);
    this.skip(taken.length);
    return taken;
  }

  /** Drops the first `count` bytes. */
  skip(count: number): void {
    this.#start += Math.min(count, this.length);
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    // A large message must not be paid for as long as the connection lives.
    if (this.#bytes.length > 64 * INITIAL_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
  }

  /** Where `needle` begins, from `from` on; -1 where it is not. */
  indexOf(needle: Uint8Array, from: number): number {
    const last = this.length - needle.length;
    for (let at = from; at <= last; at++) {
      const found = this.#bytes.indexOf(needle[0]!, this.#start + at);
      if (found === -1 || found >= this.#end) return -1;
      at = found - this.#start;
      if (at > last) return -1;
      let matched = 1;
      while (matched < needle.length && this.#bytes[found + matched] === needle[matched]) matched++;
      if (matched === needle.length) return at;
    }
    return -1;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    const target = needed > this.#bytes.length
      ? new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
      : this.#bytes;
    if (target === this.#bytes) target.copyWithin(0, this.#start, this.#end);
    else target.set(this.#bytes.subarray(this.#start, this.#end));
    this.#end = this.length;
    this.#start = 0;
    this.#bytes = target;
  }
}
