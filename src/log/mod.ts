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
export type { Log, LogOptions } from "./log.ts";
export type { LogSnapshot } from "./log_snapshot.ts";
export type { LogEvent } from "./core.ts";
export type { RecentOptions } from "./journal.ts";
export type { SamplingOptions } from "./sampler.ts";
export type { CategoryName } from "./levels.ts";
export type { Transaction, TransactionOptions } from "./transaction.ts";

// What is kept.
export type { Fields, FieldValue, Level, LoggedError, LogRecord, Outcome, Threshold } from "./record.ts";

// What is not: secrets.
export { createRedactor } from "./redact.ts";
export type { RedactOptions, Redactor } from "./redact.ts";

// Where it goes.
export type { LineLogger, Logger, LogTapeLevel, LogTapeLogger, LogTapeRecord } from "./target.ts";
export type { Sink, SinkLevel, SinkRecord } from "./sink.ts";
export { consoleSink } from "./console_sink.ts";
export type { ConsoleSinkOptions } from "./console_sink.ts";

// How it reads.
export { textFormatter } from "./text_formatter.ts";
export type { TextFormatterOptions } from "./text_formatter.ts";
export { jsonFormatter } from "./json_formatter.ts";
export type { Formatter } from "./sink.ts";
export { formatRecord } from "./format.ts";
