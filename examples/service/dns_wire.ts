/**
 * DNS messages: queries read with suspicion, replies written to a size limit. The record formats are the codec's; what
 * is here is the header (RFC 1035, section 4.1.1), the question, EDNS (RFC 6891) and truncation.
 *
 * @module
 */

import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  CHECKING_DISABLED,
  decode,
  DNSSEC_OK,
  encode,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "@leichtgewicht/dns-packet";
import type { DnsReply } from "./dns_zone.ts";

/** What a reply needs to know of the message it answers. */
export interface Received {
  /** By which the client knows its reply. */
  readonly id: number;
  /** 0 for a query. */
  readonly opcode: number;
  /** The second word of the header. */
  readonly flags: number;
  /** The question section, byte for byte: it goes back as it came. Empty when it cannot be read. */
  readonly question: Uint8Array;
  /** The client's EDNS options, if it speaks EDNS. */
  readonly edns?: Edns;
}

/** One well-formed query. */
export interface DnsQuery extends Received {
  /** The name as the query spells it; unusual characters are escaped as in a zone file. `.` is the root. */
  readonly name: string;
  /** The record type, such as `AAAA`, or `UNKNOWN_65530`. */
  readonly type: string;
  /** The class: `IN`, and hardly ever another. */
  readonly class: string;
}

/** What the client says of itself by EDNS. */
export interface Edns {
  /** The largest reply it takes over UDP, in bytes. */
  readonly udpPayloadSize: number;
  /** 0: there is no other yet. */
  readonly ednsVersion: number;
  /** The DO bit, and bits that mean nothing yet. */
  readonly flags: number;
}

/** What has arrived. */
export type Message =
  | { readonly kind: "query"; readonly query: DnsQuery }
  /** Answered with an error; it never gets as far as the zone. */
  | { readonly kind: "error"; readonly received: Received; readonly rcode: "FORMERR" | "NOTIMP" | "BADVERS" }
  /** Not even a header, or itself a reply. Nothing is sent back: two servers that answer each other never stop. */
  | { readonly kind: "noise" };

/** What a client without EDNS takes over UDP (RFC 1035, section 2.3.4). */
const MIN_UDP_BYTES = 512;
/**
 * What this server sends over UDP at the most, and says it takes. Loopback does not fragment; on the Internet 1232
 * is the number to use.
 */
const MAX_UDP_BYTES = 4_096;
/** What the length prefix can say over TCP. */
const MAX_TCP_BYTES = 65_535;
const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
/** More records than any query has reason to carry: they bound the work that a hostile one can cause. */
const MAX_QUERY_RECORDS = 8;
const RESPONSE = 0x8000;
const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Reads what a client sent: never throws, whatever it is. */
export function readMessage(bytes: Uint8Array): Message {
  if (bytes.length < HEADER_BYTES) return { kind: "noise" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  if (flags & RESPONSE) return { kind: "noise" };
  const received = { id: view.getUint16(0), opcode: (flags >> 11) & 0xf, flags, question: new Uint8Array() };
  if (received.opcode !== 0) return { kind: "error", received, rcode: "NOTIMP" };

  const name = readName(bytes, HEADER_BYTES);
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10);
  if (
    view.getUint16(4) !== 1 || records > MAX_QUERY_RECORDS || name === undefined ||
    name.end + 4 > bytes.length
  ) {
    return { kind: "error", received, rcode: "FORMERR" };
  }
  // Behind the name: its type and class, two bytes each.
  return readQuery(bytes, { ...received, question: bytes.slice(HEADER_BYTES, name.end + 4) }, name.text);
}

function readQuery(bytes: Uint8Array, received: Received, name: string): Message {
  const packet = decodeWhole(bytes);
  const question = packet?.questions?.[0];
  const options = packet?.additionals?.filter((record) => record.type === "OPT") as
    | (Edns & Answer)[]
    | undefined;
  if (question === undefined || options === undefined || options.length > 1) {
    return { kind: "error", received, rcode: "FORMERR" };
  }
  const query: DnsQuery = {
    ...received,
    name,
    type: question.type,
    class: question.class ?? "IN",
    edns: options[0],
  };
  if (query.edns && query.edns.ednsVersion > 0) return { kind: "error", received: query, rcode: "BADVERS" };
  return { kind: "query", query };
}

