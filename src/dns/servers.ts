/**
 * The name servers, whom to ask first, and which of them are down.
 *
 * Callers are sent to servers that answer, in turn. One that has failed is asked last; once its pause is over, a
 * refresh in the background, which nobody waits for, tries whether it is back.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { DnsServer } from "../platform/port.ts";
import { backoff } from "../signal.ts";
import type { Failure } from "./entry.ts";

/** First and longest pause before a server that is down is tried again. */
const PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** More than one is what matters. */
const MAX_FAILING_NAMES = 8;

/** One name server and its record. */
export interface ServerState {
  /** `10.0.0.2:53`, or `system` for the machine's own configuration. */
  readonly label: string;
  /** Undefined for the machine's own configuration. */
  readonly server: DnsServer | undefined;
  queries: number;
  failures: number;
  consecutiveFailures: number;
  /** Wall-clock time of the first of the consecutive failures. */
  failingSince: number | undefined;
  /** Monotonic time until which only those without an alternative ask it. */
  pausedUntil: number;
  lastFailure: string | undefined;
  /** Whether it was silent, the last time it failed: a server that answers with a failure is there. */
  silent: boolean;
  /** Names, a few of them, for which it has failed since it last did not. */
  readonly failingNames: Set<string>;
}

/** The servers of one cache. */
export interface Servers {
  readonly all: readonly ServerState[];
  /** In which order to ask. A background query may begin with one that is due for a trial. */
  order(background: boolean): ServerState[];
  /** It answered; what, does not matter. */
  succeeded(server: ServerState): void;
  /** It was silent, refused or failed. */
  failed(server: ServerState, name: string, failure: Failure): void;
}

/** Keeps track of name servers; none given means the machine's own configuration, or what the resolver calls `unnamed`. */
export function createServers(servers: readonly DnsServer[], clock: Clock, unnamed = "system"): Servers {
  const configured = servers.length > 0
    ? servers.map((server) => state(label(server), server))
    : [state(unnamed, undefined)];
  let turn = 0;
  const isDown = (server: ServerState) => server.consecutiveFailures > 0;

  return {
    all: configured,
    order(background) {
      if (configured.length === 1) return [...configured];
      const first = turn++ % configured.length;
      const rotated = [...configured.slice(first), ...configured.slice(0, first)];
      const up = rotated.filter((server) => !isDown(server));
      const down = rotated.filter(isDown).sort((a, b) => a.pausedUntil - b.pausedUntil);
      const trial = down[0];
      if (background && trial !== undefined && trial.pausedUntil <= clock.monotonic()) {
        // One trial at a time: the next background query goes elsewhere until this one is known.
        trial.pausedUntil = clock.monotonic() + PAUSE_MS;
        return [trial, ...up, ...down.slice(1)];
      }
      return [...up, ...down];
    },
    succeeded(server) {
      server.queries++;
      server.consecutiveFailures = 0;
      server.failingSince = undefined;
      server.failingNames.clear();
      server.pausedUntil = 0;
    },
    failed(server, name, { reason, timedOut }) {
      server.queries++;
      server.failures++;
      server.consecutiveFailures++;
      server.failingSince ??= clock.now();
      server.lastFailure = reason;
      server.silent = timedOut;
      if (server.failingNames.size < MAX_FAILING_NAMES) server.failingNames.add(name);
      server.pausedUntil = clock.monotonic() + backoff(server.consecutiveFailures, PAUSE_MS, MAX_PAUSE_MS);
    },
  };
}

function state(label: string, server: DnsServer | undefined): ServerState {
  return {
    label,
    server,
    queries: 0,
    failures: 0,
    consecutiveFailures: 0,
    failingSince: undefined,
    pausedUntil: 0,
    lastFailure: undefined,
    silent: false,
    failingNames: new Set(),
  };
}

function label({ address, port = 53 }: DnsServer): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
