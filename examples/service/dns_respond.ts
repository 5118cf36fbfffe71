/**
 * From a message to what is done about it: no sockets, no clock, no memory. The server around it only carries this out.
 *
 * @module
 */

import { asGarbage, type DnsFault, faultFor, withWrongId } from "./dns_fault.ts";
import { type DnsQuery, encodeReply, encodeTruncated, readMessage, replyLimit } from "./dns_wire.ts";
import type { DnsReply, Zone } from "./dns_zone.ts";

/** How a message came. */
export type Transport = "udp" | "tcp";

/** What became of a message, as its sender saw it. */
export type DnsOutcome =
  /** Records of the type asked for, or an alias that leads out of the zone. */
  | "answered"
  /** The name exists and has no such record. */
  | "nodata"
  | "nxdomain"
  | "refused"
  | "servfail"
  | "formerr"
  | "notimp"
  /** EDNS of a version that does not exist yet. */
  | "badvers"
  /** Cut short: to be asked again by TCP. */
  | "truncated"
  /** Held back by a fault; what was sent in the end is not counted again. */
  | "delayed"
  /** Not answered because of a fault. */
  | "dropped"
  | "wrong-id"
  | "garbage"
  /** Not answered because it was no query. */
  | "ignored";

/** What to do about one message. */
export interface Response {
  /** What becomes of it. */
  readonly outcome: DnsOutcome;
  /** The name asked for, "" when it could not be read. */
  readonly name: string;
  /** The record type asked for, "" when it could not be read. */
  readonly type: string;
  /** What to send back, if anything. */
  readonly reply?: Uint8Array;
  /** How long to wait before sending it. */
  readonly delayMs?: number;
}

/** Decides on one message: never throws, whatever it is. */
export function respond(bytes: Uint8Array, transport: Transport, zone: Zone, fault: DnsFault): Response {
  const message = readMessage(bytes);
  switch (message.kind) {
    case "noise":
      return { outcome: "ignored", name: "", type: "" };
    case "error": {
      const { received, rcode } = message;
      const outcome = OUTCOMES[rcode];
      return { outcome, name: "", type: "", reply: encodeReply(received, { rcode }) };
    }
    case "query": {
      const { query } = message;
      return {
        name: query.name,
        type: query.type,
        ...answer(query, transport, zone, faultFor(query.name, fault)),
      };
    }
  }
}

type Answered = Omit<Response, "name" | "type">;

function answer(query: DnsQuery, transport: Transport, zone: Zone, fault: DnsFault): Answered {
  const reply = replyTo(query, zone, fault);
  const whole = encodeReply(query, reply);
  const cut = whole.length > replyLimit(query, transport) ||
    (fault.mode === "truncate" && transport === "udp");
  const bytes = cut ? encodeTruncated(query, reply) : whole;
  switch (fault.mode) {
    case "drop":
      return { outcome: "dropped" };
    case "delay":
      return { outcome: "delayed", reply: bytes, delayMs: fault.delayMs };
    case "wrong-id":
      return { outcome: "wrong-id", reply: withWrongId(bytes) };
    case "garbage":
      return { outcome: "garbage", reply: asGarbage(bytes) };
    default:
      return { outcome: cut ? "truncated" : outcomeOf(reply), reply: bytes };
  }
}

function replyTo(query: DnsQuery, zone: Zone, fault: DnsFault): DnsReply {
  switch (fault.mode) {
    case "servfail":
      return { rcode: "SERVFAIL" };
    case "refused":
      return { rcode: "REFUSED" };
    case "nxdomain":
      return zone.nonexistent();
    case "empty":
      return zone.nodata();
    default:
      return query.class === "IN" ? zone.lookup(query.name, query.type) : { rcode: "REFUSED" };
  }
}

const OUTCOMES: Readonly<Record<DnsReply["rcode"], DnsOutcome>> = {
  NOERROR: "answered",
  FORMERR: "formerr",
  SERVFAIL: "servfail",
  NXDOMAIN: "nxdomain",
  NOTIMP: "notimp",
  REFUSED: "refused",
  BADVERS: "badvers",
};

/** NOERROR with an SOA record in its authority section is "no data" (RFC 2308, section 2.2). */
function outcomeOf({ rcode, authorities = [] }: DnsReply): DnsOutcome {
  return rcode === "NOERROR" && authorities.length > 0 ? "nodata" : OUTCOMES[rcode];
}
