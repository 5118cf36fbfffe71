/**
 * The way from the proxy to the server behind it: a message there, its reply back, or nothing in time.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { machineClock } from "../../examples/service/dns_clock.ts";
import { framed } from "./dns_client.ts";
import type { Transport } from "./fault_proxy_fault.ts";

/** The server behind the proxy. */
export interface Upstream {
  /** The reply to a message, by the same transport; undefined when none comes. */
  ask(message: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Longer than any client of a test waits. */
const PATIENCE_MS = 5_000;

/** Opens the way to a server; the server itself may come and go. */
export async function openUpstream({ address, port }: { address: string; port: number }): Promise<Upstream> {
  const udp = createSocket("udp4");
  udp.on("error", () => {});
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  const waiting = new Map<number, (reply: Uint8Array) => void>();
  const abandoned = new Set<() => void>();
  let nextId = 0;
  udp.on("message", (message, from) => {
    if (from.port === port && message.length >= 2) waiting.get(message.readUInt16BE())?.(message);
  });

  /** What `start` hands over, or undefined once it is too late; `start` returns what ends it early. */
  function inTime(
    start: (done: (reply?: Uint8Array) => void) => () => void,
  ): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const done = (reply?: Uint8Array) => {
        timer.cancel();
        abandoned.delete(done);
        stop();
        resolve(reply);
      };
      const timer = machineClock.schedule(PATIENCE_MS, done);
      abandoned.add(done);
      const stop = start(done);
    });
  }

  // Under an id of our own: clients of the proxy may use the same one at the same time.
  function askUdp(message: Uint8Array): Promise<Uint8Array | undefined> {
    const id = nextId++ & 0xffff;
    return inTime((done) => {
      waiting.set(id, (reply) => done(withId(reply, message)));
      udp.send(withId(message, [id >> 8, id & 0xff]), port, address, () => {});
      return () => void waiting.delete(id);
    });
  }

  function askTcp(message: Uint8Array): Promise<Uint8Array | undefined> {
    return inTime((done) => {
      const socket: Socket = connect(port, address, () => void socket.write(framed(message)));
      let pending = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        pending = Buffer.concat([pending, chunk]);
        if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE()) return;
        done(Uint8Array.from(pending.subarray(2, 2 + pending.readUInt16BE())));
      });
      socket.on("error", () => done());
      socket.on("end", () => done());
      return () => void socket.destroy();
    });
  }

  return {
    ask: (message, transport) => transport === "udp" ? askUdp(message) : askTcp(message),
    close() {
      for (const done of [...abandoned]) done();
      return new Promise((resolve) => udp.close(() => resolve()));
    },
  };
}

/** A copy of the message under the id that begins `other`. */
function withId(message: Uint8Array, other: ArrayLike<number>): Uint8Array {
  const bytes = Uint8Array.from(message);
  bytes[0] = other[0]!;
  bytes[1] = other[1]!;
  return bytes;
}
