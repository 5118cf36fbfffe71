/**
 * What is remembered of decisions: counts, events, and the course of the last hour.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { EventSource } from "../events.ts";
import { type Point, TimeSeries } from "../stats/monitor_series.ts";
import { type Counter, createStats, type Distribution, type Stats } from "../stats/mod.ts";
import { Clients, type ClientSnapshot } from "./clients.ts";
import { REFUSAL_REASONS, type RefusalReason } from "./errors.ts";
import type { OverloadEvent } from "./events.ts";
import type { LimiterSnapshot, TicketOutcome } from "./limiter.ts";
import { PRIORITIES, type Priority } from "./priority.ts";

/** How often something was refused. */
export interface RefusalCount {
  /** Why. */
  readonly reason: RefusalReason;
  /** How much it mattered. */
  readonly priority: Priority;
  /** How often. */
  readonly count: number;
}

/** How often something was let in. */
export interface AdmittedCount {
  /** How much it mattered. */
  readonly priority: Priority;
  /** How often. */
  readonly count: number;
}

/** A moment (milliseconds since the epoch) and a value. */
export type OverloadPoint = readonly [at: number, value: number];

/** What is let in and refused, as plain JSON. Times are in milliseconds. */
export interface AdmissionSnapshot {
  /** When this was, since the epoch. */
  readonly at: number;
  /** Who lets in. */
  readonly name: string;
  /** How many may run at a time, and what that is derived from. */
  readonly limit: LimiterSnapshot;
  /** How many run. */
  readonly inFlight: number;
  /** How many wait. */
  readonly waiting: number;
  /** How long the oldest of them has. */
  readonly oldestAgeMs: number;
  /** Whether more comes than is served. */
  readonly overloaded: boolean;
  /** Since when, since the epoch; of the last time, where it is over. Null if it never was. */
  readonly overloadedAt: number | null;
  /** Let in so far. */
  readonly admitted: readonly AdmittedCount[];
  /** Refused so far; what never happened is left out. */
  readonly refused: readonly RefusalCount[];
  /** Refused within the last minute that anything happened in. */
  readonly refusedLately: number;
  /** Let in within that minute. */
  readonly admittedLately: number;
  /** How long those that waited did until they were let in: median and p99; null while none did. */
  readonly waitedMs: { readonly p50: number | null; readonly p99: number | null };
  /** Who asked most, where clients are told apart. */
  readonly clients: readonly ClientSnapshot[];
  /** The course of the last hour, a point for each second in which something happened. */
  readonly series: {
    readonly limit: readonly OverloadPoint[];
    readonly inFlight: readonly OverloadPoint[];
    readonly waiting: readonly OverloadPoint[];
    readonly refused: readonly OverloadPoint[];
  };
}

/** What is read when a second is over. */
export interface Gauges {
  readonly limit: number;
  readonly inFlight: number;
  readonly waiting: number;
}

/** What a ledger is made of. */
export interface LedgerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly stats: Stats | undefined;
  readonly events: EventSource<OverloadEvent>;
  readonly gauges: Gauges;
}

/** What the admission itself knows. */
export type Present = Pick<
  AdmissionSnapshot,
  "limit" | "inFlight" | "waiting" | "oldestAgeMs" | "overloaded"
>;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const CLIENTS_SHOWN = 10;

/** Keeps count. */
export class Ledger {
  readonly clients = new Clients();
  readonly #name: string;
  readonly #clock: Clock;
  readonly #stats: Stats;
  readonly #events: EventSource<OverloadEvent>;
  readonly #gauges: Gauges;
  readonly #admitted = new Map<Priority, Counter>();
  readonly #refused = new Map<string, Counter>();
  readonly #waited: Distribution;
  readonly #observed: (() => void)[];
  readonly #limits = new TimeSeries();
  readonly #inFlights = new TimeSeries();
  readonly #waitings = new TimeSeries();
  readonly #refusals = new TimeSeries();
  readonly #admissions = new TimeSeries();
  #overloadedAt: number | undefined;
  // The second that is under way, as the clock's `monotonic()` counts.
  #second = -Infinity;
  #secondAt = 0;
  #peakInFlight = 0;
  #peakWaiting = 0;
  #secondRefused = 0;
  #secondAdmitted = 0;

