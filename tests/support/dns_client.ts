/**
 * A bare DNS client for the tests of the embedded name server: messages as they are sent, replies as they come.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import * as codec from "@leichtgewicht/dns-packet";
import {
  type DnsServerOptions,
  type EmbeddedDnsServer,
  startDnsServer,
} from "../../examples/service/dns_server.ts";

/** The zone that {@linkcode withServer} serves. */
export const ZONE: DnsServerOptions["zone"] = {
  "api.demo.test": { a: ["127.0.0.1", "127.0.0.2"], aaaa: ["::1"], ttl: 5 },
  "v4.demo.test": { a: ["127.0.0.4"] },
  "www.demo.test": { cname: "front.demo.test", ttl: 60 },
  "front.demo.test": { cname: "Api.demo.test.", ttl: 7 },
  "away.demo.test": { cname: "elsewhere.example" },
  "gone.demo.test": { cname: "nobody.demo.test" },
  "ring.demo.test": { cname: "gnir.demo.test" },
  "gnir.demo.test": { cname: "ring.demo.test" },
  "a.deep.demo.test": { a: ["127.0.0.5"] },
  "many.demo.test": { a: Array.from({ length: 60 }, (_, i) => `10.0.0.${i}`) },
};

/** The fields of an OPT record, which the codec's types leave out. */
export interface OptFields {
  readonly udpPayloadSize: number;
  readonly ednsVersion: number;
  readonly flags: number;
  readonly extendedRcode: number;
}

/** A query as a client sends it. */
export function query(
  name: string,
  type: string,
  options: { id?: number; class?: string; opt?: readonly Partial<OptFields>[] } = {},
): Uint8Array {
  const { id = 0x1234, opt = [] } = options;
  const additionals = opt.map((fields) => ({
    type: "OPT",
    name: ".",
    udpPayloadSize: 1232,
    options: [],
    ...fields,
  }));
  return codec.encode({
    type: "query",
    id,
    flags: codec.RECURSION_DESIRED,
    questions: [{ name, type, class: options.class ?? "IN" }],
    additionals: additionals as unknown as codec.Answer[],
  });
}

/** A query for the A records of a name given as bytes, which no codec could spell. */
export function rawQuery(labels: readonly (readonly number[])[]): Uint8Array {
  const name = labels.flatMap((label) => [label.length, ...label]);
  return Uint8Array.of(0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1);
}

/** A message as TCP carries it, behind its length. */
export function framed(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 0xff, ...message);
}

/** The answers of a reply, each as a line of a zone file. */
export function records(reply: codec.Packet): string[] {
  return reply.answers!.map(({ name, ttl, type, data }) => `${name} ${ttl} ${type} ${data}`);
}

/** Tells the replies to one id from others. */
export function isReplyTo(id: number): (bytes: Uint8Array) => boolean {
  return (bytes) => bytes[0] === id >> 8 && bytes[1] === (id & 0xff);
}

/** Messages as they come in, to be read one by one. */
function createInbox(): {
  put(bytes: Uint8Array): void;
  next(): Promise<Uint8Array>;
  readonly unread: number;
} {
  const unread: Uint8Array[] = [];
  return {
    put: (bytes) => void unread.push(Uint8Array.from(bytes)),
    async next() {
      await until(() => unread.length > 0);
      return unread.shift()!;
    },
    get unread() {
      return unread.length;
    },
  };
}

/** What a test works with. */
export interface Setting {
  readonly server: EmbeddedDnsServer;
  /** A UDP socket: `next` waits for a message, `unread` is how many have come that nobody has read. */
  readonly client: {
    send(bytes: Uint8Array): Promise<void>;
    next(): Promise<Uint8Array>;
    readonly unread: number;
  };
  /** Sends a message by UDP and returns the reply, or the first that is `wanted`. */
  exchange(bytes: Uint8Array, wanted?: (reply: Uint8Array) => boolean): Promise<Uint8Array>;
  /** Asks by UDP. */
  ask(name: string, type: string): Promise<codec.Packet>;
}

/** Runs `body` with a server for {@linkcode ZONE} and a UDP client; both are closed in the end. */
export async function withServer(
  options: Partial<DnsServerOptions>,
  body: (setting: Setting) => Promise<void>,
): Promise<void> {
  const server = await startDnsServer({ zone: ZONE, ...options });
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const inbox = createInbox();
  socket.on("message", inbox.put);
  const client = {
    send: (bytes: Uint8Array) =>
      new Promise<void>((resolve, reject) => {
        socket.send(bytes, server.port, server.address, (error) => error ? reject(error) : resolve());
      }),
    next: inbox.next,
    get unread() {
      return inbox.unread;
    },
  };
  const exchange: Setting["exchange"] = async (bytes, wanted = () => true) => {
    await client.send(bytes);
    for (;;) {
      const reply = await client.next();
      if (wanted(reply)) return reply;
    }
  };
  const ask = async (name: string, type: string) => codec.decode(await exchange(query(name, type)));
  try {
    await body({ server, client, exchange, ask });
  } finally {
    await new Promise<void>((resolve) => socket.close(resolve));
    await server.close();
  }
}

/** A TCP connection that carries DNS messages; what is sent must be framed, what is read no longer is. */
export interface TcpClient {
  send(bytes: Uint8Array): Promise<void>;
  next(): Promise<Uint8Array>;
  close(): void;
  /** Stops reading, and goes on. */
  pause(): void;
  resume(): void;
  readonly unread: number;
  readonly closed: boolean;
}

/** Connects to a server by TCP. */
export async function openTcp(server: EmbeddedDnsServer): Promise<TcpClient> {
  const socket: Socket = connect(server.port, server.address);
  await once(socket, "connect");
  const inbox = createInbox();
  let pending = Buffer.alloc(0);
  let closed = false;
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE()) {
      const end = 2 + pending.readUInt16BE();
      inbox.put(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
  });
  // A reset says the same as an end here: the server is done with it.
  socket.on("error", () => {});
  socket.on("close", () => closed = true);
  return {
    send: (bytes) =>
      new Promise((resolve, reject) =>
        void socket.write(bytes, (error) => error ? reject(error) : resolve())
      ),
    next: inbox.next,
    close: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    get unread() {
      return inbox.unread;
    },
    get closed() {
      return closed;
    },
  };
}

/** Waits until something holds, turn by turn of the event loop; gives up after twenty seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`waited 20 s in vain: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
