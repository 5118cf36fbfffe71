/** What a listener counts. */

import type { Clock } from "../clock.ts";
import type { Counter, Distribution, Stats } from "../stats/mod.ts";

/** Why a connection or a request was refused, or cut. Every one names the limit it comes from. */
export type RefusalReason =
  | "queue full"
  | "queue timeout"
  | "client limit"
  | "handshake failed"
  | "handshake timeout"
  | "malformed"
  | "header length"
  | "header timeout"
  | "body length"
  | "body timeout"
  | "request timeout"
  | "send timeout";

/** Refusals for one reason. */
export interface Refusals {
  /** Why. */
  readonly reason: RefusalReason;
  /** How many. */
  readonly count: number;
  /** The last one, in milliseconds since the epoch. */
  readonly lastAt: number;
}

/** The classes of statuses that are told apart. */
const CLASSES = ["cut", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** The counts of one listener. */
export class ServerCounts {
  accepted = 0;
  requests = 0;
  /** Errors of the app, of a response's body, or of a stream's handler. */
  errors = 0;
  /** Connections closed for having been idle too long. */
  idleClosed = 0;
  /** Idle connections closed to make room for new ones. */
  evicted = 0;
  readonly #refusals = new Map<RefusalReason, { count: number; lastAt: number; counter: Counter }>();
  readonly #clock: Clock;
  readonly #stats: Stats;
  readonly #listener: string;
  readonly #accepted: Counter;
  readonly #errors: Counter;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;
  readonly #byClass: readonly Counter[];
  readonly #durations: Distribution;

  constructor(listener: string, kind: "app" | "stream", stats: Stats, clock: Clock) {
    const labels = { listener };
    this.#listener = listener;
    this.#clock = clock;
    this.#stats = stats;
    this.#accepted = stats.counter("servers.accepted", { help: "Connections accepted", labels });
    this.#errors = stats.counter("servers.errors", { help: "Errors of apps and handlers", labels });
    const bytes = (way: string) =>
      stats.counter("servers.traffic", {
        help: "Bytes of connections that are closed",
        unit: "bytes",
        labels: { listener, way },
      });
    this.#bytesIn = bytes("in");
    this.#bytesOut = bytes("out");
    const what = kind === "app" ? "Requests" : "Streams";
    this.#byClass = CLASSES.map((status) =>
      stats.counter("servers.requests", {
        help: "Requests and streams, by outcome",
        labels: { listener, status },
      })
    );
    this.#durations = stats.distribution("servers.duration", { help: `${what}, from head to end`, labels });
  }

  /** Refusals, by reason. */
  get refusals(): Refusals[] {
    return [...this.#refusals].map(([reason, { count, lastAt }]) => ({ reason, count, lastAt }));
  }

  accept(): void {
    this.accepted++;
    this.#accepted.add();
  }

  refuse(reason: RefusalReason): void {
    let found = this.#refusals.get(reason);
    if (found === undefined) {
      const labels = { listener: this.#listener, reason };
      const help = "Connections and requests refused or cut, by the limit";
      const counter = this.#stats.counter("servers.refused", { help, labels });
      this.#refusals.set(reason, found = { count: 0, lastAt: 0, counter });
    }
    found.count++;
    found.lastAt = this.#clock.now();
    found.counter.add();
  }

  fail(): void {
    this.errors++;
    this.#errors.add();
  }

  /** A request is over; undefined for one that was cut. */
  finish(status: number | undefined, tookMs: number): void {
    this.requests++;
    this.#byClass[status === undefined ? 0 : Math.min(5, Math.floor(status / 100))]?.add();
    this.#durations.add(tookMs);
  }

  closed(bytesRead: number, bytesWritten: number): void {
    this.#bytesIn.add(bytesRead);
    this.#bytesOut.add(bytesWritten);
  }
}
