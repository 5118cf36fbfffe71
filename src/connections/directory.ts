/**
 * What names lead to: the endpoints of the table, their aliases, and the addresses that were connected to without one.
 *
 * @module
 */

import { parseLiteral } from "../dns/name.ts";
import { BallastError, show } from "../errors.ts";
import { Endpoint, type EndpointContext } from "./endpoint.ts";
import { OutOfConnectionsError } from "./errors.ts";
import {
  type EndpointDefaults,
  type EndpointSettings,
  endpointSettings,
  type EndpointTable,
} from "./options.ts";
import { isPlaceText, parsePlace, type PlaceOptions, placeText } from "./place.ts";
import { type ResolveSrv, watchSrv } from "./srv.ts";

/** What a directory stands on. */
export interface DirectoryContext extends Omit<EndpointContext, "onEmpty"> {
  readonly defaults: EndpointDefaults;
  readonly resolveSrv: ResolveSrv;
}

/** Other names of endpoints. */
export type Aliases = Readonly<Record<string, string>>;

/** Addresses connected to without an endpoint are remembered, up to so many. */
const MAX_ADHOC = 1_000;

/** What names lead to. */
export class Directory {
  aliases: ReadonlyMap<string, string> = new Map();
  readonly #context: DirectoryContext;
  readonly #endpointContext: EndpointContext;
  #endpoints = new Map<string, Endpoint>();
  /** Addresses connected to without an endpoint, the one used last at the end. */
  readonly #adhoc = new Map<string, Endpoint>();
  /** Endpoints that are gone from the table and have connections left. */
  readonly #retired = new Set<Endpoint>();

  constructor(context: DirectoryContext) {
    this.#context = context;
    this.#endpointContext = { ...context, onEmpty: (endpoint) => this.#retired.delete(endpoint) };
  }

  /** Every endpoint there is, those that are being drained included. */
  *all(): Generator<Endpoint> {
    yield* this.#endpoints.values();
    yield* this.#adhoc.values();
    yield* this.#retired;
  }

  /** An endpoint by its name or alias; undefined where there is none. */
  named(name: string): Endpoint | undefined {
    return this.#endpoints.get(name) ?? this.#endpoints.get(this.aliases.get(name) ?? "");
  }

