/**
 * `pooledMap`, `deadline` and `retry` of `@std/async` around the DNS cache, and what of each the cache does by itself.
 *
 * @module
 */

import { type Addresses, BallastError, type DnsCache } from "@ballast/runtime";
import { deadline, pooledMap, retry } from "@std/async";

/** What came of one name. */
export type Resolved =
  | { readonly name: string; readonly addresses: Addresses }
  | { readonly name: string; readonly error: unknown };

/**
 * Resolves names, `width` of them at a time, and gives what came of each in their order.
 *
 * An error would end the whole map, so it becomes a result. To have names warm from the start, `dns.preresolve` is enough:
 * it is bounded and reports failures as well, and keeps the names warm from then on.
 */
export function resolveEach(dns: DnsCache, names: Iterable<string>, width: number): AsyncIterable<Resolved> {
  return pooledMap(width, names, (name) =>
    dns.resolve(name).then(
      (addresses): Resolved => ({ name, addresses }),
      (error: unknown): Resolved => ({ name, error }),
    ));
}

/**
 * Asks for the addresses of a name anew and waits for them no longer than `timeoutMs`; after that, those that are held are
 * good enough.
 *
 * `deadline` ends this wait and nothing else: the query goes on for everybody who shares it, and its answer is there for the
 * next caller. Calls that take a signal need no `deadline`: `dns.resolve(name, { signal: AbortSignal.timeout(200) })`.
 *
 * @throws {DOMException} `TimeoutError` when time is up and nothing is held
 */
export async function newest(dns: DnsCache, name: string, timeoutMs: number): Promise<Addresses> {
  try {
    return await deadline(dns.refresh(name), timeoutMs);
  } catch (error) {
    const held = dns.peek(name);
    if (held === undefined) throw error;
    return held;
  }
}

/**
 * Resolves a name that may not be there yet: `attempts` times in all, and only while trying again makes sense.
 *
 * The cache answers from its memory of a failure for `failureMs`, 1 s by default: within that time a retry would learn
 * nothing new. So the first wait is longer, and without jitter, which would shorten it. There is no herd to spread:
 * callers of one cache share the query.
 *
 * @throws {NameNotFoundError} at once, when the name is known not to exist
 * @throws {RetryError} after the last attempt, with its error as the cause
 */
export function resolvePersistently(dns: DnsCache, name: string, attempts: number): Promise<Addresses> {
  return retry(() => dns.resolve(name), {
    maxAttempts: attempts,
    minTimeout: 1_100,
    jitter: 0,
    isRetriable: (error) => error instanceof BallastError && error.retryable,
  });
}
