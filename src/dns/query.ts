/**
 * One lookup of one record: as many attempts as it takes, each timed, logged and counted.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError, errorMessage } from "../errors.ts";
import type { Log } from "../log/mod.ts";
import type { DnsAnswer, RecordType } from "../platform/port.ts";
import { abortable, deadlineSignal, type DerivedSignal } from "../signal.ts";
import type { Failure, Outcome } from "./entry.ts";
import { parseLiteral } from "./name.ts";
import type { Resolver } from "./resolver.ts";
import type { Servers, ServerState } from "./servers.ts";

/** What a lookup needs. */
export interface QueryOptions {
  readonly resolver: Resolver;
  readonly servers: Servers;
  readonly clock: Clock;
  readonly log: Log;
  /** Time for one attempt. */
  readonly timeoutMs: number;
  /** Attempts in one lookup. */
  readonly attempts: number;
  /** Why the cache is closed, once it is: no attempt begins after that. */
  readonly closed: () => BallastError | undefined;
  /**
   * The attempts under way, for `close()` to abort: a listener each on one signal would look like a leak to Node. Not those that
   * belong to requests: no other request may abort them.
   */
  readonly open: Set<DerivedSignal>;
}

/** How one lookup differs from another. */
export interface LookupKind {
  /** Nobody waits for it: it may try a server that was down, and keeps no process alive. */
  readonly background: boolean;
  /** Addresses are held: only a second, equal answer may say that they are gone. */
  readonly confirm: boolean;
  /** Aborts when nobody waits for it any longer. */
  readonly signal?: AbortSignal;
}

/** The last attempt for a record, for pages. */
export interface Attempt {
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Who was asked. */
  readonly server: string;
  /** The verdict, or `timeout`. */
  readonly outcome: string;
  /** How long it took. */
  readonly tookMs: number;
}

/** Looks up records. The promise rejects only when the cache closes, or the lookup is given up. */
export type Query = (
  name: string,
  type: RecordType,
  kind: LookupKind,
) => Promise<{ readonly outcome: Outcome; readonly attempt: Attempt }>;

/** One attempt is a detail, well or badly ended: what follows from it is logged by the cache. */
const TRANSACTION = { labels: ["server", "type"], failure: "debug" } as const;

/** Makes the lookup that the cache calls. */
export function createQuery(options: QueryOptions): Query {
  const { servers, attempts } = options;

  return async (name, type, kind) => {
    const order = servers.order(kind.background);
    const tried = new Set<ServerState>();
    let denial: Outcome | undefined;
    let last: { outcome: Outcome; attempt: Attempt } | undefined;
    for (let turn = 0; turn < attempts || denial !== undefined; turn++) {
      const server = order[turn % order.length]!;
      // A server that answered, however badly, would say the same again; one that was silent may not.
      if (tried.has(server) && last !== undefined && !isTimeout(last.outcome) && denial === undefined) break;
      tried.add(server);
      last = await attempt(options, name, type, server, kind);
      const { outcome } = last;
      if (outcome.verdict === "addresses") return last;
      if (isFailure(outcome)) {
        if (denial !== undefined) return { ...last, outcome: unconfirmed(denial, outcome) };
      } else if (!kind.confirm || denial !== undefined) return last;
      else denial = outcome;
    }
    return last!;
  };
}