  /**
   * Replaces the table, whole or not at all. Gives the names that it asks for, and whether any endpoint is to be kept warm.
   *
   * @throws {TypeError | RangeError} when something in it makes no sense
   */
  replace(table: EndpointTable, aliases: Aliases): { readonly hosts: string[]; readonly isWarm: boolean } {
    const settings = checkTable(table, aliases, this.#context.defaults);
    const next = new Map<string, Endpoint>();
    for (const [name, wanted] of settings) {
      const known = this.#endpoints.get(name);
      known?.update(wanted);
      const endpoint = known ?? new Endpoint(name, wanted, this.#endpointContext);
      this.#follow(endpoint);
      next.set(name, endpoint);
    }
    const gone = [...this.#endpoints].filter(([name]) => !next.has(name));
    this.#endpoints = next;
    this.aliases = new Map(Object.entries(aliases));
    for (const [, endpoint] of gone) {
      this.#retired.add(endpoint);
      endpoint.retire();
      if (endpoint.backends.size === 0) this.#retired.delete(endpoint);
    }
    const all = [...settings.values()];
    return { hosts: all.flatMap(hostsOf), isWarm: all.some(({ pool }) => pool.minIdle > 0) };
  }

  /**
   * The endpoint meant by a name, an alias or an address.
   *
   * @throws {BallastError} `UNKNOWN_ENDPOINT`
   * @throws {TypeError | RangeError} for an address that is none
   */
  find(to: PlaceOptions): Endpoint {
    if (typeof to === "string") {
      const known = this.#adhoc.get(to);
      if (known !== undefined) return this.#touch(to, known);
      if (!isPlaceText(to)) {
        const message = `there is no endpoint ${
          show(to)
        }: add it to endpoints, or give an address such as "${to}:5432"`;
        throw new BallastError("UNKNOWN_ENDPOINT", message, { data: { endpoint: to } });
      }
    }
    const place = parsePlace(to);
    const text = placeText(place);
    const known = this.#adhoc.get(text);
    if (known !== undefined) return this.#touch(text, known);
    if (this.#adhoc.size >= MAX_ADHOC && !this.#dropAdhoc()) {
      throw new OutOfConnectionsError(text, `${MAX_ADHOC} other addresses are in use`, {});
    }
    const settings = endpointSettings(
      text,
      { tiers: [[place.transport === "unix" ? place : { ...place }]] },
      this.#context.defaults,
    );
    const made = new Endpoint(text, settings, this.#endpointContext);
    this.#adhoc.set(text, made);
    return made;
  }

  /** Ends what goes on by itself. */
  close(): void {
    for (const { srv } of this.#endpoints.values()) srv?.close();
  }

  #touch(text: string, endpoint: Endpoint): Endpoint {
    this.#adhoc.delete(text);
    this.#adhoc.set(text, endpoint);
    return endpoint;
  }

  /** Forgets the address that was not asked for longest, and is not in use. */
  #dropAdhoc(): boolean {
    for (const [text, endpoint] of this.#adhoc) {
      const isInUse = endpoint.calls > 0 || [...endpoint.backends.values()].some(({ inUse }) => inUse > 0);
      if (isInUse) continue;
      this.#adhoc.delete(text);
      endpoint.retire();
      return true;
    }
    return false;
  }

  /** Has an endpoint follow its SRV records, where it is made of them. */
  #follow(endpoint: Endpoint): void {
    const { clock, resolveSrv } = this.#context;
    const { srv: name } = endpoint.settings;
    if (endpoint.srv?.name === name) return;
    endpoint.srv?.close();
    endpoint.srv = name === undefined
      ? undefined
      : watchSrv({ name, resolve: resolveSrv, clock, onTiers: (tiers) => endpoint.setTiers(tiers) });
  }
}

/**
 * Checks a table of endpoints and its aliases.
 *
 * @throws {TypeError | RangeError} when something in it makes no sense
 */
export function checkTable(
  table: EndpointTable,
  aliases: Aliases,
  defaults: EndpointDefaults = {},
): Map<string, EndpointSettings> {
  const settings = new Map<string, EndpointSettings>();
  for (const [name, given] of Object.entries(table)) settings.set(name, checkEndpoint(name, given, defaults));
  for (const [alias, name] of Object.entries(aliases)) checkAlias(alias, name, settings);
  return settings;
}

/** Checks one endpoint of a table. */
export function checkEndpoint(
  name: string,
  given: EndpointTable[string],
  defaults: EndpointDefaults = {},
): EndpointSettings {
  if (name === "" || isPlaceText(name)) {
    throw new TypeError(
      `the name of an endpoint must be a text that looks like no address, got ${show(name)}`,
    );
  }
  return endpointSettings(name, given, defaults);
}

/** Checks one alias against the endpoints that it may lead to. */
export function checkAlias(alias: string, name: unknown, endpoints: { has(name: string): boolean }): void {
  if (endpoints.has(alias)) {
    throw new TypeError(`"${alias}" is an alias and an endpoint: it can be one of them`);
  }
  if (typeof name !== "string" || !endpoints.has(name)) {
    throw new TypeError(`the alias "${alias}" leads to ${show(name)}, which is no endpoint`);
  }
}

/** The names that an endpoint's addresses are resolved from. */
export function hostsOf({ tiers }: EndpointSettings): string[] {
  return tiers.flat().flatMap(({ place }) =>
    place.transport === "tcp" && parseLiteral(place.host) === undefined ? [place.host] : []
  );
}
