/**
 * A connection made friendly to parsers: exactly so many bytes, everything up to a delimiter, a look ahead; each call within its
 * time, and no byte lost when it runs out (the `BufferedSocket` of SuPPort, after Hashemi's of `boltons`).
 *
 * @module
 */

import { type Clock, MAX_DELAY_MS, systemClock } from "../clock.ts";
import { BallastError, checkInteger, checkNumber, show } from "../errors.ts";
import { abortable, deadlineSignal } from "../signal.ts";
import { ByteQueue } from "./byte_queue.ts";

/** What a buffered connection is put on: a lease, or whatever reads and writes like one. */
export interface ByteConnection {
  /** The next bytes, at least one; undefined at the end. The signal ends the wait, and no byte is lost. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Sends bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Is told how to find out what is held above it. */
  unread?(bytes: () => number): void;
}

/** A pair of streams, such as a `Deno.Conn` or a `TransformStream`'s other side. */
export interface DuplexStream {
  /** Bytes from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Options of {@linkcode bufferedConnection}. */
export interface BufferedOptions {
  /** How long a call may take that does not say so itself. @default 10000 */
  readonly timeoutMs?: number;
  /** Bytes a message may have, and bytes held at most, where a call does not say so itself. @default 1048576 (1 MiB) */
  readonly maxBytes?: number;
  /** Time. @default the machine's clock */
  readonly clock?: Clock;
}

/** How one call is made. */
export interface RecvOptions {
  /** How long it may take. @default the connection's `timeoutMs` */
  readonly timeoutMs?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How {@linkcode BufferedConnection.recvUntil} is called. */
export interface RecvUntilOptions extends RecvOptions {
  /** Bytes there may be, the delimiter not counted. @default the connection's `maxBytes` */
  readonly maxBytes?: number;
  /** Whether the delimiter is part of what is given. @default false */
  readonly includeDelimiter?: boolean;
}

/** A connection with a buffer. Calls that receive come one after the other; what ends early can be called again. */
export interface BufferedConnection {
  /** Bytes received, and not asked for yet. */
  readonly buffered: number;
  /**
   * What is there, at least one byte and at most `maxBytes`; an empty array once the peer has ended.
   *
   * @throws {BallastError} `TIMEOUT`, with nothing lost
   */
  recv(maxBytes?: number, options?: RecvOptions): Promise<Uint8Array>;
  /**
   * Exactly `count` bytes.
   *
   * @throws {BallastError} `TIMEOUT`, or `CONNECTION_ENDED` when the peer ends before; what came is still there
   */
  recvExactly(count: number, options?: RecvOptions): Promise<Uint8Array>;
  /**
   * The bytes before the next `delimiter`, which is taken as well.
   *
   * @throws {BallastError} `TIMEOUT`, `CONNECTION_ENDED`, or `MESSAGE_TOO_LONG`; what came is still there
   */
  recvUntil(delimiter: string | Uint8Array, options?: RecvUntilOptions): Promise<Uint8Array>;
  /**
   * The next `count` bytes, which stay where they are.
   *
   * @throws {BallastError} `TIMEOUT`, or `CONNECTION_ENDED`
   */
  peek(count: number, options?: RecvOptions): Promise<Uint8Array>;
  /**
   * Everything up to the peer's end.
   *
   * @throws {BallastError} `TIMEOUT`, or `MESSAGE_TOO_LONG`; what came is still there
   */
  recvUntilClose(options?: RecvOptions & { readonly maxBytes?: number }): Promise<Uint8Array>;
  /**
   * Sends what was written before, then this. After a timeout it is still on its way: `flush` waits for it, another `send` would
   * send it twice.
   *
   * @throws {BallastError} `TIMEOUT`, or `MESSAGE_TOO_LONG` when the peer has not taken `maxBytes` that were sent before
   */
  send(bytes: string | Uint8Array, options?: RecvOptions): Promise<void>;
  /**
   * Keeps bytes for the next `flush` or `send`: small pieces go out as one.
   *
   * @throws {BallastError} `MESSAGE_TOO_LONG` when more than `maxBytes` would be kept
   */
  write(bytes: string | Uint8Array): void;
  /** Sends what was written, and waits for what was sent before. */
  flush(options?: RecvOptions): Promise<void>;
}

const encoder = new TextEncoder();

/**
 * Puts a buffer on a lease, or on a pair of streams.
 *
 * @example A line at a time
 * ```ts
 * import assert from "node:assert/strict";
 * import { bufferedConnection } from "@ballast/runtime/connections";
 *
 * const there = new TransformStream<Uint8Array, Uint8Array>();
 * const back = new TransformStream<Uint8Array, Uint8Array>();
 * const here = bufferedConnection({ readable: back.readable, writable: there.writable });
 * const peer = bufferedConnection({ readable: there.readable, writable: back.writable });
 *
 * const sent = peer.send("PONG\r\n+OK\r\n");
 * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * assert.equal(text(await here.recvUntil("\r\n")), "PONG");
 * assert.equal(text(await here.recvUntil("\r\n")), "+OK");
 * await sent;
 * ```
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function bufferedConnection(
  connection: ByteConnection | DuplexStream,
  options: BufferedOptions = {},
): BufferedConnection {
  const { clock = systemClock } = options;
  const defaultTimeoutMs = checkTimeout(options.timeoutMs ?? 10_000);
  const defaultMaxBytes = checkInteger("maxBytes", options.maxBytes ?? 1_048_576, { min: 1 });
  const source = "read" in connection ? connection : overStreams(connection);
  const received = new ByteQueue();
  const written = new ByteQueue();
  let ended = false;
  let receiving = false;
  /** What was handed over, and is not on its way yet. */
  let sending: Promise<void> | undefined;
  let inFlight = 0;
  source.unread?.(() => received.length);

