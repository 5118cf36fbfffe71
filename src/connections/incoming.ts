/**
 * The body of a response on its way from the connection to whoever reads it.
 *
 * @module
 */

import type { RawText } from "./undici.ts";

/** What a body asks of the connection that it comes from. */
export interface IncomingSource {
  /** There is room again. */
  resume(): void;
  /** Nobody wants what is left. */
  abort(reason: unknown): void;
}

/** The head of a response. */
export interface IncomingHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values take turns. */
  readonly headers: readonly RawText[];
}

/** Bytes that wait to be read: then the connection is not read any further. */
const ENOUGH_BYTES = 65_536;
/** The rest of a body that nobody wants is read up to here, so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 65_536;

/** A response whose head is there. One reads it at a time. */
export class Incoming {
  readonly head: IncomingHead;
  readonly #source: IncomingSource;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #paused = false;
  #state: "open" | "complete" | "failed" | "unwanted" = "open";
  #error: unknown;
  #reader:
    | { resolve(chunk: Uint8Array<ArrayBuffer> | undefined): void; reject(error: unknown): void }
    | undefined;
  #onFailed: ((error: unknown) => void) | undefined;

  constructor(head: IncomingHead, source: IncomingSource) {
    this.head = head;
    this.#source = source;
  }

  /** All of the body, where all of it is there already and none was read; else undefined. */
  get whole(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#state !== "complete") return undefined;
    const [first, ...others] = this.#chunks;
    if (others.length === 0) return first ?? new Uint8Array(0);
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }

  /** Takes in what has arrived; the bytes are lent. False when that is enough for now. */
  push(lent: Uint8Array): boolean {
    if (this.#state === "unwanted") {
      this.#bytes += lent.byteLength;
      if (this.#bytes > MAX_DISCARDED_BYTES) this.#source.abort(undefined);
      return true;
    }
    if (lent.byteLength === 0) return !this.#paused;
    const chunk = new Uint8Array(lent);
    if (this.#reader !== undefined) {
      this.#settle()?.resolve(chunk);
      return true;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.#paused = this.#bytes >= ENOUGH_BYTES;
    return !this.#paused;
  }

  /** All has arrived. */
  complete(): void {
    if (this.#state !== "open") return;
    this.#state = "complete";
    this.#settle()?.resolve(undefined);
  }

  /** What is left will not come. What nobody has read yet is gone as well. */
  fail(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#chunks = [];
    this.#settle()?.reject(error);
    this.#onFailed?.(error);
  }

  /** Has `listener` told when the rest will not come. */
  onFailed(listener: (error: unknown) => void): void {
    this.#onFailed = listener;
  }

  /** The next bytes; undefined at the end. Rejects when they will not come. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.byteLength;
      if (this.#paused && this.#bytes < ENOUGH_BYTES) this.#resume();
      return Promise.resolve(chunk);
    }
    if (this.#state === "failed") return Promise.reject(this.#error);
    if (this.#state !== "open") return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#reader = { resolve, reject });
  }

  /** Nobody reads it any further: its connection is closed, unless all has arrived. */
  cancel(reason: unknown): void {
    if (this.#state !== "open") return;
    this.#drop();
    this.#source.abort(reason);
  }

  /** Nobody wants it. What is left is read and thrown away, if it is little. */
  discard(): void {
    if (this.#state !== "open") return;
    this.#drop();
    if (this.#paused) this.#resume();
  }

  #drop(): void {
    this.#state = "unwanted";
    this.#chunks = [];
    this.#settle()?.resolve(undefined);
  }

  #resume(): void {
    this.#paused = false;
    this.#source.resume();
  }

  #settle() {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}
