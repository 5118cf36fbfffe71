/**
 * The listeners of a group, as its supervisor holds them.
 *
 * @module
 */

import type { ListenAddress } from "../platform/process_port.ts";
import type { BoundListener, ListenOptions } from "./options.ts";
import type { GroupSettings } from "./group_options.ts";

/** A listener that a supervisor holds. */
export interface GroupListener {
  /** Its name, by which supervisor and children know it. */
  readonly id: string;
  /** What is served on it. */
  readonly kind: "app" | "stream";
  /** Where it listens. */
  readonly address: ListenAddress;
  /** Whether it speaks TLS: the children do. */
  readonly tls: boolean;
}

const ANY_ADDRESS = "0.0.0.0";

/**
 * All listeners of a group.
 *
 * @throws {TypeError} when two have the same name
 */
export function listenersOf(
  { apps, streams }: Pick<GroupSettings, "apps" | "streams">,
): readonly GroupListener[] {
  const all = [
    ...apps.map((app) => listenerOf("app", app)),
    ...streams.map((one) => listenerOf("stream", one)),
  ];
  const names = new Set<string>();
  for (const { id } of all) {
    if (names.has(id)) throw new TypeError(`two listeners are called "${id}": give them names of their own`);
    names.add(id);
  }
  return all;
}

function listenerOf(
  kind: "app" | "stream",
  { name, port = 0, hostname = ANY_ADDRESS, path, tls }: ListenOptions,
): GroupListener {
  const address = path === undefined ? { hostname, port } : { path };
  return { id: name ?? path ?? `${hostname}:${port}`, kind, address, tls: tls !== undefined };
}

/** A listener, once its port is known. */
export function boundListener({ id, kind, address, tls }: GroupListener, port: number): BoundListener {
  if ("path" in address) {
    const { path } = address;
    return { name: id, kind, hostname: "", port: undefined, path, url: `unix:${path}` };
  }
  const { hostname = ANY_ADDRESS } = address;
  const scheme = kind === "stream" ? (tls ? "tls" : "tcp") : tls ? "https" : "http";
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { name: id, kind, hostname, port, path: undefined, url: `${scheme}://${host}:${port}` };
}