  /** Receives until `enough` gives something, each time there is more. One call at a time. */
  async function receive<T>(
    what: string,
    { timeoutMs = defaultTimeoutMs, signal }: RecvOptions,
    enough: () => T | undefined,
  ): Promise<T> {
    if (receiving) throw new TypeError(`${what}: another call is receiving: await it first`);
    receiving = true;
    try {
      const atOnce = enough();
      if (atOnce !== undefined) return atOnce;
      const deadline = deadlineSignal(checkTimeout(timeoutMs), { clock, signal, what });
      try {
        for (;;) {
          deadline.signal.throwIfAborted();
          const bytes = await source.read(deadline.signal);
          if (bytes === undefined) ended = true;
          else received.push(bytes);
          const result = enough();
          if (result !== undefined) return result;
        }
      } finally {
        deadline.release();
      }
    } finally {
      receiving = false;
    }
  }

  function endedEarly(what: string): BallastError {
    const message = `${what}: the peer ended the connection after ${received.length} bytes`;
    return new BallastError("CONNECTION_ENDED", message, {
      retryable: true,
      data: { received: received.length },
    });
  }

  async function transmit({ timeoutMs = defaultTimeoutMs, signal }: RecvOptions): Promise<void> {
    if (written.length > 0) sending = sent(sending, written.take(written.length));
    if (sending === undefined) return;
    const deadline = deadlineSignal(checkTimeout(timeoutMs), { clock, signal, what: "send" });
    try {
      await abortable(sending, deadline.signal);
    } finally {
      deadline.release();
    }
  }

  /** Resolves once these bytes, and those before them, are on their way. */
  async function sent(before: Promise<void> | undefined, bytes: Uint8Array): Promise<void> {
    inFlight += bytes.length;
    const write = source.write(bytes);
    try {
      await Promise.all([before, write]);
    } finally {
      inFlight -= bytes.length;
      if (inFlight === 0) sending = undefined;
    }
  }

  /** At least `count` bytes are held. */
  function holds(what: string, count: number): true | undefined {
    if (received.length >= count) return true;
    if (ended) throw endedEarly(what);
    return undefined;
  }

