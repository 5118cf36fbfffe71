/**
 * Ballast: the operational runtime for services on Deno, Node, Bun and the edge.
 *
 * @example A service whose requests never wait for DNS
 * ```ts
 * import assert from "node:assert/strict";
 * import { createRuntime } from "@ballast/runtime";
 *
 * await using runtime = createRuntime({ name: "shop", dns: { hosts: { "users.internal": ["10.0.0.4"] } } });
 * await runtime.ready();
 * const [{ address }] = await runtime.dns.resolve("users.internal");
 * assert.equal(address, "10.0.0.4");
 * ```
 *
 * @module
 */

// The runtime
export {
  createRuntime,
  type ReadyReport,
  type Runtime,
  type RuntimeOptions,
  type RuntimeState,
} from "./src/runtime.ts";

// Errors
export { BallastError, type BallastErrorCode, type BallastErrorOptions, errorMessage } from "./src/errors.ts";

// Time: deadlines, delays, retries
export { abortable, deadlineSignal, delay, linkSignals, retry } from "./src/signal.ts";
export type { DeadlineOptions, DelayOptions, DerivedSignal, RetryOptions } from "./src/signal.ts";
export { type Clock, type ScheduleOptions, systemClock, type Timer } from "./src/clock.ts";

// Events and reports: what a part says of itself
export { createEvents } from "./src/events.ts";
export type { Events, EventSource, StreamOptions, SubscribeOptions } from "./src/events.ts";
export { createReports, type LocatedFinding, type Reports } from "./src/reports.ts";
export { unknownAction } from "./src/report.ts";
export type { Action, ActionField, Cell, Fact, Finding, Histogram, Report, Reporter } from "./src/report.ts";
export type { ReportTable, Series, Severity, StateMachine, Tone } from "./src/report.ts";

// The parts
export * from "./src/connections/mod.ts";
export * from "./src/context/mod.ts";
export * from "./src/dns/mod.ts";
export * from "./src/log/mod.ts";
export * from "./src/overload/mod.ts";
export * from "./src/stats/mod.ts";
export * from "./src/topology/mod.ts";
export * from "./src/workers/mod.ts";

// What Ballast asks of a runtime
export { detectPlatform } from "./src/platform/detect.ts";
export type * from "./src/platform/port.ts";
export type * from "./src/platform/process_port.ts";
