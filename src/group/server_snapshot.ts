/** What a set of servers says of itself, as plain JSON. */

import type { Certificate } from "./certificates.ts";
import type { Listener } from "./listener.ts";
import type { ServerSettings } from "./options.ts";
import type { Phase } from "./served_connection.ts";
import type { Refusals } from "./server_counts.ts";

/** Where a set is in its life. */
export type ServerSetState = "new" | "listening" | "draining" | "closed";

/** A set at one moment. */
export interface ServerSetSnapshot {
  /** When it was taken, in milliseconds since the epoch; so are all moments in it. */
  readonly at: number;
  /** Where it is in its life. */
  readonly state: ServerSetState;
  /** What it listens on. */
  readonly listeners: readonly ListenerSnapshot[];
}

/** A listener at one moment. */
export interface ListenerSnapshot {
  /** Unique in the set. */
  readonly name: string;
  /** What is served on it. */
  readonly kind: "app" | "stream";
  /** What a client is given; "" before it listens. */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections open now, those that wait not included. */
  readonly open: number;
  /** The most there were at once. */
  readonly peak: number;
  /** Connections in the accept queue. */
  readonly waiting: number;
  /** Open connections by what they are at. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** Requests and streams under way. */
  readonly inFlight: number;
  /** Requests and streams that are over. */
  readonly requests: number;
  /** Errors of the app or handler. */
  readonly errors: number;
  /** Connections closed for having been idle too long. */
  readonly idleClosed: number;
  /** Idle connections closed to make room for new ones. */
  readonly evicted: number;
  /** What was refused or cut, by the limit. */
  readonly refused: readonly Refusals[];
  /** Client addresses that have a connection. */
  readonly clients: number;
  /** Those with the most, at most ten. */
  readonly topClients: readonly { readonly address: string; readonly connections: number }[];
  /** Its limits. */
  readonly limits: ServerSettings;
  /** Its certificate. */
  readonly tls?: TlsSnapshot | undefined;
}

/** A certificate at one moment. */
export interface TlsSnapshot {
  /** Whose it is. */
  readonly subject: string;
  /** The names it is good for. */
  readonly names: string;
  /** Until when. */
  readonly expiresAt: number;
  /** When it was read. */
  readonly loadedAt: number;
  /** A newer one that is no good. */
  readonly refused?: { readonly reason: string; readonly since: number } | undefined;
}

const TOP_CLIENTS = 10;

/** A listener as it is now. */
export function listenerSnapshot(
  listener: Listener,
  url: string,
  certificate: Certificate | undefined,
): ListenerSnapshot {
  const { id, counts, connections, clients, settings } = listener;
  const phases: Partial<Record<Phase, number>> = {};
  for (const { phase } of connections) phases[phase] = (phases[phase] ?? 0) + 1;
  const topClients = [...clients].sort((one, other) => other[1] - one[1]).slice(0, TOP_CLIENTS);
  const facts = certificate?.facts;
  return {
    name: id.name,
    kind: id.kind,
    url,
    accepted: counts.accepted,
    open: connections.size,
    peak: listener.peak,
    waiting: listener.waiting,
    phases,
    inFlight: listener.inFlight,
    requests: counts.requests,
    errors: counts.errors,
    idleClosed: counts.idleClosed,
    evicted: counts.evicted,
    refused: counts.refusals,
    clients: clients.size,
    topClients: topClients.map(([address, connections]) => ({
      address: address || "unix socket",
      connections,
    })),
    limits: settings,
    tls: facts && {
      subject: facts.subject,
      names: facts.names,
      expiresAt: facts.expiresAt,
      loadedAt: certificate.loadedAt,
      refused: certificate.refused,
    },
  };
}