  return {
    get buffered() {
      return received.length;
    },
    async recv(maxBytes = defaultMaxBytes, options = {}) {
      checkInteger("maxBytes", maxBytes, { min: 1 });
      await receive("recv", options, () => received.length > 0 || ended ? true : undefined);
      return received.take(maxBytes);
    },
    async recvExactly(count, options = {}) {
      checkInteger("count", count, { max: defaultMaxBytes });
      const what = `recvExactly(${count})`;
      await receive(what, options, () => holds(what, count));
      return received.take(count);
    },
    async recvUntil(delimiter, { maxBytes = defaultMaxBytes, includeDelimiter = false, ...options } = {}) {
      const needle = checkDelimiter(delimiter);
      checkInteger("maxBytes", maxBytes, { min: 0 });
      let searched = 0;
      const at = await receive("recvUntil", options, () => {
        const found = received.indexOf(needle, searched);
        // A delimiter may be split: its beginning may be the end of what is there.
        searched = Math.max(0, received.length - needle.length + 1);
        if (found > maxBytes || (found === -1 && received.length >= maxBytes + needle.length)) {
          throw tooLong(`no delimiter within ${maxBytes} bytes`, maxBytes);
        }
        if (found === -1 && ended) throw endedEarly("recvUntil");
        return found === -1 ? undefined : found;
      });
      if (includeDelimiter) return received.take(at + needle.length);
      const message = received.take(at);
      received.skip(needle.length);
      return message;
    },
    async peek(count, options = {}) {
      checkInteger("count", count, { max: defaultMaxBytes });
      const what = `peek(${count})`;
      await receive(what, options, () => holds(what, count));
      return received.peek(count);
    },
    async recvUntilClose({ maxBytes = defaultMaxBytes, ...options } = {}) {
      checkInteger("maxBytes", maxBytes, { min: 1 });
      await receive("recvUntilClose", options, () => {
        if (received.length > maxBytes) throw tooLong(`more than ${maxBytes} bytes before the end`, maxBytes);
        return ended ? true : undefined;
      });
      return received.take(received.length);
    },
    write(bytes) {
      const piece = bytesOf(bytes);
      if (written.length + piece.length > defaultMaxBytes) {
        throw tooLong(`more than ${defaultMaxBytes} bytes are kept: flush sooner`, defaultMaxBytes);
      }
      written.push(piece);
    },
    flush: (options = {}) => transmit(options),
    async send(bytes, options = {}) {
      const piece = bytesOf(bytes);
      if (inFlight > defaultMaxBytes) {
        throw tooLong(`the peer has not taken ${inFlight} bytes that were sent before`, defaultMaxBytes);
      }
      written.push(piece);
      await transmit(options);
    },
  };
}

function tooLong(what: string, maxBytes: number): BallastError {
  return new BallastError("MESSAGE_TOO_LONG", `${what} (maxBytes)`, { data: { maxBytes } });
}

function checkTimeout(timeoutMs: number): number {
  return checkNumber("timeoutMs", timeoutMs, { max: MAX_DELAY_MS });
}

function checkDelimiter(delimiter: string | Uint8Array): Uint8Array {
  const needle = bytesOf(delimiter);
  if (needle.length > 0) return needle;
  throw new TypeError(`delimiter must have at least one byte, got ${show(delimiter)}`);
}

function bytesOf(bytes: string | Uint8Array): Uint8Array {
  if (typeof bytes === "string") return encoder.encode(bytes);
  if (bytes instanceof Uint8Array) return bytes;
  throw new TypeError(`bytes must be a string or a Uint8Array, got ${show(bytes)}`);
}

/** Streams, as a connection: a read that was given up goes on, and its bytes are the next call's. */
function overStreams({ readable, writable }: DuplexStream): ByteConnection {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  let pending: Promise<Uint8Array | undefined> | undefined;
  return {
    async read(signal) {
      pending ??= reader.read().then(({ value, done }) => done ? undefined : value);
      const bytes = await abortable(pending, signal);
      pending = undefined;
      return bytes;
    },
    write: (bytes) => writer.write(bytes),
  };
}
