/**
 * Places: what a connection may be asked for, where no endpoint is meant.
 *
 * @module
 */

import { checkInteger, show } from "../errors.ts";
import { normalizeName, parseLiteral } from "../dns/name.ts";

/** A host and port, or a unix socket. */
export type Place =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** How a place is written: `"10.0.0.4:5432"`, `"[::1]:6379"`, `"db.internal:5432"`, `"unix:/run/db.sock"`, or as an object. */
export type PlaceOptions =
  | string
  | { readonly host: string; readonly port: number }
  | { readonly hostname: string; readonly port: number }
  | { readonly path: string };

/**
 * Reads a place.
 *
 * @throws {TypeError | RangeError} when it is none
 * @throws {BallastError} `INVALID_NAME` when its host is no name
 */
export function parsePlace(given: PlaceOptions): Place {
  if (typeof given === "string") return parseText(given);
  if (given === null || typeof given !== "object") throw notAPlace(given);
  if ("path" in given) return unixPlace(given.path);
  const host = "hostname" in given ? given.hostname : given.host;
  if (typeof host !== "string") throw notAPlace(given);
  return { transport: "tcp", host: checkHost(host), port: checkPort(given.port) };
}

/** Whether a text is written as a place, rather than as the name of an endpoint. */
export function isPlaceText(text: string): boolean {
  return text.startsWith("unix:") || /:\d+$/.test(text);
}

/** A place as it is written. */
export function placeText(place: Place): string {
  if (place.transport === "unix") return `unix:${place.path}`;
  return place.host.includes(":") ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
}

function parseText(text: string): Place {
  if (text.startsWith("unix:")) return unixPlace(text.slice("unix:".length));
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) throw notAPlace(text);
  return { transport: "tcp", host: checkHost(bracketed ?? bare!), port: checkPort(Number(port)) };
}

function checkHost(host: string): string {
  const literal = parseLiteral(host.replace(/^\[(.*)\]$/, "$1"));
  return literal === undefined ? normalizeName(host) : literal.address;
}

function checkPort(port: unknown): number {
  return checkInteger("port", port, { min: 1, max: 65_535 });
}

function unixPlace(path: unknown): Place {
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return { transport: "unix", path };
  throw new TypeError(
    `the path of a unix socket must be a text of at least one character, got ${show(path)}`,
  );
}

function notAPlace(given: unknown): TypeError {
  const wanted = `"host:port", "[::1]:port", "unix:/path", { host, port } or { path }`;
  return new TypeError(`an address must be ${wanted}, got ${show(given)}`);
}
