/**
 * What a part that lets things in tells of.
 *
 * @module
 */

import type { RefusalReason } from "./errors.ts";
import type { TicketOutcome } from "./limiter.ts";
import type { Priority } from "./priority.ts";

/** Something was decided, or changed. Times are in milliseconds. */
export type OverloadEvent =
  /** It may begin. */
  | { readonly type: "admitted"; readonly priority: Priority; readonly waitedMs: number }
  /** It has to wait. */
  | { readonly type: "queued"; readonly priority: Priority; readonly waiting: number }
  /** It was not let in. */
  | {
    readonly type: "refused";
    readonly priority: Priority;
    readonly reason: RefusalReason;
    readonly waitedMs: number;
  }
  /** It is done. */
  | { readonly type: "done"; readonly outcome: TicketOutcome; readonly tookMs: number }
  /** As many may run at a time from now on. */
  | { readonly type: "limit"; readonly limit: number; readonly before: number }
  /** More comes than is served, or no longer. */
  | { readonly type: "overloaded"; readonly overloaded: boolean };
