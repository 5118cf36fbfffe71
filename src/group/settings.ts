/** The options of a set of servers, checked and filled in. */

import { checkInteger, checkNumber, show } from "../errors.ts";
import type {
  AppOptions,
  ListenerId,
  ListenOptions,
  ServerLimits,
  ServerSettings,
  StreamOptions,
} from "./options.ts";

/** Something to listen on. */
export type ListenerPlan =
  & { readonly id: ListenerId; readonly limits: ServerLimits }
  & ({ readonly app: AppOptions } | { readonly stream: StreamOptions });

const DAY_MS = 86_400_000;

/**
 * What is to be listened on.
 *
 * @throws {TypeError | RangeError} when something makes no sense: the text begins with the listener's name
 */
export function planListeners(
  apps: readonly AppOptions[],
  streams: readonly StreamOptions[],
  limits: ServerLimits,
): ListenerPlan[] {
  const plans: ListenerPlan[] = [];
  const names = new Set<string>();
  const add = <T extends ListenOptions>(kind: "app" | "stream", given: T, check: () => void) => {
    const id = { ...placeOf(given), kind };
    try {
      check();
      checkPlace(given);
      fillIn({ ...limits, ...given.limits }, 1);
    } catch (error) {
      if (error instanceof Error) error.message = `${kind} "${id.name}": ${error.message}`;
      throw error;
    }
    if (names.has(id.name)) {
      throw new TypeError(`two listeners have the name "${id.name}": give each its own`);
    }
    names.add(id.name);
    return { id, limits: { ...limits, ...given.limits } };
  };
  for (const app of apps) {
    plans.push({ ...add("app", app, () => checkFunction("fetch", app.fetch)), app });
  }
  for (const stream of streams) {
    plans.push({ ...add("stream", stream, () => checkFunction("handler", stream.handler)), stream });
  }
  return plans;
}

/**
 * Limits with nothing left open.
 *
 * @throws {TypeError | RangeError} when one makes no sense
 */
export function fillIn(given: ServerLimits, maxConnections: number): ServerSettings {
  const count = (name: keyof ServerLimits, otherwise: number, min = 1) =>
    checkInteger(`limits.${name}`, given[name] ?? otherwise, { min });
  const ms = (name: keyof ServerLimits, otherwise: number) =>
    checkNumber(`limits.${name}`, given[name] ?? otherwise, { min: 1, max: DAY_MS });
  return {
    acceptQueueMaxLength: count("acceptQueueMaxLength", 128, 0),
    maxConnections: count("maxConnections", maxConnections),
    maxConnectionsPerClient: count("maxConnectionsPerClient", Number.MAX_SAFE_INTEGER),
    maxHeaderBytes: count("maxHeaderBytes", 16_384, 256),
    maxBodyBytes: count("maxBodyBytes", 10_485_760, 0),
    headersTimeoutMs: ms("headersTimeoutMs", 10_000),
    bodyTimeoutMs: ms("bodyTimeoutMs", 30_000),
    idleTimeoutMs: ms("idleTimeoutMs", 65_000),
    requestTimeoutMs: ms("requestTimeoutMs", 60_000),
    sendTimeoutMs: ms("sendTimeoutMs", 30_000),
    maxRequestsPerConnection: count("maxRequestsPerConnection", 10_000),
  };
}

function placeOf({ name, port, hostname = "0.0.0.0", path }: ListenOptions): Omit<ListenerId, "kind"> {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { name: name ?? path ?? `${host}:${port ?? 0}`, port, hostname, path };
}

function checkPlace({ port, path, tls }: ListenOptions): void {
  if (port !== undefined && path !== undefined) {
    throw new TypeError("it has a port and a path: it can have one of them");
  }
  if (path !== undefined && (typeof path !== "string" || path === "")) {
    throw new TypeError(`path must be the path of a socket, got ${show(path)}`);
  }
  if (port !== undefined) checkInteger("port", port, { max: 65_535 });
  if (tls === undefined) return;
  for (const field of ["cert", "key"] as const) {
    const given: unknown = tls[field];
    if (typeof given === "string" || given instanceof URL) continue;
    throw new TypeError(`tls.${field} must be PEM, a path or a file URL, got ${show(given)}`);
  }
  if (tls.requestCert && tls.ca === undefined) throw new TypeError("tls.requestCert needs tls.ca");
  if (tls.reloadMs !== undefined) checkNumber("tls.reloadMs", tls.reloadMs, { max: DAY_MS });
}

function checkFunction(name: string, given: unknown): void {
  if (typeof given !== "function") throw new TypeError(`${name} must be a function, got ${show(given)}`);
}
