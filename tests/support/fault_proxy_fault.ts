/**
 * What a network, or somebody on it, does to a query and its reply: from the fault and the query to what is sent back.
 * No sockets, no timers.
 *
 * @module
 */

import { asGarbage, withWrongId } from "../../examples/service/dns_fault.ts";
import { type DnsQuery, encodeReply, encodeTruncated, readMessage } from "../../examples/service/dns_wire.ts";
import { createZone } from "../../examples/service/dns_zone.ts";

/** What goes wrong on the way. */
export type ProxyFault =
  & (
    /** Nothing. */
    | { readonly mode: "ok" }
    /** No reply at all. */
    | { readonly mode: "drop" }
    /** The right reply, too late. */
    | { readonly mode: "delay"; readonly delayMs: number }
    /** A reply that says so, instead of the right one. */
    | { readonly mode: "servfail" | "refused" | "nxdomain" | "empty" }
    /** A reply that says nothing at all: NOERROR, and not a single record. */
    | { readonly mode: "blank" }
    /** Every UDP reply is cut short; a client that asks again by TCP finds it working, closed, or silent. */
    | { readonly mode: "truncate"; readonly tcp: "answers" | "refuses" | "hangs" }
    /** Over UDP, forged replies with {@linkcode FORGED} addresses; the right one follows, unless `alone`. */
    | {
      readonly mode: "forge";
      /** By what a careful client knows that they are not for it. */
      readonly wrong: "id" | "question" | "port" | "address";
      /** @default 1 */
      readonly times?: number;
      /** @default false */
      readonly alone?: boolean;
    }
    /** The right id, and behind it nothing that makes sense. */
    | { readonly mode: "garbage" }
    /** The right reply, several times over UDP. */
    | { readonly mode: "duplicate"; readonly times: number }
    /** Whatever a test makes of the query and the right reply. */
    | { readonly mode: "script"; readonly replies: (query: Uint8Array, right: Uint8Array) => Uint8Array[] }
  )
  & {
    /** The share of queries it hits, by chance. @default 1 */
    readonly share?: number;
    /** It hits every other UDP query for the same name and type, the first one included. @default false */
    readonly flapping?: boolean;
  };

/** How a message came. */
export type Transport = "udp" | "tcp";

/** One message to send back. */
export interface Send {
  readonly message: Uint8Array;
  /** Which socket it leaves from. @default "own", where the query came in */
  readonly from?: "own" | "port" | "address";
  /** @default 0 */
  readonly afterMs?: number;
}

/** The addresses that no client may ever believe in. */
export const FORGED = { A: "192.0.2.66", AAAA: "2001:db8::66" } as const;

/** Its denials come with an SOA record, as those of a real server do. */
const NOTHING = createZone({}, "test", 1);

/** What to send back to a query that the fault hits; `ask` gets the right reply, undefined when there is none. */
export async function spoil(
  bytes: Uint8Array,
  transport: Transport,
  fault: ProxyFault,
  ask: () => Promise<Uint8Array | undefined>,
): Promise<readonly Send[]> {
  const message = readMessage(bytes);
  const whole = async (times = 1) => copies(await ask(), times);
  if (message.kind !== "query") return await whole();
  const { query } = message;
  switch (fault.mode) {
    case "ok":
      return await whole();
    case "drop":
      return [];
    case "delay":
      return (await whole()).map((send) => ({ ...send, afterMs: fault.delayMs }));
    case "servfail":
      return [{ message: encodeReply(query, { rcode: "SERVFAIL" }) }];
    case "refused":
      return [{ message: encodeReply(query, { rcode: "REFUSED" }) }];
    case "nxdomain":
      return [{ message: encodeReply(query, NOTHING.nonexistent()) }];
    case "empty":
      return [{ message: encodeReply(query, NOTHING.nodata()) }];
    case "blank":
      return [{ message: encodeReply(query, { rcode: "NOERROR" }) }];
    case "garbage":
      return [{ message: asGarbage(bytes) }];
    case "truncate":
      if (transport === "udp") return [{ message: encodeTruncated(query, { rcode: "NOERROR" }) }];
      return fault.tcp === "answers" ? await whole() : [];
    case "duplicate":
      return await whole(transport === "udp" ? fault.times : 1);
    case "forge": {
      if (transport === "tcp") return await whole();
      const forged = Array<Send>(fault.times ?? 1).fill(forge(query, fault.wrong));
      return fault.alone ? forged : [...forged, ...await whole()];
    }
    case "script": {
      const right = await ask();
      return right === undefined ? [] : fault.replies(bytes, right).map((message) => ({ message }));
    }
  }
}

function copies(message: Uint8Array | undefined, times: number): Send[] {
  return message === undefined ? [] : Array(times).fill({ message });
}

/** A well-made reply with an address of the forger's own, and one thing wrong with it. */
function forge(query: DnsQuery, wrong: "id" | "question" | "port" | "address"): Send {
  const type = query.type === "AAAA" ? "AAAA" : "A";
  const answers = [{ type, name: query.name, ttl: 3_600, data: FORGED[type] } as const];
  const question = Uint8Array.from(query.question);
  // The first letter of the name, behind the length of its label: still a name, but another one.
  if (wrong === "question") question[1] = question[1] === 0x78 ? 0x79 : 0x78;
  const message = encodeReply({ ...query, question }, { rcode: "NOERROR", answers });
  switch (wrong) {
    case "id":
      return { message: withWrongId(message) };
    case "question":
      return { message };
    case "port":
    case "address":
      return { message, from: wrong };
  }
}