async function attempt(
  { resolver, servers, clock, log, timeoutMs, closed, open }: QueryOptions,
  name: string,
  type: RecordType,
  server: ServerState,
  { background, signal: wanted }: LookupKind,
): Promise<{ outcome: Outcome; attempt: Attempt }> {
  throwIf(closed());
  wanted?.throwIfAborted();
  const what = `the reply of ${server.label}`;
  const ofRequest = clock.catchUp !== undefined;
  const deadline = deadlineSignal(timeoutMs, {
    clock,
    what,
    signal: wanted,
    keepAlive: !background || ofRequest,
  });
  if (!ofRequest) open.add(deadline);
  const transaction = log.begin("dns.query", { name, type, server: server.label }, TRANSACTION);
  const options = { server: server.server, timeoutMs, signal: deadline.signal };
  let outcome: Outcome;
  try {
    outcome = checked(await abortable(ask(resolver, name, type, options), deadline.signal), type);
  } catch (error) {
    if (closed()) {
      transaction.failure(error, { outcome: "closed" });
      throw error;
    }
    // That nobody waits says nothing of the server.
    if (wanted?.aborted) {
      transaction.failure(error, { outcome: "given up" });
      throw error;
    }
    const timedOut = deadline.signal.aborted;
    outcome = {
      verdict: "failed",
      reason: errorMessage(timedOut ? deadline.signal.reason : error),
      timedOut,
    };
  } finally {
    open.delete(deadline);
    deadline.release();
  }
  const label = isTimeout(outcome) ? "timeout" : outcome.verdict;
  if (isFailure(outcome)) {
    transaction.failure(new BallastError("RESOLVE_FAILED", outcome.reason), { outcome: label });
  } else transaction.success({ outcome: label, addresses: addressCount(outcome) });
  // An ambiguous answer is an answer: it says nothing against the server.
  if (isFailure(outcome) && outcome.verdict === "failed") servers.failed(server, name, outcome);
  else servers.succeeded(server);
  return {
    outcome,
    attempt: { at: clock.now(), server: server.label, outcome: label, tookMs: transaction.elapsedMs },
  };
}

function throwIf(error: Error | undefined): void {
  if (error !== undefined) throw error;
}

/** A resolver that throws instead of rejecting is heard all the same. */
async function ask(resolver: Resolver, ...args: Parameters<Resolver["query"]>): Promise<DnsAnswer> {
  return await resolver.query(...args);
}

/** What a resolver gave, held to its contract and copied: it may be anybody's. */
function checked(answer: DnsAnswer, type: RecordType): Outcome {
  switch (answer?.verdict) {
    case "addresses": {
      const addresses = answer.addresses.map((address) => parseLiteral(address));
      if (addresses.length === 0) return { verdict: "empty" };
      const family = type === "A" ? 4 : 6;
      if (addresses.some((literal) => literal?.family !== family)) {
        return failure(`the resolver gave no valid ${type} record`);
      }
      return {
        verdict: "addresses",
        addresses: addresses.map((literal) => literal!.address),
        ttlMs: ttlOf(answer.ttlMs),
      };
    }
    case "nonexistent":
    case "empty":
      return { verdict: answer.verdict, ttlMs: ttlOf(answer.ttlMs) };
    case "failed":
    case "ambiguous":
      return {
        verdict: answer.verdict,
        reason: answer.reason ?? "the resolver gave no reason",
        timedOut: answer.timedOut ?? false,
      };
    default:
      return failure("the resolver gave no verdict");
  }
}

/** A TTL that is none is none. */
function ttlOf(ttlMs: number | undefined): number | undefined {
  return typeof ttlMs === "number" && ttlMs >= 0 && ttlMs < Infinity ? ttlMs : undefined;
}

function failure(reason: string): Failure {
  return { verdict: "failed", reason, timedOut: false };
}

function unconfirmed(denial: Outcome, second: Failure): Failure {
  return {
    ...second,
    reason: `one answer said ${denial.verdict}, the next did not confirm it: ${second.reason}`,
  };
}

/** Whether the outcome says nothing about the name. */
export function isFailure(outcome: Outcome): outcome is Failure {
  return outcome.verdict === "failed" || outcome.verdict === "ambiguous";
}

function isTimeout(outcome: Outcome): boolean {
  return isFailure(outcome) && outcome.timedOut;
}

function addressCount(outcome: Outcome): number {
  return outcome.verdict === "addresses" ? outcome.addresses.length : 0;
}
