/**
 * The cache behind the signature of Node's `dns.lookup`, as `node:http`, `node:net`, undici, pg, ioredis and most other
 * clients take it.
 *
 * @module
 */

import { BallastError } from "../errors.ts";
import { ResolveError } from "./errors.ts";
import type { Address, Addresses, Family } from "./names.ts";

/**
 * What `dns.lookup` takes. Hints are accepted and not needed: nothing depends on the machine's interfaces. `undefined` is
 * spelled out, as Node's own options have it: so this fits under `exactOptionalPropertyTypes` as well.
 */
export interface LookupOptions {
  /** 0 (both), 4 or 6. @default 0 */
  readonly family?: number | "IPv4" | "IPv6" | null | undefined;
  /** Whether the callback gets all addresses, as `{ address, family }`. @default false */
  readonly all?: boolean | undefined;
  /** Which family comes first. `verbatim` is the order of the cache, IPv4 first. @default "verbatim" */
  readonly order?: "verbatim" | "ipv4first" | "ipv6first" | undefined;
  /** Older spelling of `order`; accepted, without effect. */
  readonly verbatim?: boolean | undefined;
  /** Accepted, without effect. */
  readonly hints?: number | undefined;
}

/** One entry of a lookup's answer. */
export interface LookupAddress {
  /** An IP literal. */
  address: string;
  /** 4 or 6. */
  family: number;
}

/** A failure as Node's own clients expect it. */
export interface LookupError extends Error {
  /** `ENOTFOUND`; `ETIMEOUT` and `EAI_AGAIN` where another try may help. */
  readonly code: string;
  /** What Node's own errors say. */
  readonly syscall: "getaddrinfo";
  /** The name that was looked up. */
  readonly hostname: string;
}

/** The callback of {@linkcode Lookup}: one address and its family, or with `all` a list. */
export type LookupCallback = (
  error: LookupError | null,
  // deno-lint-ignore no-explicit-any -- string, or LookupAddress[] with `all`: Node's own type says any
  address?: any,
  family?: number,
) => void;

/** A drop-in for `dns.lookup`. It needs no `this`. The callback is always called later, never within the call. */
export interface Lookup {
  (hostname: string, callback: LookupCallback): void;
  (hostname: string, options: LookupOptions | number | null | undefined, callback: LookupCallback): void;
}

/** What {@linkcode createLookup} stands on. */
export interface LookupSource {
  peek(name: string, options: { family: Family }): Addresses | undefined;
  resolve(name: string, options: { family: Family }): Promise<Addresses>;
  /** A number in [0, 1). */
  random(): number;
}

/** Makes a {@linkcode Lookup}. Without `all` it takes one of the addresses of the first family, at random. */
export function createLookup(source: LookupSource): Lookup {
  function answer(
    addresses: readonly Address[],
    options: LookupOptions | undefined,
    callback: LookupCallback,
  ): void {
    const ordered = inOrder(addresses, options?.order);
    if (options?.all) return callback(null, ordered.map(({ address, family }) => ({ address, family })));
    let last = 1;
    while (last < ordered.length && ordered[last]!.family === ordered[0]!.family) last++;
    const { address, family } = ordered[last === 1 ? 0 : Math.floor(source.random() * last)]!;
    callback(null, address, family);
  }

  return (hostname: string, second: unknown, third?: LookupCallback): void => {
    const callback = (third ?? second) as LookupCallback;
    if (typeof callback !== "function") throw new TypeError("lookup needs a callback");
    const options = readOptions(third === undefined ? undefined : second);
    const family = readFamily(options?.family);
    const held = source.peek(hostname, { family });
    if (held !== undefined) return queueMicrotask(() => answer(held, options, callback));
    source.resolve(hostname, { family }).then(
      // Out of the promise: what a callback throws is the callback's, as with Node's own lookup.
      (addresses) => queueMicrotask(() => answer(addresses, options, callback)),
      (error) => queueMicrotask(() => callback(lookupError(hostname, error))),
    );
  };
}

function readOptions(given: unknown): LookupOptions | undefined {
  if (typeof given === "number") return { family: given };
  if (given === null || given === undefined || typeof given === "object") return given ?? undefined;
  throw new TypeError(`lookup's options must be an object or a family, got ${String(given)}`);
}

function readFamily(family: LookupOptions["family"]): Family {
  switch (family) {
    case undefined:
    case null:
    case 0:
      return 0;
    case 4:
    case "IPv4":
      return 4;
    case 6:
    case "IPv6":
      return 6;
    default:
      throw new TypeError(`family must be 0, 4 or 6, got ${String(family)}`);
  }
}

function inOrder(addresses: readonly Address[], order: LookupOptions["order"]): readonly Address[] {
  if (order !== "ipv6first" || addresses[0]?.family === 6) return addresses;
  return [...addresses].sort((a, b) => b.family - a.family);
}

function lookupError(hostname: string, cause: unknown): LookupError {
  const code = codeOf(cause);
  const error = new Error(`getaddrinfo ${code} ${hostname}`, { cause });
  return Object.assign(error, { code, syscall: "getaddrinfo" as const, hostname });
}

function codeOf(error: unknown): string {
  // What a signal was aborted with may be anything.
  if (!(error instanceof BallastError)) return "ECANCELLED";
  if (error.code === "CLOSED") return "ECANCELLED";
  if (error.code === "TIMEOUT") return "ETIMEOUT";
  if (!(error instanceof ResolveError)) return "ENOTFOUND";
  if (error.timedOut) return "ETIMEOUT";
  return error.data.verdict === "ambiguous" ? "ENOTFOUND" : "EAI_AGAIN";
}
