/**
 * Overload control: a limit that adapts to measured latency, a queue that refuses what waits for nothing, priorities, deadlines,
 * fairness between clients.
 *
 * @example In front of a Hono app
 * ```ts
 * import assert from "node:assert/strict";
 * import { createShedder } from "@ballast/runtime/overload";
 * import { Hono } from "hono";
 *
 * const shedder = createShedder({ priority: (request) => request.method === "GET" ? "normal" : "critical" });
 * const app = new Hono();
 * app.use(shedder.middleware());
 * app.get("/", (c) => c.text("hello"));
 * assert.equal((await app.request("/")).status, 200);
 * assert.equal(shedder.snapshot().inFlight, 0);
 * shedder.close();
 * ```
 *
 * @module
 */

// In front of a server
export { createShedder } from "./shedder.ts";
export type {
  SheddedContext,
  Shedder,
  ShedderMiddleware,
  ShedderOptions,
  ShedderSnapshot,
} from "./shedder.ts";
export type { ShedRequestOptions } from "./requests.ts";

// In front of anything: the same language
export { createAdmission } from "./admission.ts";
export type { Admission, AdmissionOptions, AdmissionRequest, Ticket } from "./admission.ts";
export type { AdmissionSnapshot, AdmittedCount, OverloadPoint, RefusalCount } from "./ledger.ts";
export type { ClientSnapshot } from "./clients.ts";
export type { OverloadEvent } from "./events.ts";
export { OverloadError, type Refusal, type RefusalReason } from "./errors.ts";
export { PRIORITIES, type Priority } from "./priority.ts";

// The parts
export { createLimiter } from "./limiter.ts";
export type { Limiter, LimiterOptions, LimiterSnapshot, TicketOutcome } from "./limiter.ts";
export { createQueue } from "./queue.ts";
export type { BoundedQueue, Entry, EntryOptions, QueueOptions, QueueRefusal, Refuse } from "./queue.ts";
