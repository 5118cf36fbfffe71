/**
 * The body of a response, sent no faster than the client takes it.
 */

import type * as Buffers from "node:buffer";

import { builtin } from "./node_builtin.ts";
import type { Outgoing } from "./node_http_types.ts";

/** Microtasks after which a body that has no more to say has said so. */
const LOOKS = 4;

/** What is sent as one with the headers. */
const SMALL_BYTES = 16 * 1_024;
/** Written at once. */
const PIECE_BYTES = 64 * 1_024;

type Part = { readonly done: boolean; readonly value?: Uint8Array | undefined };

/** What is sent. */
export interface Sent {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: ReadableStream<Uint8Array>;
}

/** Whom it is sent to. */
export interface Recipient {
  /** Whether nobody takes it any more. */
  readonly isGone: () => boolean;
  /** Is told how to give up reading the body. */
  readonly onCancel: (cancel: (reason: unknown) => void) => void;
}

/**
 * Sends status, headers and body. A body of one piece goes out in one packet, with its length. Rejects when the body fails: then the
 * connection is cut if anything is out, so that the client does not take it for whole.
 */
export async function sendBody(
  outgoing: Outgoing,
  sent: Sent,
  { isGone, onCancel }: Recipient,
): Promise<void> {
  const reader = sent.body.getReader();
  onCancel((reason) => void reader.cancel(reason).catch(() => {}));
  try {
    let part: Part = await reader.read();
    if (isGone()) return;
    if (part.done) return await sendWhole(outgoing, sent, undefined, isGone);
    const next: Promise<Part> = reader.read();
    const second = await glance(next);
    if (isGone()) return;
    if (second?.done) return await sendWhole(outgoing, sent, part.value, isGone);
    outgoing.writeHead(sent.status, sent.headers);
    await write(outgoing, part.value!, isGone);
    for (part = await next; !part.done && !isGone(); part = await reader.read()) {
      await write(outgoing, part.value!, isGone);
    }
    outgoing.end();
  } catch (error) {
    // A client that has left cancelled it: nobody minds what the body makes of that.
    if (isGone()) return;
    if (outgoing.headersSent) outgoing.destroy();
    throw error;
  }
}

async function sendWhole(
  outgoing: Outgoing,
  { status, headers }: Sent,
  bytes: Uint8Array | undefined,
  isGone: () => boolean,
): Promise<void> {
  if (headers["transfer-encoding"] === undefined) headers["content-length"] ??= String(bytes?.length ?? 0);
  outgoing.writeHead(status, headers);
  if (bytes === undefined) return void outgoing.end();
  if (bytes.length <= SMALL_BYTES) return void outgoing.end(latin1(bytes), "latin1");
  await write(outgoing, bytes, isGone);
  if (!isGone()) outgoing.end();
}

/** As a text of as many characters, which goes out in one write with the headers. Bytes would be a second buffer: twice the price. */
function latin1(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return builtin<typeof Buffers>("node:buffer").Buffer.from(buffer, byteOffset, byteLength).toString(
    "latin1",
  );
}

/** What the read gives, if it gives it at once. */
async function glance(reading: Promise<Part>): Promise<Part | undefined> {
  let found: Part | undefined;
  // What it throws is for whoever awaits it.
  reading.then((part) => found = part, () => {});
  for (let look = 0; look < LOOKS && found === undefined; look++) await undefined;
  return found;
}

/** Writes, and waits for the client where it is behind. In pieces, so that one can tell a client that is slow from one that has stopped. */
async function write(outgoing: Outgoing, bytes: Uint8Array, isGone: () => boolean): Promise<void> {
  for (let start = 0; start < bytes.length && !isGone(); start += PIECE_BYTES) {
    const piece = bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(start, start + PIECE_BYTES);
    if (!outgoing.write(piece) && !isGone()) await drained(outgoing);
  }
}

function drained(outgoing: Outgoing): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off("drain", settle);
      outgoing.off("close", settle);
      resolve();
    };
    outgoing.on("drain", settle);
    outgoing.on("close", settle);
  });
}
