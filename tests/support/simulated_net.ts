/**
 * Sockets of a simulated network, on a clock that is moved by hand: what a peer does, and how long it takes, is said by a test.
 *
 * @module
 */

import type { Clock } from "@ballast/runtime";

/** How a peer of the simulated network behaves. It may be changed at any time. */
export interface Peer {
  /** How connecting goes. */
  mode: "accept" | "refuse" | "hang";
  /** How long a connection takes to open, or to be refused. */
  connectMs: number;
  /** How long an answer takes. */
  replyMs: number;
  /** What it answers; undefined for nothing. */
  reply: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** The peer's side of a connection. */
export interface PeerSide {
  /** Sends bytes at once. */
  send(bytes: Uint8Array): void;
  /** Sends the end. */
  end(): void;
  /** Breaks the connection. */
  reset(): void;
}

/** A simulated network: give it to a platform as `net`. */
export interface SimulatedNet {
  readonly net: Net;
  /** The peer at an address such as `10.0.0.1:5432`; made where there is none, accepting and echoing at once. */
  peer(address: string, behaviour?: Partial<Peer>): Peer;
  /** Sockets open or being opened. */
  readonly open: number;
  /** The most there ever were. */
  readonly peak: number;
  /** Connections begun so far, by address. */
  readonly dials: ReadonlyMap<string, number>;
  /** The peers' sides of the open connections to an address. */
  sides(address: string): readonly PeerSide[];
  /** TLS handshakes take this long. */
  tlsMs: number;
}

type Net = NonNullable<import("../../src/platform/port.ts").Platform["net"]>;
type Socket = Awaited<ReturnType<Net["connect"]>>;

/** Makes a simulated network. */
export function createSimulatedNet(clock: Clock): SimulatedNet {
  const peers = new Map<string, Peer>();
  const dials = new Map<string, number>();
  const sides = new Map<string, Set<PeerSide>>();
  let open = 0;
  let peak = 0;
  let ports = 50_000;

  function peer(address: string, behaviour: Partial<Peer> = {}): Peer {
    let found = peers.get(address);
    if (found === undefined) {
      found = { mode: "accept", connectMs: 0, replyMs: 0, reply: (bytes) => bytes };
      peers.set(address, found);
    }
    return Object.assign(found, behaviour);
  }

  function coded(code: string): Error {
    return Object.assign(new Error(code), { code });
  }

  function wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0 && !signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = ms === Infinity ? undefined : clock.schedule(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      const onAbort = () => {
        timer?.cancel();
        reject(signal.reason);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  const network: SimulatedNet = {
    peer,
    dials,
    tlsMs: 0,
    get open() {
      return open;
    },
    get peak() {
      return peak;
    },
    sides: (address) => [...sides.get(address) ?? []],
    net: {
      unixSockets: false,
      codings: [],
      decode: (source) => source,
      fileLimit: () => Promise.resolve(undefined),
      async connect(to, signal) {
        const address = to.transport === "unix" ? to.path : `${to.address}:${to.port}`;
        dials.set(address, (dials.get(address) ?? 0) + 1);
        const { mode, connectMs } = peer(address);
        peak = Math.max(peak, ++open);
        try {
          await wait(mode === "hang" ? Infinity : connectMs, signal);
          if (mode === "refuse") throw coded("ECONNREFUSED");
        } catch (error) {
          open--;
          throw error;
        }
        return createSocket(address, `10.9.9.9:${++ports}`);
      },
      async startTls(socket, _options, signal) {
        try {
          await wait(network.tlsMs, signal);
          return socket;
        } catch (error) {
          socket.destroy();
          throw error;
        }
      },
    },
  };

  function createSocket(address: string, localAddress: string): Socket {
    const arrived: Uint8Array[] = [];
    const closeListeners: (() => void)[] = [];
    let ended = false;
    let destroyed = false;
    let hasEnded = false;
    let failure: Error | undefined;
    let reader: (() => void) | undefined;
    let listener: (() => void) | undefined;
    const tell = () => {
      reader?.();
      listener?.();
    };
    const side: PeerSide = {
      send(bytes) {
        if (destroyed) return;
        arrived.push(bytes);
        tell();
      },
      end() {
        ended = true;
        tell();
      },
      reset() {
        failure ??= coded("ECONNRESET");
        tell();
      },
    };
    const own = sides.get(address) ?? new Set();
    own.add(side);
    sides.set(address, own);
    const isOver = () => ended || destroyed || failure !== undefined;
    const result = (): Promise<Uint8Array | undefined> => {
      const next = arrived.shift();
      if (next !== undefined) return Promise.resolve(next);
      if (failure !== undefined || destroyed) return Promise.reject(failure ?? coded("ECONNRESET"));
      return Promise.resolve(undefined);
    };
    return {
      localAddress,
      remoteAddress: address,
      alpn: undefined,
      get quiet() {
        return arrived.length === 0 && !isOver() && !hasEnded && reader === undefined;
      },
      read(signal) {
        if (arrived.length > 0 || isOver()) return result();
        return new Promise((resolve, reject) => {
          const settle = () => {
            reader = undefined;
            signal?.removeEventListener("abort", onAbort);
          };
          const onAbort = () => {
            settle();
            reject(signal!.reason);
          };
          reader = () => {
            settle();
            result().then(resolve, reject);
          };
          signal?.addEventListener("abort", onAbort, { once: true });
        });
      },
      write(bytes) {
        if (isOver()) return Promise.reject(failure ?? coded("EPIPE"));
        const { reply, replyMs } = peer(address);
        const answer = reply(bytes);
        if (answer !== undefined) {
          if (replyMs === 0) side.send(answer);
          else clock.schedule(replyMs, () => side.send(answer));
        }
        return Promise.resolve();
      },
      end() {
        hasEnded = true;
        return Promise.resolve();
      },
      destroy() {
        if (destroyed) return;
        destroyed = true;
        open--;
        own.delete(side);
        tell();
        for (const told of closeListeners.splice(0)) told();
      },
      onNews(given) {
        listener = given;
      },
      onClose(given) {
        if (destroyed) given();
        else closeListeners.push(given);
      },
      hold() {},
      stream: side,
      handOver: () => side,
    };
  }

  return network;
}
