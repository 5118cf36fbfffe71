/**
 * Serves raw connections: each by its handler, and closed when that is done.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/mod.ts";
import type { Listener, Service } from "./listener.ts";
import type { StreamHandler } from "./options.ts";
import type { ServedConnection } from "./served_connection.ts";
import { ServerLease } from "./server_lease.ts";

/** What a stream is served with. */
export interface StreamServiceOptions {
  readonly handler: StreamHandler;
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Log;
}

/** A stream's handler on a listener. */
export class StreamService implements Service {
  readonly #options: StreamServiceOptions;
  /** Aborts when the listener drains: one signal for all of its connections would gather listeners without end. */
  readonly #enders = new Map<ServedConnection, AbortController>();

  constructor(options: StreamServiceOptions) {
    this.#options = options;
  }

  begin(connection: ServedConnection): void {
    const { listener, clock } = this.#options;
    connection.requests++;
    listener.engage(connection, clock.monotonic());
    const ender = new AbortController();
    this.#enders.set(connection, ender);
    // It waited in the accept queue when the drain began.
    if (listener.draining) ender.abort(drainReason());
    connection.raw.onClose(() => this.#enders.delete(connection));
    void this.#run(connection, ender.signal);
  }

  /** A handler's time is its own: it has the time limits of its buffered connection. */
  tend(): void {}

  wind(connection: ServedConnection): void {
    this.#enders.get(connection)?.abort(drainReason());
  }

  async #run(connection: ServedConnection, signal: AbortSignal): Promise<void> {
    const { handler, listener, clock, log } = this.#options;
    const startedAt = clock.monotonic();
    const { name } = listener.id;
    const lease = new ServerLease(name, connection.socket.open());
    let status: number | undefined = 200;
    try {
      await handler(lease, { signal, listener: name });
    } catch (error) {
      status = connection.gone ? undefined : 500;
      if (!connection.gone) {
        listener.counts.fail();
        log.error("the handler failed", { listener: name, remoteAddress: lease.remoteAddress, error });
      }
      lease.close();
    } finally {
      listener.counts.finish(status, clock.monotonic() - startedAt);
      this.#enders.delete(connection);
      // What was handed over is under way until whoever has it closes it.
      if (!lease.handedOver) {
        lease.release();
        connection.enter("closing", clock.monotonic());
      }
    }
  }
}

function drainReason(): DOMException {
  return new DOMException("the server is closing", "AbortError");
}
