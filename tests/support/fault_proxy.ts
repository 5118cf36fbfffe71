/**
 * A proxy in front of any name server, over UDP and TCP, that does to queries and replies what an unlucky or hostile
 * network does, to be switched on and off while it runs.
 *
 * Where to read on: `fault_proxy_fault.ts` has the faults, `fault_proxy_upstream.ts` asks the server behind; here are the
 * sockets that clients see.
 *
 * @example A server that seems to be cut off
 * ```ts
 * import assert from "node:assert/strict";
 * import { Resolver } from "node:dns/promises";
 * import { startDnsServer } from "../../examples/service/dns_server.ts";
 * import { startFaultProxy } from "./fault_proxy.ts";
 *
 * const server = await startDnsServer({ zone: { "api.demo.test": { a: ["127.0.0.1"] } } });
 * const proxy = await startFaultProxy({ upstream: server });
 * const resolver = new Resolver({ timeout: 100, tries: 1 });
 * resolver.setServers([`${proxy.address}:${proxy.port}`]);
 * assert.deepEqual(await resolver.resolve4("api.demo.test"), ["127.0.0.1"]);
 *
 * await proxy.setFault({ mode: "servfail" });
 * await assert.rejects(resolver.resolve4("api.demo.test"));
 * assert.ok(proxy.queries.at(-1)?.spoiled);
 * await proxy.close();
 * await server.close();
 * ```
 *
 * @module
 */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { simulatedClock } from "@ballast/runtime/testing";
import { machineClock } from "../../examples/service/dns_clock.ts";
import { createTcpListener, type TcpListener } from "../../examples/service/dns_tcp.ts";
import { readMessage } from "../../examples/service/dns_wire.ts";
import { type ProxyFault, type Send, spoil, type Transport } from "./fault_proxy_fault.ts";
import { openUpstream } from "./fault_proxy_upstream.ts";

export { FORGED, type ProxyFault } from "./fault_proxy_fault.ts";

/** How the proxy is started. */
export interface FaultProxyOptions {
  /** The server behind it, by IPv4. */
  readonly upstream: { readonly address: string; readonly port: number };
  /** Seed of the chance by which a `share` of the queries is hit. @default 1 */
  readonly seed?: number;
}

/** One query that came. */
export interface ProxiedQuery {
  readonly name: string;
  readonly type: string;
  readonly transport: Transport;
  /** Whether the fault hit it. */
  readonly spoiled: boolean;
}

/** A running proxy. */
export interface FaultProxy extends AsyncDisposable {
  readonly address: string;
  /** For UDP and TCP, the same as long as it lives. */
  readonly port: number;
  /** Every query that came so far. */
  readonly queries: readonly ProxiedQuery[];
  /** Replaces the fault, for queries from now on. */
  setFault(fault: ProxyFault): Promise<void>;
  /** Closes its sockets: who sends to them is told that nobody is there (ICMP, RST). */
  goDown(): Promise<void>;
  /** Opens them again. */
  comeBack(): Promise<void>;
  /** Ends everything. Safe to call twice. */
  close(): Promise<void>;
}

const ADDRESS = "127.0.0.1";
/** Another address of this machine: on Linux all of 127.0.0.0/8 is its own. */
const OTHER_ADDRESS = "127.0.0.2";
/** Below the ports that sockets get when they ask for any: nobody takes ours while we are down. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const MAX_PORTS_TRIED = 50;

/** What clients can reach. */
interface Front {
  readonly udp: Socket;
  tcp: TcpListener | undefined;
}

