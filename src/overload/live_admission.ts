/**
 * What an admission is inside: a limit, a queue and a pacer, and who waits.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../clock.ts";
import { createEvents } from "../events.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Admission, AdmissionOptions, AdmissionRequest, Ticket } from "./admission.ts";
import { OverloadError, type Refusal, type RefusalReason } from "./errors.ts";
import type { OverloadEvent } from "./events.ts";
import { type AdmissionSnapshot, Ledger } from "./ledger.ts";
import { createLimiter, fixedLimiter, type Limiter, type TicketOutcome } from "./limiter.ts";
import { createPacer, type Pacer, unpaced } from "./pacer.ts";
import { type Priority, rankOf } from "./priority.ts";
import { type BoundedQueue, createQueue, type Entry } from "./queue.ts";

/** Somebody that waits. */
interface Waiter {
  readonly request: AdmissionRequest;
  readonly settle: (answer: Ticket | Refusal) => void;
  /** Takes the listener off the signals. */
  release: () => void;
}

/** How quickly the estimate of the time between two that are served follows. */
const SERVICE_SMOOTHING = 0.1;

/** The right to run, by a class: one object for each that is let in. */
class LiveTicket implements Ticket {
  readonly admitted = true;
  readonly waitedMs: number;
  readonly #admission: LiveAdmission;
  readonly #startedAt: number;
  readonly #deadline: number;
  #held = true;

  constructor(admission: LiveAdmission, startedAt: number, deadline: number, waitedMs: number) {
    this.#admission = admission;
    this.#startedAt = startedAt;
    this.#deadline = deadline;
    this.waitedMs = waitedMs;
  }

  done(outcome: TicketOutcome = "success"): void {
    if (!this.#held) return;
    this.#held = false;
    this.#admission.finish(this.#startedAt, this.#deadline, outcome);
  }
}

/** Lets things in, now or later. */
export class LiveAdmission implements Admission {
  readonly name: string;
  readonly events = createEvents<OverloadEvent>();
  readonly #clock: Clock;
  readonly #limiter: Limiter;
  readonly #queue: BoundedQueue<Waiter>;
  readonly #pacer: Pacer;
  readonly #ledger: Ledger;
  #asked = 0;
  #inFlight = 0;
  readonly #onOverload: ((overloaded: boolean) => void) | undefined;
  #closed = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #overloaded = false;
  /** Between two that are taken out of the queue, in milliseconds, smoothed; and when the last was. */
  #serviceMs = 0;
  #servedAt: number | undefined;

