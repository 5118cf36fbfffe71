/**
 * One language for letting things in: a server's requests, a worker pool's tasks, a connection pool's callers.
 *
 * Whoever wants to begin something asks, and gets a ticket, now or after a wait, or a refusal. The ticket is handed back with what came of
 * it. That is all a part has to do: `admit`, and `done`.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Events } from "../events.ts";
import type { Platform } from "../platform/port.ts";
import type { Stats } from "../stats/mod.ts";
import type { Refusal } from "./errors.ts";
import type { OverloadEvent } from "./events.ts";
import type { AdmissionSnapshot } from "./ledger.ts";
import type { LimiterOptions, TicketOutcome } from "./limiter.ts";
import { LiveAdmission } from "./live_admission.ts";
import type { Priority } from "./priority.ts";
import type { QueueOptions } from "./queue.ts";

/** How things are let in. */
export interface AdmissionOptions {
  /** Who lets in, for texts and as the label `part` of its statistics. @default "admission" */
  readonly name?: string;
  /** How many may run at a time: how that adapts, or a fixed number. @default {} */
  readonly limit?: LimiterOptions | number;
  /** How many may wait, and for how long. @default {} */
  readonly queue?: QueueOptions;
  /**
   * Whether what is let in runs on this event loop: then no more is let in during a turn of it than it can do. @default false
   */
  readonly paced?: boolean;
  /** Time. @default the machine's */
  readonly clock?: Clock;
  /** Where decisions are counted. @default nowhere */
  readonly stats?: Stats;
  /** Called when an overload begins and when it ends; it must not throw. @default nobody is */
  readonly onOverload?: (overloaded: boolean) => void;
  /** The turns of the event loop. @default the platform's */
  readonly turns?: Pick<Platform, "nextTurn" | "nextPoll">;
}

/** Something that wants to begin. */
export interface AdmissionRequest {
  /** How much it matters. @default "normal" */
  readonly priority?: Priority;
  /** Whose it is, where clients are served in turn. @default "" */
  readonly client?: string;
  /** When it must be done, as the clock's `monotonic()` counts. @default never */
  readonly deadline?: number;
  /** Ends the wait: what it aborts with is the `cause` of the refusal. */
  readonly signal?: AbortSignal;
  /** Ends the wait as well; it is asked for its signal only if there is one to wait. */
  readonly until?: { readonly signal: AbortSignal };
}

/** The right to run. */
export interface Ticket {
  /** Tells it from a refusal. */
  readonly admitted: true;
  /** How long it was waited for, in milliseconds. */
  readonly waitedMs: number;
  /** Hands it back, with what came of it; only the first call counts. Never throws. */
  done(outcome?: TicketOutcome): void;
}

/** Lets things in. */
export interface Admission extends Disposable {
  /** Who lets in. */
  readonly name: string;
  /** How many may run at a time, now. */
  readonly limit: number;
  /** How many run. */
  readonly inFlight: number;
  /** How many wait. */
  readonly waiting: number;
  /** Every decision. */
  readonly events: Events<OverloadEvent>;
  /**
   * Resolves with a ticket as soon as it may begin.
   *
   * @example Let in, and hand back
   * ```ts
   * import assert from "node:assert/strict";
   * import { createAdmission } from "@ballast/runtime/overload";
   *
   * const admission = createAdmission({ limit: 1, queue: { maxLength: 0 } });
   * const ticket = await admission.admit({ priority: "critical" });
   * await assert.rejects(admission.admit(), { code: "OVERLOADED", reason: "full" });
   * ticket.done("success");
   * (await admission.admit()).done();
   * admission.close();
   * ```
   * @throws {OverloadError} when it is refused, its `reason` saying why
   * @throws {TypeError} when the priority is none
   */
  admit(request?: AdmissionRequest): Promise<Ticket>;
  /**
   * As `admit`, but at once where nothing has to be waited for, and with a refusal as a value: for paths that are hot under overload.
   *
   * @throws {TypeError} when the priority is none
   */
  ask(request?: AdmissionRequest): Ticket | Refusal | Promise<Ticket | Refusal>;
  /** What it does, as plain JSON. */
  snapshot(): AdmissionSnapshot;
  /** Refuses all that wait and all that come. What runs is not touched. Safe to call twice. */
  close(): void;
}

/**
 * Makes what lets things in.
 *
 * @throws {TypeError | RangeError} when an option makes no sense
 */
export function createAdmission(options: AdmissionOptions = {}): Admission {
  return new LiveAdmission(options);
}
