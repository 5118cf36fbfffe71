/**
 * The errors that callers of the cache catch, and which one a name deserves.
 *
 * @module
 */

import { BallastError, type BallastErrorOptions } from "../errors.ts";
import type { Failure } from "./entry.ts";
import type { CachedName, DnsRecord } from "./names.ts";

/** The name is known not to exist, or to have no address of the family asked for. Asking again soon is no use. */
export class NameNotFoundError extends BallastError {
  /** The name, as it was queried. */
  readonly hostname: string;

  /** Made by the cache. */
  constructor(hostname: string, message: string, options: BallastErrorOptions = {}) {
    super("NAME_NOT_FOUND", message, options);
    this.hostname = hostname;
  }
}

/** No answer was to be had, and none was held. It may be there a moment later. */
export class ResolveError extends BallastError {
  /** The name, as it was queried. */
  readonly hostname: string;
  /** Whether the last attempt ran out of time, instead of being answered with a failure. */
  readonly timedOut: boolean;

  /** Made by the cache. */
  constructor(hostname: string, message: string, options: BallastErrorOptions & { timedOut?: boolean } = {}) {
    super("RESOLVE_FAILED", message, { retryable: true, ...options });
    this.hostname = hostname;
    this.timedOut = options.timedOut ?? false;
  }
}

const UNKNOWN: Failure = { verdict: "failed", reason: "its answer has just expired", timedOut: false };

/** The error for a name of which nothing is held: what its records say. */
export function failureOf({ name }: CachedName, records: readonly DnsRecord[]): BallastError {
  const entries = records.map((record) => record.entry);
  if (entries.some((entry) => entry.state === "absent" && entry.verdict === "nonexistent")) {
    return new NameNotFoundError(name, `${name} does not exist`, { data: { verdict: "nonexistent" } });
  }
  if (entries.every((entry) => entry.state === "absent")) {
    const types = records.map((record) => record.type).join(" or ");
    return new NameNotFoundError(name, `${name} has no ${types} record`, { data: { verdict: "empty" } });
  }
  // The memory of a failure may have ended while the other record was waited for: it failed all the same.
  const failures = records.flatMap(({ failures, lastFailure }) =>
    failures > 0 && lastFailure ? [lastFailure] : []
  );
  const failure = failures.find(({ verdict }) => verdict === "failed") ?? failures[0] ?? UNKNOWN;
  return new ResolveError(name, failureText(name, failure), {
    timedOut: failure.timedOut,
    data: { verdict: failure.verdict, reason: failure.reason },
  });
}

function failureText(name: string, { verdict, reason }: Failure): string {
  if (verdict === "failed") return `${name} could not be resolved: ${reason}`;
  return `${name} could not be resolved: it does not exist, has no address, or its name servers fail ` +
    `(this resolver cannot tell which): ${reason}`;
}
