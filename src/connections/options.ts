/**
 * What a connection manager can be told, and what it assumes when it is not.
 *
 * @module
 */

import { checkInteger, checkNumber, show } from "../errors.ts";
import type { RetryBudgetOptions } from "./budget.ts";
import { type MarkdownOptions, type MarkdownPolicy, markdownPolicy } from "./health.ts";
import type { Lease } from "./lease.ts";
import { parsePlace, type Place, type PlaceOptions } from "./place.ts";
import { checkSrvName } from "./srv.ts";

/** One address of a tier. */
export type TierAddress =
  | string
  | (Exclude<PlaceOptions, string> & {
    /** How much of the traffic it is meant for, beside the others of its tier. @default 1 */
    readonly weight?: number;
  });

/** TLS to an endpoint. Certificates and keys are PEM. */
export interface TlsOptions {
  /** Sent to the server, and what its certificate is verified for. @default the host of the address */
  readonly serverName?: string;
  /** Certificate authorities, in place of the machine's. */
  readonly ca?: string | readonly string[];
  /** The client's certificate. */
  readonly cert?: string;
  /** The client's key. */
  readonly key?: string;
  /** The lowest version that will do. @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** Protocols offered, the best first. */
  readonly alpn?: readonly string[];
  /** Whether any certificate will do: for tests alone. @default false */
  readonly insecure?: boolean;
}

/** How long each phase may take, in milliseconds. */
export interface PhaseTimeouts {
  /** Resolving the names of a tier, where nothing is held. @default 1000 */
  readonly dnsMs?: number;
  /** Connecting to one address. @default 1000, and 50 where the endpoint is `internal` */
  readonly tcpMs?: number;
  /** The TLS handshake with one address. @default 2000 */
  readonly tlsMs?: number;
  /** Waiting for a connection where all are in use. @default 1000 */
  readonly acquireMs?: number;
  /** The endpoint's own `check` or `wrap`. @default 2000 */
  readonly checkMs?: number;
}

/** What is kept of connections that are not in use. */
export interface PoolOptions {
  /** Connections to one address. @default 100 */
  readonly maxPerAddress?: number;
  /** Idle connections kept open to one address whether anybody asks or not: whoever comes first has them, `fetch` included. @default 0 */
  readonly minIdle?: number;
  /** Idle connections kept at most, to one address. @default `maxPerAddress` */
  readonly maxIdle?: number;
  /** An idle connection is closed after this. @default 60000 */
  readonly idleMs?: number;
  /** A connection is not used again after this, give or take a tenth. @default 600000 (10 minutes) */
  readonly maxLifetimeMs?: number;
  /** Callers that may wait for a connection. @default 1000 */
  readonly maxWaiting?: number;
  /** A lease held for longer is reported, once. @default 300000 (5 minutes) */
  readonly heldMs?: number;
}

/** A logical name, and where it leads. */
export interface EndpointOptions {
  /** Addresses, and the fallbacks behind them: a tier is tried when the ones before it are exhausted. This, or `srv`. */
  readonly tiers?: readonly (readonly TierAddress[])[];
  /** A name such as `_postgres._tcp.db.internal`, whose SRV records say the addresses: their priorities are tiers. */
  readonly srv?: string;
  /** Whether to speak TLS, and how. @default false */
  readonly tls?: boolean | TlsOptions;
  /** Whether it is nearby: connecting may take 50 ms. @default false */
  readonly internal?: boolean;
  /** Time limits. */
  readonly timeouts?: PhaseTimeouts;
  /** When an address is taken out of rotation. */
  readonly markdown?: MarkdownOptions;
  /** What is kept open. */
  readonly pool?: PoolOptions;
  /**
   * Asked before an idle connection is used again: false, or what it throws, closes it, and another one is used. For protocols
   * with a ping.
   */
  readonly check?: (lease: Lease) => boolean | Promise<boolean>;
  /**
   * Called with every new connection before anybody uses it: what it gives is the lease's `state` from then on, what it throws
   * closes the connection and counts against the address. For protocols that begin with a handshake, and for clients that pool
   * something richer than a socket. `fetch` uses such an endpoint only where it gives nothing.
   */
  readonly wrap?: (lease: Lease) => unknown;
}

/** Endpoints by name. */
export type EndpointTable = Readonly<Record<string, EndpointOptions>>;

/** An address of a tier, read. */
export interface TierPlace {
  readonly place: Place;
  readonly weight: number;
}

/** {@linkcode EndpointOptions} with nothing left open. */
export interface EndpointSettings {
  readonly tiers: readonly (readonly TierPlace[])[];
  readonly srv: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly timeouts: Required<PhaseTimeouts>;
  readonly markdown: MarkdownPolicy;
  readonly pool: Required<PoolOptions>;
  readonly check: EndpointOptions["check"];
  readonly wrap: EndpointOptions["wrap"];
}

/** Options that hold for every endpoint that does not say otherwise. */
export type EndpointDefaults = Omit<EndpointOptions, "tiers" | "srv" | "check" | "wrap">;

