/**
 * Errors as they cross between threads: structured cloning keeps neither their class nor their code.
 *
 * @module
 */

import { BallastError, type BallastErrorCode, errorMessage } from "../errors.ts";

/** An error, or anything else that was thrown, as plain data. */
export type WireError =
  | {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly code?: string | number;
    readonly cause?: WireError;
    /** Of an `AggregateError`. */
    readonly errors?: readonly WireError[];
    /** What a `BallastError` has beside that. */
    readonly ballast?: { readonly retryable: boolean; readonly data: Readonly<Record<string, unknown>> };
  }
  /** Something that is no error. */
  | { readonly thrown: unknown };

/** Causes of causes, and errors of aggregates, are followed so far. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 32;

/** The classes that are made again on the other side. */
const CLASSES: Readonly<Record<string, new (message: string, options?: ErrorOptions) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Takes an error apart. Never throws, whatever was thrown. */
export function encodeError(error: unknown, depth = 0): WireError {
  try {
    if (isDomException(error)) return { name: error.name, message: error.message, code: error.code };
    if (!(error instanceof Error)) return { thrown: cloneable(error) };
    const { name, message, stack, cause } = error;
    const { code, errors } = error as { code?: unknown; errors?: unknown };
    const deeper = depth < MAX_DEPTH;
    return {
      name: String(name),
      message: String(message),
      stack: typeof stack === "string" ? stack : undefined,
      code: typeof code === "string" || typeof code === "number" ? code : undefined,
      cause: cause === undefined || !deeper ? undefined : encodeError(cause, depth + 1),
      errors: Array.isArray(errors) && deeper
        ? errors.slice(0, MAX_ERRORS).map((each) => encodeError(each, depth + 1))
        : undefined,
      ballast: error instanceof BallastError
        ? { retryable: error.retryable, data: cloneable(error.data) as Readonly<Record<string, unknown>> }
        : undefined,
    };
  } catch {
    return { name: "Error", message: errorMessage(error) };
  }
}

/** Puts an error together again. */
export function decodeError(wire: WireError): unknown {
  if ("thrown" in wire) return wire.thrown;
  const { name, message, stack, code, cause } = wire;
  const options = cause === undefined ? undefined : { cause: decodeError(cause) };
  const error = make(wire, options);
  if (error.name !== name) define(error, "name", name);
  if (stack !== undefined) define(error, "stack", stack);
  if (code !== undefined && (error as { code?: unknown }).code === undefined) define(error, "code", code);
  define(error, "message", message);
  return error;
}

function make(
  { name, message, code, errors, ballast }: Exclude<WireError, { thrown: unknown }>,
  options: ErrorOptions | undefined,
): Error {
  if (ballast !== undefined) {
    return new BallastError(code as BallastErrorCode, message, { ...options, ...ballast });
  }
  if (errors !== undefined) return new AggregateError(errors.map(decodeError), message, options);
  if (isDomCode(name, code)) return new DOMException(message, name);
  return new (CLASSES[name] ?? Error)(message, options);
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

function isDomException(error: unknown): error is DOMException {
  return typeof DOMException === "function" && error instanceof DOMException;
}

/** A DOMException's code is a number, and its name one of the web's: `AbortError`. */
function isDomCode(name: string, code: unknown): boolean {
  return typeof code === "number" && /^[A-Z][A-Za-z]+Error$/.test(name) && CLASSES[name] === undefined &&
    typeof DOMException === "function";
}

function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return errorMessage(value);
  }
}
