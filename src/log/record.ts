/**
 * What a log keeps: plain JSON, bounded in size, however large or strange the things that were logged.
 *
 * @module
 */

/** How much a record matters. */
export type Level = "debug" | "info" | "warn" | "error";

/** The levels, the least first. */
export const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** What is let through: records of this level and above, or none. */
export type Threshold = Level | "off";

/** The place of each in their order, for a quick comparison. */
export const RANK: Readonly<Record<Threshold, number>> = { debug: 0, info: 1, warn: 2, error: 3, off: 4 };

/** What a record is about: any values by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** A field as it is kept. */
export type FieldValue = string | number | boolean | null;

/** How a transaction ended. */
export type Outcome = "success" | "failure";

/** An error as it is kept. */
export interface LoggedError {
  /** Its class. */
  readonly name: string;
  /** Its text. */
  readonly message: string;
  /** Its code, where it has one: `ECONNREFUSED`, `TIMEOUT`. */
  readonly code?: string;
  /** What it came from, where it says so: of an `AggregateError` the first. At most four in a row. */
  readonly cause?: LoggedError;
}

/** One thing that happened: plain JSON, so that it can be sent to another thread or process and taken in there. */
export interface LogRecord {
  /** When, in milliseconds since the epoch: for a transaction, when it ended. */
  readonly at: number;
  /** How much it matters. */
  readonly level: Level;
  /** Who says so: `["ballast", "dns"]`. */
  readonly category: readonly string[];
  /** What happened, in one line. */
  readonly message: string;
  /** What it was about: primitives as they are, everything else as a short text. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** The kind of transaction: `dns.query`. */
  readonly event?: string;
  /** How long the transaction took. */
  readonly durationMs?: number;
  /** How the transaction ended. */
  readonly outcome?: Outcome;
  /** Why the transaction failed. */
  readonly error?: LoggedError;
  /** So many more like this one were counted, and not kept. */
  readonly suppressed?: number;
}