export type { MarkdownOptions, RetryBudgetOptions };

/**
 * Checks an endpoint and fills in the defaults.
 *
 * @throws {TypeError | RangeError} when something in it makes no sense: the text begins with its name
 */
export function endpointSettings(
  name: string,
  given: EndpointOptions,
  defaults: EndpointDefaults = {},
): EndpointSettings {
  if (given === null || typeof given !== "object") {
    throw new TypeError(`endpoint "${name}" must be an object with tiers, got ${show(given)}`);
  }
  try {
    const options = {
      ...defaults,
      ...given,
      timeouts: { ...defaults.timeouts, ...given.timeouts },
      pool: { ...defaults.pool, ...given.pool },
      markdown: { ...defaults.markdown, ...given.markdown },
    };
    const srv = options.srv === undefined ? undefined : checkSrvName(options.srv);
    if (srv !== undefined && options.tiers !== undefined) {
      throw new TypeError("it has tiers and srv: it can have one of them");
    }
    return {
      tiers: srv === undefined ? checkTiers(options.tiers) : [[]],
      srv,
      tls: checkTls(options.tls),
      timeouts: checkTimeouts(options.timeouts, options.internal ?? false),
      markdown: markdownPolicy(options.markdown),
      pool: checkPool(options.pool),
      check: checkFunction("check", options.check),
      wrap: checkFunction("wrap", options.wrap),
    };
  } catch (error) {
    if (error instanceof Error) error.message = `endpoint "${name}": ${error.message}`;
    throw error;
  }
}

function checkTiers(tiers: EndpointOptions["tiers"]): TierPlace[][] {
  if (!Array.isArray(tiers) || tiers.length === 0) {
    throw new TypeError(`tiers must be a list of at least one list of addresses, got ${show(tiers)}`);
  }
  return tiers.map((tier) => {
    if (!Array.isArray(tier) || tier.length === 0) {
      throw new TypeError(`a tier must be a list of at least one address, got ${show(tier)}`);
    }
    return tier.map((address) => ({
      place: parsePlace(address),
      weight: typeof address === "string" ? 1 : checkNumber("weight", address.weight ?? 1, { max: 1e6 }),
    }));
  });
}

/**
 * Checks TLS options; undefined where there is to be no TLS.
 *
 * @throws {TypeError} when they make no sense
 */
export function checkTls(tls: unknown): TlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  if (typeof tls !== "object" || tls === null || Array.isArray(tls)) {
    throw new TypeError(`tls must be true, false or an object, got ${show(tls)}`);
  }
  const { ca = [], cert = [], key = [], minVersion = "TLSv1.2" } = tls as TlsOptions;
  // Not every runtime says so when it cannot read them: some go on without.
  for (const [name, given] of Object.entries({ ca, cert, key })) {
    for (const text of [given].flat()) {
      if (typeof text === "string" && text.includes("-----BEGIN ")) continue;
      throw new TypeError(`tls.${name} must be PEM (-----BEGIN ...), got ${show(text)}`);
    }
  }
  if (minVersion === "TLSv1.2" || minVersion === "TLSv1.3") return tls as TlsOptions;
  throw new TypeError(`tls.minVersion must be "TLSv1.2" or "TLSv1.3", got ${show(minVersion)}`);
}

function checkFunction<F>(name: string, given: F | undefined): F | undefined {
  if (given === undefined || typeof given === "function") return given;
  throw new TypeError(`${name} must be a function, got ${show(given)}`);
}

function checkTimeouts(given: PhaseTimeouts, internal: boolean): Required<PhaseTimeouts> {
  const ms = (name: keyof PhaseTimeouts, otherwise: number) =>
    checkNumber(`timeouts.${name}`, given[name] ?? otherwise, { min: 1, max: 86_400_000 });
  return {
    dnsMs: ms("dnsMs", 1_000),
    tcpMs: ms("tcpMs", internal ? 50 : 1_000),
    tlsMs: ms("tlsMs", 2_000),
    acquireMs: ms("acquireMs", 1_000),
    checkMs: ms("checkMs", 2_000),
  };
}

function checkPool(given: PoolOptions): Required<PoolOptions> {
  const maxPerAddress = checkInteger("pool.maxPerAddress", given.maxPerAddress ?? 100, { min: 1 });
  const maxIdle = checkInteger("pool.maxIdle", given.maxIdle ?? maxPerAddress);
  return {
    maxPerAddress,
    maxIdle,
    minIdle: checkInteger("pool.minIdle", given.minIdle ?? 0, { max: maxIdle }),
    idleMs: checkNumber("pool.idleMs", given.idleMs ?? 60_000),
    maxLifetimeMs: checkNumber("pool.maxLifetimeMs", given.maxLifetimeMs ?? 600_000, { min: 1 }),
    maxWaiting: checkInteger("pool.maxWaiting", given.maxWaiting ?? 1_000),
    heldMs: checkNumber("pool.heldMs", given.heldMs ?? 300_000, { min: 1 }),
  };
}