  constructor({ name, clock, stats = createStats({ clock }), events, gauges }: LedgerOptions) {
    this.#name = name;
    this.#clock = clock;
    this.#stats = stats;
    this.#events = events;
    this.#gauges = gauges;
    const labels = { part: name };
    for (const priority of PRIORITIES) {
      const help = "Let in";
      this.#admitted.set(
        priority,
        stats.counter("overload.admitted", { help, labels: { ...labels, priority } }),
      );
    }
    this.#waited = stats.distribution("overload.waited", { help: "Wait of those let in later", labels });
    const gauge = (name: string, help: string, read: () => number) =>
      stats.observe(`overload.${name}`, { kind: "gauge", help, labels }, read);
    this.#observed = [
      gauge("limit", "How many may run at a time", () => gauges.limit),
      gauge("in_flight", "How many run", () => gauges.inFlight),
      gauge("waiting", "How many wait", () => gauges.waiting),
    ];
  }

  admitted(priority: Priority, waitedMs: number, now: number): void {
    this.#admitted.get(priority)!.add();
    this.#tick(now);
    this.#secondAdmitted++;
    if (this.#gauges.inFlight > this.#peakInFlight) this.#peakInFlight = this.#gauges.inFlight;
    if (waitedMs > 0) this.#waited.add(waitedMs);
    if (this.#events.heard) this.#events.emit({ type: "admitted", priority, waitedMs });
  }

  queued(priority: Priority, waiting: number): void {
    if (waiting > this.#peakWaiting) this.#peakWaiting = waiting;
    if (this.#events.heard) this.#events.emit({ type: "queued", priority, waiting });
  }

  refused(
    priority: Priority,
    reason: RefusalReason,
    waitedMs: number,
    client: string | undefined,
    now: number,
  ): void {
    this.#refusalCounter(priority, reason).add();
    this.#tick(now);
    this.#secondRefused++;
    if (client !== undefined) this.clients.refuse(client);
    if (this.#events.heard) this.#events.emit({ type: "refused", priority, reason, waitedMs });
  }

  done(outcome: TicketOutcome, tookMs: number): void {
    if (this.#events.heard) this.#events.emit({ type: "done", outcome, tookMs });
  }

  limit(limit: number, before: number): void {
    if (this.#events.heard) this.#events.emit({ type: "limit", limit, before });
  }

  overloaded(overloaded: boolean): void {
    if (overloaded) this.#overloadedAt = this.#clock.now();
    this.#events.emit({ type: "overloaded", overloaded });
  }

  snapshot(present: Present): AdmissionSnapshot {
    this.#tick(this.#clock.monotonic());
    const at = this.#clock.now();
    const { count } = this.#waited;
    const quantile = (q: number) => count === 0 ? null : this.#waited.quantile(q);
    return {
      at,
      name: this.#name,
      ...present,
      overloadedAt: this.#overloadedAt ?? null,
      admitted: PRIORITIES.map((priority) => ({ priority, count: this.#admitted.get(priority)!.value })),
      refused: this.#refusedCounts(),
      refusedLately: this.#secondRefused + sumSince(this.#refusals.recent(60), at - MINUTE_MS),
      admittedLately: this.#secondAdmitted + sumSince(this.#admissions.recent(60), at - MINUTE_MS),
      waitedMs: { p50: quantile(0.5), p99: quantile(0.99) },
      clients: this.clients.top(CLIENTS_SHOWN),
      series: {
        limit: this.#limits.points(),
        inFlight: this.#inFlights.points(),
        waiting: this.#waitings.points(),
        refused: this.#refusals.points(),
      },
    };
  }

  close(): void {
    for (const remove of this.#observed.splice(0)) remove();
  }

  #refusalCounter(priority: Priority, reason: RefusalReason): Counter {
    const key = `${reason} ${priority}`;
    let counter = this.#refused.get(key);
    if (counter === undefined) {
      const labels = { part: this.#name, priority, reason };
      this.#refused.set(
        key,
        counter = this.#stats.counter("overload.refused", { help: "Refused", labels }),
      );
    }
    return counter;
  }

  #refusedCounts(): RefusalCount[] {
    return REFUSAL_REASONS.flatMap((reason) =>
      PRIORITIES.flatMap((priority) => {
        const count = this.#refused.get(`${reason} ${priority}`)?.value ?? 0;
        return count === 0 ? [] : [{ reason, priority, count }];
      })
    );
  }

  /** Ends the second under way when it is over. By those who come by, and no timer: where nothing happens there is nothing to note. */
  #tick(now: number): void {
    if (now - this.#second < SECOND_MS) return;
    if (this.#second !== -Infinity) {
      const at = this.#secondAt;
      this.#limits.add(at, this.#gauges.limit);
      this.#inFlights.add(at, this.#peakInFlight);
      this.#waitings.add(at, this.#peakWaiting);
      this.#refusals.add(at, this.#secondRefused);
      this.#admissions.add(at, this.#secondAdmitted);
    }
    this.#second = now;
    this.#secondAt = this.#clock.now();
    this.#peakInFlight = this.#gauges.inFlight;
    this.#peakWaiting = this.#gauges.waiting;
    this.#secondRefused = this.#secondAdmitted = 0;
  }
}

function sumSince(points: readonly Point[], since: number): number {
  return points.reduce((sum, [at, value]) => at >= since ? sum + value : sum, 0);
}