/** Starts a proxy without a fault. */
export async function startFaultProxy({ upstream, seed = 1 }: FaultProxyOptions): Promise<FaultProxy> {
  const { random } = simulatedClock({ seed });
  const behind = await openUpstream(upstream);
  const queries: ProxiedQuery[] = [];
  const held = new Set<{ cancel(): void }>();
  const elsewhere = { port: await bindUdp(0, ADDRESS), address: await bindUdp(0, OTHER_ADDRESS) };
  let fault: ProxyFault = { mode: "ok" };
  let asked = new Map<string, number>();
  let closing: Promise<void> | undefined;

  /** Whether the fault hits this query. */
  function hits(question: string, transport: Transport): boolean {
    if (fault.mode === "ok" || (fault.flapping && transport === "tcp")) return false;
    const times = asked.get(question) ?? 0;
    asked.set(question, times + 1);
    return fault.flapping ? times % 2 === 0 : random() < (fault.share ?? 1);
  }

  async function handle(bytes: Uint8Array, transport: Transport, send: (send: Send) => void): Promise<void> {
    const read = readMessage(bytes);
    const { name, type } = read.kind === "query" ? read.query : { name: "", type: "" };
    const spoiled = hits(`${name.toLowerCase()} ${type}`, transport);
    queries.push({ name, type, transport, spoiled });
    const query = Uint8Array.from(bytes);
    const ask = () => behind.ask(query, transport);
    for (const one of await spoil(query, transport, spoiled ? fault : { mode: "ok" }, ask)) {
      if (closing !== undefined) return;
      if (one.afterMs === undefined) send(one);
      else hold(one.afterMs, () => send(one));
    }
  }

  function hold(delayMs: number, send: () => void): void {
    const timer = machineClock.schedule(delayMs, () => {
      held.delete(timer);
      send();
    });
    held.add(timer);
  }

  function listenTcp(port: number): Promise<TcpListener> {
    return bindTcp(port, (message, reply) => void handle(message, "tcp", (send) => reply(send.message)));
  }

  /** TCP first, then UDP on the same port. */
  async function open(port: number): Promise<Front> {
    const tcp = await listenTcp(port);
    try {
      const udp = await bindUdp(port, ADDRESS);
      udp.on("message", (message, from) => {
        void handle(message, "udp", ({ message, from: source = "own" }) => {
          const socket = source === "own" ? udp : elsewhere[source];
          sendUdp(socket, message, from);
        });
      });
      return { udp, tcp };
    } catch (error) {
      await tcp.close();
      throw error;
    }
  }

  async function goDown(): Promise<void> {
    const gone = front;
    front = undefined;
    await Promise.all([gone?.tcp?.close(), gone && closeUdp(gone.udp)]);
  }

  async function stop(): Promise<void> {
    for (const timer of held) timer.cancel();
    await goDown();
    await Promise.all([behind.close(), ...Object.values(elsewhere).map(closeUdp)]);
  }

  let front: Front | undefined = await openAnywhere(open);
  const { port } = front.udp.address();
  const close = () => closing ??= stop();
  return {
    address: ADDRESS,
    port,
    queries,
    async setFault(next) {
      fault = next;
      asked = new Map();
      if (front === undefined) return;
      const refuses = next.mode === "truncate" && next.tcp === "refuses";
      if (!refuses) front.tcp ??= await listenTcp(port);
      else {
        await front.tcp?.close();
        front.tcp = undefined;
      }
    },
    goDown,
    async comeBack() {
      front ??= await open(port);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Opens at a port that is free for both transports. */
async function openAnywhere(open: (port: number) => Promise<Front>): Promise<Front> {
  for (let tried = 1;; tried++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      return await open(port);
    } catch (error) {
      if ((error as { code?: string }).code !== "EADDRINUSE" || tried === MAX_PORTS_TRIED) throw error;
    }
  }
}

async function bindTcp(
  port: number,
  onMessage: Parameters<typeof createTcpListener>[0],
): Promise<TcpListener> {
  const tcp = createTcpListener(onMessage, { clock: machineClock, idleMs: 10_000, maxConnections: 128 });
  tcp.server.listen(port, ADDRESS);
  await once(tcp.server, "listening");
  tcp.server.on("error", () => {});
  return tcp;
}

async function bindUdp(port: number, address: string): Promise<Socket> {
  const udp = createSocket("udp4");
  udp.bind(port, address);
  await once(udp, "listening");
  udp.on("error", () => {});
  return udp;
}

function sendUdp(socket: Socket, message: Uint8Array, to: { port: number; address: string }): void {
  try {
    socket.send(message, to.port, to.address, () => {});
  } catch {
    // The socket was closed meanwhile: lost, as any datagram may be.
  }
}

function closeUdp(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
