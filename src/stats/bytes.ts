/**
 * Bytes, written and read in order: whole numbers as varints (LEB128), doubles as they are, texts with their length.
 *
 * Reading never goes past the end and never believes a length that the rest cannot hold.
 *
 * @module
 */

import { show } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes bytes. */
export class ByteWriter {
  #buffer = new Uint8Array(256);
  #length = 0;

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    let rest = value;
    this.#reserve(8);
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** Any number, in eight bytes. */
  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#buffer.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A text, as UTF-8 after its length. */
  text(text: string): void {
    const bytes = encoder.encode(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** Bytes as they are. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** All that was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #reserve(room: number): void {
    if (this.#length + room <= this.#buffer.length) return;
    const grown = new Uint8Array(2 * Math.max(this.#buffer.length, room));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Reads what a {@linkcode ByteWriter} wrote, or what somebody claims that one did. Throws a `RangeError` where it cannot be. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all is read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A whole number from 0 to 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#take(1)[0]!;
      value += (byte % 128) * scale;
      if (byte < 128) return safe(value);
    }
    throw new RangeError("a number is longer than any can be");
  }

  /** Any number. */
  double(): number {
    const { buffer, byteOffset } = this.#take(8);
    return new DataView(buffer, byteOffset, 8).getFloat64(0, true);
  }

  /** A text of at most so many bytes. */
  text(maxBytes: number): string {
    const bytes = this.bytes(maxBytes);
    try {
      return decoder.decode(bytes);
    } catch {
      throw new RangeError("a text is no UTF-8");
    }
  }

  /** Bytes after their length, of which there are at most so many. */
  bytes(maxBytes: number): Uint8Array {
    const length = this.varint();
    if (length > maxBytes) throw new RangeError(`there must be at most ${maxBytes} bytes, got ${length}`);
    return this.#take(length);
  }

  /** The length of a list whose entries have at least `least` bytes each. */
  length(least: number): number {
    const length = this.varint();
    const rest = this.#bytes.length - this.#at;
    if (length * least > rest) {
      throw new RangeError(`there is no room for ${length} entries in ${rest} bytes`);
    }
    return length;
  }

  #take(length: number): Uint8Array {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw new RangeError("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }
}

function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError("a number is larger than 2^53");
}

/** Bytes as a text. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * The bytes of such a text.
 *
 * @throws {TypeError} when it is none, or one of more than `maxBytes`
 */
export function fromBase64(name: string, text: unknown, maxBytes: number): Uint8Array {
  if (typeof text === "string" && text.length <= maxBytes / 3 * 4 + 4) {
    try {
      return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    } catch {
      // Not base64: told below, with everything else that it is not.
    }
  }
  throw new TypeError(`${name} must be base64 of at most ${maxBytes} bytes, got ${show(text)}`);
}