  constructor(options: AdmissionOptions) {
    const { name = "admission", clock = systemClock, limit = {}, stats, paced = false } = options;
    this.name = name;
    this.#clock = clock;
    this.#onOverload = options.onOverload;
    this.#limiter = typeof limit === "number" ? fixedLimiter(limit) : createLimiter(limit);
    // Where a request owns all that it waits for, none can wait until another one is done.
    const owned = clock.catchUp !== undefined;
    const queue = owned ? { ...options.queue, maxLength: 0 } : options.queue ?? {};
    this.#queue = createQueue<Waiter>(queue, this.#turnAway);
    const { nextTurn, nextPoll } = options.turns ?? detectPlatform();
    this.#pacer = !paced || owned ? unpaced : createPacer({
      nextTurn,
      nextPoll,
      arrivals: () => this.#asked,
      monotonic: () => clock.monotonic(),
      resume: (now) => this.#serve(now),
    });
    this.#ledger = new Ledger({ name, clock, stats, events: this.events, gauges: this });
  }

  get limit(): number {
    return this.#limiter.limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  async admit(request: AdmissionRequest = {}): Promise<Ticket> {
    const answer = await this.ask(request);
    if (answer.admitted) return answer;
    const signal = request.signal?.aborted ? request.signal : request.until?.signal;
    const cause = answer.reason === "cancelled" ? signal?.reason : undefined;
    throw new OverloadError(this.name, answer, { cause });
  }

  ask(request: AdmissionRequest = {}): Ticket | Refusal | Promise<Ticket | Refusal> {
    const { priority = "normal", deadline = Infinity, client } = request;
    rankOf(priority);
    this.#asked++;
    const now = this.#clock.monotonic();
    if (client !== undefined) this.#ledger.clients.ask(client);
    if (this.#closed) return this.#refuse(request, "closed", 0, now);
    if (request.signal?.aborted) return this.#refuse(request, "cancelled", 0, now);
    if (deadline <= now) return this.#refuse(request, "expired", 0, now);
    if (this.#queue.size > 0) this.#serve(now);
    if (this.#queue.size === 0 && this.#mayStart) return this.#grant(now, priority, deadline, 0);
    // Somebody else is being served: so the estimate is a fresh one, and not one that keeps itself up.
    if (deadline < now + this.#expectedWaitMs(priority) + this.#limiter.quickestMs) {
      return this.#refuse(request, "deadline", 0, now);
    }
    return this.#wait(now, request, priority, deadline);
  }

  snapshot(): AdmissionSnapshot {
    const now = this.#clock.monotonic();
    return this.#ledger.snapshot({
      limit: this.#limiter.snapshot(),
      inFlight: this.#inFlight,
      waiting: this.#queue.size,
      oldestAgeMs: this.#queue.oldestAgeMs(now),
      overloaded: this.#overloaded,
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const now = this.#clock.monotonic();
    for (const { value: waiter, since } of this.#queue.drain()) {
      waiter.release();
      waiter.settle(this.#refuse(waiter.request, "closed", now - since, now));
    }
    this.#arm();
    this.#ledger.close();
    this.events.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #mayStart(): boolean {
    return !this.#pacer.held && this.#inFlight < this.#limiter.limit;
  }

  /** Under overload the newest is next; otherwise those before it come first. */
  #expectedWaitMs(priority: Priority): number {
    return this.#overloaded ? 0 : this.#queue.ahead(priority) * this.#serviceMs;
  }

  #wait(
    now: number,
    request: AdmissionRequest,
    priority: Priority,
    deadline: number,
  ): Promise<Ticket | Refusal> {
    return new Promise((settle) => {
      const waiter: Waiter = { request, settle, release: () => {} };
      const until = deadline - this.#limiter.quickestMs;
      const entry = this.#queue.push(now, { value: waiter, priority, client: request.client, until });
      if (entry === undefined) return;
      this.#ledger.queued(priority, this.#queue.size);
      waiter.release = this.#onAbort(request, entry);
      this.#serve(now);
    });
  }

  #onAbort(request: AdmissionRequest, entry: Entry<Waiter>): () => void {
    const signals = [request.signal, request.until?.signal].filter((signal) => signal !== undefined);
    const cancel = () => {
      if (!this.#queue.remove(entry)) return;
      const now = this.#clock.monotonic();
      entry.value.release();
      entry.value.settle(this.#refuse(request, "cancelled", now - entry.since, now));
      this.#serve(now);
    };
    for (const signal of signals) signal.addEventListener("abort", cancel, { once: true });
    const release = () => {
      for (const signal of signals) signal.removeEventListener("abort", cancel);
    };
    if (signals.some(({ aborted }) => aborted)) cancel();
    return release;
  }

  #grant(now: number, priority: Priority, deadline: number, waitedMs: number): Ticket {
    this.#inFlight++;
    this.#pacer.started(now);
    this.#ledger.admitted(priority, waitedMs, now);
    return new LiveTicket(this, now, deadline, waitedMs);
  }

  /** Takes a ticket back. */
  finish(startedAt: number, deadline: number, said: TicketOutcome): void {
    const now = this.#clock.monotonic();
    // Done too late is not done, whatever its result.
    const outcome = said === "success" && now > deadline ? "timeout" : said;
    const tookMs = now - startedAt;
    const before = this.#limiter.limit;
    this.#limiter.sample(now, tookMs, this.#inFlight, outcome);
    this.#inFlight--;
    this.#ledger.done(outcome, tookMs);
    if (this.#limiter.limit !== before) this.#ledger.limit(this.#limiter.limit, before);
    if (this.#queue.size > 0) this.#serve(now);
  }

  /** Starts what may be started, and then refuses what must not wait any longer: whose turn has come is not refused. */
  #serve(now: number): void {
    while (this.#mayStart) {
      const entry = this.#queue.take(now);
      if (entry === undefined) break;
      this.#noteServed(now);
      const { request, release, settle } = entry.value;
      release();
      settle(this.#grant(now, entry.priority, request.deadline ?? Infinity, now - entry.since));
    }
    this.#queue.sweep(now);
    if (this.#queue.size === 0) this.#servedAt = undefined;
    this.#noteOverload();
    this.#arm();
  }

  #noteServed(now: number): void {
    if (this.#servedAt !== undefined) {
      const gapMs = now - this.#servedAt;
      this.#serviceMs += SERVICE_SMOOTHING * (gapMs - this.#serviceMs);
    }
    this.#servedAt = now;
  }

  #noteOverload(): void {
    if (this.#queue.overloaded === this.#overloaded) return;
    this.#overloaded = this.#queue.overloaded;
    this.#ledger.overloaded(this.#overloaded);
    this.#onOverload?.(this.#overloaded);
  }

  readonly #turnAway = (
    { value: waiter, since }: Entry<Waiter>,
    reason: RefusalReason,
    now: number,
  ): void => {
    waiter.release();
    waiter.settle(this.#refuse(waiter.request, reason, now - since, now));
  };

  #refuse(request: AdmissionRequest, reason: RefusalReason, waitedMs: number, now: number): Refusal {
    const { priority = "normal", client } = request;
    this.#ledger.refused(priority, reason, waitedMs, client, now);
    return { admitted: false, reason, priority, waitedMs };
  }

  /** One timer for all that wait, and none where nobody does. */
  #arm(): void {
    const at = this.#queue.nextSweep();
    if (at === this.#timerAt) return;
    // One that comes too early looks, and is set anew: cheaper than setting it anew for each that is served.
    if (this.#timer !== undefined && at > this.#timerAt && at !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = at;
    if (at === Infinity) return;
    const delayMs = Math.max(0, at - this.#clock.monotonic());
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.#serve(this.#clock.monotonic());
    }, { keepAlive: true });
  }
}
