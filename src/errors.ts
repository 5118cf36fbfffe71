/**
 * One error class for everything Ballast reports, told apart by `code`.
 *
 * Bad arguments are `TypeError` or `RangeError`, as in the platform itself; {@linkcode checkNumber} and
 * {@linkcode checkInteger} write their texts: the value given and the value wanted.
 *
 * @module
 */

/** What went wrong, for programs: stable across releases, unlike an error's text. */
export type BallastErrorCode =
  | "CANCELLED"
  | "CHILD_FAILED"
  | "CLOSED"
  | "CONNECT_FAILED"
  | "CONNECTION_ENDED"
  | "INVALID_NAME"
  | "INVALID_SNAPSHOT"
  | "LEASE_ENDED"
  | "LISTEN_FAILED"
  | "MESSAGE_TOO_LONG"
  | "NAME_NOT_FOUND"
  | "NO_CONTEXT"
  | "OUT_OF_CONNECTIONS"
  | "OVERLOADED"
  | "QUEUE_FULL"
  | "RESOLVE_FAILED"
  | "TIMEOUT"
  | "UNKNOWN_ACTION"
  | "UNKNOWN_ENDPOINT"
  | "UNSUPPORTED"
  | "WORKER_LOST"
  | "WORKER_START_FAILED";

/** What a {@linkcode BallastError} carries beside its text. */
export interface BallastErrorOptions extends ErrorOptions {
  /** Whether the same call may succeed later. @default false */
  readonly retryable?: boolean;
  /** Facts for programs and logs: plain JSON. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * An error of Ballast's own.
 *
 * @example Tell errors apart by code
 * ```ts
 * import assert from "node:assert/strict";
 * import { BallastError } from "@ballast/runtime";
 *
 * const error = new BallastError("TIMEOUT", "db-r did not answer in 200 ms", { retryable: true });
 * assert.equal(error.code, "TIMEOUT");
 * assert.equal(error.retryable, true);
 * ```
 */
export class BallastError extends Error {
  /** What went wrong, for programs. */
  readonly code: BallastErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Facts for programs and logs: plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;

  /** Makes an error with a stable `code` and a text that says what happened and what to do. */
  constructor(code: BallastErrorCode, message: string, options: BallastErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.data = options.data ?? {};
  }
}

/** The text of anything thrown: never throws itself, whatever was thrown. */
export function errorMessage(error: unknown): string {
  try {
    return error instanceof Error ? error.message || error.name : String(error);
  } catch {
    return "an error that cannot be shown";
  }
}

/** The bounds that {@linkcode checkNumber} and {@linkcode checkInteger} hold a value to. */
export interface NumberBounds {
  /** Smallest value allowed. @default 0 */
  readonly min?: number;
  /** Largest value allowed. @default Infinity */
  readonly max?: number;
}

/**
 * Returns `value` when it is a number within the bounds.
 *
 * @throws {TypeError} when it is no number
 * @throws {RangeError} when it is NaN or out of bounds
 */
export function checkNumber(name: string, value: unknown, bounds: NumberBounds = {}): number {
  const { min = 0, max = Infinity } = bounds;
  const wanted = max === Infinity ? `a number >= ${min}` : `a number from ${min} to ${max}`;
  if (typeof value !== "number") throw new TypeError(`${name} must be ${wanted}, got ${show(value)}`);
  if (!(value >= min && value <= max)) throw new RangeError(`${name} must be ${wanted}, got ${value}`);
  return value;
}

/**
 * Returns `value` when it is a whole number within the bounds.
 *
 * @throws {TypeError} when it is no number
 * @throws {RangeError} when it is fractional, NaN or out of bounds
 */
export function checkInteger(name: string, value: unknown, bounds: NumberBounds = {}): number {
  const number = checkNumber(name, value, bounds);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${name} must be a whole number, got ${number}`);
  return number;
}

/** A value as it reads in an error text: short, quoted, never throwing. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
