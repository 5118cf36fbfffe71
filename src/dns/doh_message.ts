/**
 * The messages of DNS over HTTPS: a query as it is sent, and what a reply comes to. Pure: bytes in, an answer out, and
 * nothing that a server may send throws.
 *
 * @module
 */

import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from "@leichtgewicht/dns-packet";
import type { DnsAnswer, RecordType } from "../platform/port.ts";
import { parseLiteral } from "./name.ts";

/** Records in a reply, at most: names may point at names, and reading more of them would be work for nothing. */
const MAX_RECORDS = 1_000;
/** Aliases followed, at most: recursive resolvers stop at 8 to 16 themselves. */
const MAX_ALIASES = 32;
const HEADER_BYTES = 12;
/** RFC 2181, 8: a TTL with the highest bit set is to be read as zero. */
const MAX_TTL = 2 ** 31 - 1;

/** A query for one record, under the id 0: equal questions are equal bytes, and HTTP caches know them (RFC 8484, 4.1). */
export function encodeQuestion(name: string, type: RecordType): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    encode({ type: "query", id: 0, flags: RECURSION_DESIRED, questions: [{ name, type }] }),
  );
}

/** Bytes in the alphabet of URLs, without padding (RFC 4648, 5). */
export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * What a reply says of `name`, in its normal spelling. Times are counted from when the reply was made, `ageSeconds` ago
 * (RFC 8484, 5.1). Its id means nothing: that it belongs to the question is known by HTTP.
 */
export function readReply(bytes: Uint8Array, name: string, type: RecordType, ageSeconds: number): DnsAnswer {
  const packet = decodeWhole(bytes);
  if (packet === undefined) return failed("the reply is no DNS message");
  if (packet.type !== "response" || packet.opcode !== ("QUERY" as unknown)) {
    return failed("the message is no reply");
  }
  const [question, ...more] = packet.questions!;
  if (more.length > 0 || question === undefined || !isQuestion(question, name, type)) {
    return failed("the reply is to another question");
  }
  if (packet.flag_tc) return failed("the reply is truncated (TC)");
  const rcode = String(packet.rcode);
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return failed(rcode);

  const end = follow(packet.answers!, name, type);
  if (end === undefined) return failed(`the aliases of the name do not end, or not within ${MAX_ALIASES}`);
  const { addresses, ttl } = end;
  const ttlMs = (seconds: number) => Math.max(0, seconds - ageSeconds) * 1000;
  if (rcode === "NOERROR" && addresses.length > 0) {
    return { verdict: "addresses", addresses, ttlMs: ttlMs(ttl) };
  }
  const verdict = rcode === "NXDOMAIN" ? "nonexistent" : "empty";
  const negative = negativeTtl(packet.authorities!);
  // An alias that is forgotten may lead elsewhere: what was denied at its end is known no longer than that.
  return negative === undefined ? { verdict } : { verdict, ttlMs: ttlMs(Math.min(ttl, negative)) };
}

/** Decodes a message; undefined when it cannot be, or when the codec read on past its end. */
function decodeWhole(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < HEADER_BYTES || recordCount(bytes) > MAX_RECORDS) return undefined;
  try {
    const packet = decode(bytes);
    return (decode as { bytes?: number }).bytes! <= bytes.length ? packet : undefined;
  } catch {
    return undefined;
  }
}

function recordCount(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  return [4, 6, 8, 10].reduce((sum, offset) => sum + view.getUint16(offset), 0);
}

function isQuestion(
  question: NonNullable<Packet["questions"]>[number],
  name: string,
  type: RecordType,
): boolean {
  return isSame(question.name, name) && question.type === type && question.class === ("IN" as unknown);
}

/** Names are equal whatever the case of their ASCII letters (RFC 4343). */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/**
 * The addresses at the end of the aliases that begin at `name`, in whatever order the records come, and the lowest TTL on
 * the way there; undefined when there is no end. An alias that leads out of the message leads to nothing: it is the
 * server's part to follow it.
 */
function follow(
  answers: readonly Answer[],
  name: string,
  type: RecordType,
): { readonly addresses: readonly string[]; readonly ttl: number } | undefined {
  let ttl = Infinity;
  let at = name;
  for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
    const here = answers.filter((record) => isSame(record.name, at) && record.class === ("IN" as unknown));
    const found = here.filter((record) => record.type === type);
    if (found.length > 0) {
      const addresses = found.flatMap(({ data }) => parseLiteral(String(data))?.address ?? []);
      return { addresses: [...new Set(addresses)], ttl: Math.min(ttl, ...found.map(ttlOf)) };
    }
    const alias = here.find((record) => record.type === "CNAME");
    if (alias === undefined) return { addresses: [], ttl };
    ttl = Math.min(ttl, ttlOf(alias));
    at = String(alias.data);
  }
  return undefined;
}

/** RFC 2308, 5: how long a denial may be remembered; undefined when the reply does not say. */
function negativeTtl(authorities: readonly Answer[]): number | undefined {
  for (const record of authorities) {
    if (record.type === "SOA") return Math.min(ttlOf(record), checkTtl(record.data.minimum ?? 0));
  }
  return undefined;
}

function ttlOf(record: Answer): number {
  return checkTtl((record as { ttl?: number }).ttl ?? 0);
}

function checkTtl(seconds: number): number {
  return seconds > MAX_TTL ? 0 : seconds;
}

function failed(reason: string): DnsAnswer {
  return { verdict: "failed", reason };
}
