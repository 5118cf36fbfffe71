/**
 * Structured, transactional logging: each thing that takes time gives one record and one timing, whether it
 * ends well or badly. Records go to LogTape, or to a logger of the program's own, and the recent ones can be
 * looked at.
 *
 * @example Log and time a call
 * ```ts
 * import assert from "node:assert/strict";
 * import { createLog } from "@ballast/runtime/log";
 *
 * const log = createLog({ category: ["shop"] });
 * const payment = log.begin("payment", { customer: 42 });
 * payment.failure(new Error("card expired"), { outcome: "declined" });
 * const [record] = log.recent({ level: "warn" });
 * assert.equal(record?.message, "payment failed: card expired");
 * assert.deepEqual(record?.fields, { customer: 42, outcome: "declined" });
 * ```
 *
 * @module
 */

export { createLog } from "./log.ts";
export type { Log, LogOptions, LogSnapshot } from "./log.ts";
export type { RecentOptions } from "./journal.ts";
export type { Transaction, TransactionOptions } from "./transaction.ts";

// What is kept.
export { formatRecord } from "./format.ts";
export type { Fields, FieldValue, Level, LoggedError, LogRecord, Outcome } from "./record.ts";

// Where it goes.
export type { LineLogger, LogTapeLevel, LogTapeLogger, LogTapeRecord } from "./target.ts";
