/**
 * Connections of a manager for clients that bring their own protocol: `node:http`, `pg`, `ioredis`, `mysql2` and others that
 * take a stream, unchanged.
 *
 * Each stream is one connection, opened when it is first used, with all that the manager knows: tiers, racing, markdown, limits,
 * the deadline of the context. It counts among the manager's until it is closed, and is never pooled by it: such clients do that
 * themselves, and connect again through the manager when one breaks.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/port.ts";
import type { ConnectionManager, ConnectOptions } from "./manager.ts";
import type { PlaceOptions } from "./place.ts";

/** How the connection is made. */
export interface StreamOptions extends Omit<ConnectOptions, "signal" | "key"> {
  /** The runtime to stand on. @default the one this runs on */
  readonly platform?: Platform;
}

/** Under this key nothing is ever pooled: such a client wants a connection on which nothing was said. */
const KEY = "stream";

/**
 * A `Duplex` of Node with the face of a `net.Socket`, connected to an endpoint, alias or address when it is first used. Where
 * that fails its error is what `manager.connect` rejects with. TLS of the endpoint is underneath.
 *
 * - `node:http`: `http.request({ createConnection: () => createConnection(manager, "payments"), ... })`, or an agent's
 * - `pg`: `new Pool({ stream: () => createConnection(manager, "db-r") })`
 * - `mysql2`: `createPool({ stream: () => createConnection(manager, "db-r") })`
 * - `ioredis`: {@linkcode redisConnector}
 *
 * The type is whatever the client wants.
 *
 * @throws {BallastError} `UNSUPPORTED` where the runtime has no streams of Node
 */
export function createConnection<Stream = unknown>(
  manager: ConnectionManager,
  to: PlaceOptions,
  options: StreamOptions = {},
): Stream {
  const { platform = detectPlatform(), tls, timeoutMs } = options;
  if (platform.net?.lazyStream === undefined) {
    throw new BallastError("UNSUPPORTED", `there are no streams of Node on ${platform.name}`);
  }
  return platform.net.lazyStream(async (signal) => {
    const lease = await manager.connect(to, { signal, tls, timeoutMs, key: KEY });
    return lease.handOver();
  }) as Stream;
}

/** What ioredis makes for each of its connections. */
interface Connector {
  /** Why the first connection failed. */
  firstError: unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
  check(): boolean;
}

/**
 * The `Connector` of ioredis: `new Redis({ Connector: redisConnector(manager, "cache") })`. Its `retryStrategy` decides when it
 * connects again, the manager where to.
 */
export function redisConnector<Constructor = unknown>(
  manager: ConnectionManager,
  to: PlaceOptions,
  options: StreamOptions = {},
): Constructor {
  return class implements Connector {
    firstError: unknown;
    #stream: LazyStream | undefined;

    connect(): Promise<unknown> {
      // A stream that will fail, rather than a failure: after that ioredis would not try again.
      const stream = createConnection<LazyStream>(manager, to, options);
      this.#stream = stream;
      stream.once("error", (error) => {
        this.firstError = error;
      });
      return Promise.resolve(stream.connect());
    }

    disconnect(): void {
      this.#stream?.destroySoon();
    }

    check(): boolean {
      return true;
    }
  } as Constructor;
}

interface LazyStream {
  connect(): unknown;
  once(event: "error", listener: (error: unknown) => void): unknown;
  destroySoon(): void;
}