/** Decodes a message; undefined when it cannot be, or when the codec read on past its end. */
function decodeWhole(bytes: Uint8Array): ReturnType<typeof decode> | undefined {
  try {
    const packet = decode(bytes);
    return (decode as { bytes?: number }).bytes! <= bytes.length ? packet : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a name that is not compressed (in a question it has nothing to point back to). The codec's own reader takes
 * labels for UTF-8 and joins them by dots, so that other bytes, and dots inside a label, would be lost.
 */
function readName(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; at < bytes.length && at - start < MAX_NAME_BYTES;) {
    const length = bytes[at++]!;
    if (length === 0) return { text: labels.join(".") || ".", end: at };
    if (length > 63 || at + length > bytes.length) return undefined;
    labels.push(Array.from(bytes.subarray(at, at + length), showByte).join(""));
    at += length;
  }
  return undefined;
}

/**
 * A byte of a label as a zone file has it (RFC 1035, section 5.1): `\255` for what is no letter, digit or the like. A dot
 * or a backslash is written so as well, and a dot in the text is always one between labels.
 */
function showByte(byte: number): string {
  const character = String.fromCharCode(byte);
  const plain = byte > 0x20 && byte < 0x7f && character !== "." && character !== "\\";
  return plain ? character : `\\${String(byte).padStart(3, "0")}`;
}

/** The largest reply that the client takes over this transport, in bytes. */
export function replyLimit(received: Received, transport: "udp" | "tcp"): number {
  if (transport === "tcp") return MAX_TCP_BYTES;
  return Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, received.edns?.udpPayloadSize ?? 0));
}

/** A reply without its records and marked as truncated (TC): "ask again by TCP". */
export function encodeTruncated(received: Received, reply: DnsReply): Uint8Array {
  return encodeReply(received, { rcode: reply.rcode }, TRUNCATED_RESPONSE);
}

/** Puts a reply on the wire. */
export function encodeReply(received: Received, reply: DnsReply, extraFlags = 0): Uint8Array {
  const rcode = RCODES[reply.rcode];
  const ours = rcode === RCODES.NOERROR || rcode === RCODES.NXDOMAIN ? AUTHORITATIVE_ANSWER : 0;
  const theirs = received.flags & (RECURSION_DESIRED | CHECKING_DISABLED);
  const bytes = encode({
    type: "response",
    id: received.id,
    flags: (received.opcode << 11) | theirs | ours | extraFlags | (rcode & 0xf),
    answers: [...reply.answers ?? []],
    authorities: [...reply.authorities ?? []],
    additionals: received.edns === undefined ? [] : [optRecord(received.edns, rcode >> 4)],
  });
  return insertQuestion(bytes, received.question);
}

/** Our side of EDNS. The upper bits of the rcode travel in it, and the DO bit goes back as it came (RFC 3225). */
function optRecord(edns: Edns, extendedRcode: number): Answer {
  const flags = edns.flags & DNSSEC_OK;
  const opt = {
    type: "OPT",
    name: ".",
    udpPayloadSize: MAX_UDP_BYTES,
    extendedRcode,
    ednsVersion: 0,
    flags,
    options: [],
  };
  // The codec's types do not know the fields of its own OPT record.
  return opt as unknown as Answer;
}

/** Puts the question, as it came, behind the header. The codec compresses no names, so nothing points past it. */
function insertQuestion(bytes: Uint8Array, question: Uint8Array): Uint8Array {
  if (question.length === 0) return bytes;
  const whole = new Uint8Array(bytes.length + question.length);
  whole.set(bytes.subarray(0, HEADER_BYTES));
  whole.set(question, HEADER_BYTES);
  whole.set(bytes.subarray(HEADER_BYTES), HEADER_BYTES + question.length);
  whole[5] = 1;
  return whole;
}
