/**
 * The error of what was not let in.
 *
 * @module
 */

import { BallastError, type BallastErrorCode } from "../errors.ts";
import type { Priority } from "./priority.ts";

/**
 * Why something was not let in:
 *
 * - `full`: no room to wait, and others were more worth keeping;
 * - `age`: it had waited too long;
 * - `deadline`: it could not be done within the time that is left;
 * - `expired`: its deadline had passed already;
 * - `cancelled`: nobody wanted it any longer;
 * - `closed`: nothing is let in any more.
 */
export type RefusalReason = "full" | "age" | "deadline" | "expired" | "cancelled" | "closed";

/** All of them. */
export const REFUSAL_REASONS: readonly RefusalReason[] = [
  "full",
  "age",
  "deadline",
  "expired",
  "cancelled",
  "closed",
];

const CODES: Readonly<Record<RefusalReason, BallastErrorCode>> = {
  full: "OVERLOADED",
  age: "OVERLOADED",
  deadline: "OVERLOADED",
  expired: "TIMEOUT",
  cancelled: "CANCELLED",
  closed: "CLOSED",
};

const TEXTS: Readonly<Record<RefusalReason, string>> = {
  full: "no room to wait",
  age: "it waited too long",
  deadline: "it cannot be done in the time left",
  expired: "its deadline has passed",
  cancelled: "it is no longer wanted",
  closed: "it is closed",
};

/** What is known of something that was not let in. */
export interface Refusal {
  /** Tells it from a ticket. */
  readonly admitted: false;
  /** Why. */
  readonly reason: RefusalReason;
  /** How much it mattered. */
  readonly priority: Priority;
  /** How long it had waited, in milliseconds. */
  readonly waitedMs: number;
}

/** Something was not let in: code `OVERLOADED`, or `TIMEOUT`, `CANCELLED`, `CLOSED` by its reason. */
export class OverloadError extends BallastError {
  /** Why. */
  readonly reason: RefusalReason;

  /** Makes the error of a refusal by the part called `name`. */
  constructor(name: string, { reason, priority, waitedMs }: Refusal, options: ErrorOptions = {}) {
    super(CODES[reason], `${name} refused it: ${TEXTS[reason]}`, {
      ...options,
      retryable: reason === "full" || reason === "age" || reason === "deadline",
      data: { reason, priority, waitedMs },
    });
    this.reason = reason;
  }
}
