/**
 * Opens one connection: TCP, then TLS where it is asked for, each phase within its own time, logged and timed.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError, errorMessage } from "../errors.ts";
import type { Log } from "../log/mod.ts";
import type { PlatformNet, PlatformSocket } from "../platform/port.ts";
import { deadlineSignal } from "../signal.ts";
import type { Backend } from "./backend.ts";
import type { Connection } from "./connection.ts";
import { type ConnectAttempt, type ConnectPhase, tlsFault } from "./errors.ts";
import type { EndpointSettings, TlsOptions } from "./options.ts";

/** What dialling stands on. */
export interface DialOptions {
  readonly net: PlatformNet;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why an address could not be connected to. */
export class DialFailure extends Error {
  readonly attempt: ConnectAttempt;

  constructor(attempt: ConnectAttempt, cause: unknown) {
    super(attempt.reason, { cause });
    this.attempt = attempt;
  }
}

const LABELS = { labels: ["endpoint", "address"], failure: "debug" } as const;

/**
 * Opens a connection to an address. Rejects with a {@linkcode DialFailure}, or with the signal's reason; nothing is left open
 * then, and the address's health knows of what it is to blame for.
 */
export async function dial(
  { net, clock, log }: DialOptions,
  connection: Connection,
  settings: EndpointSettings,
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<PlatformSocket> {
  const { backend } = connection;
  const startedAt = clock.monotonic();

  async function phase<T>(
    name: ConnectPhase & ("tcp" | "tls"),
    timeoutMs: number,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = deadlineSignal(timeoutMs, { clock, signal, what: `${backend.label} (${name})` });
    const fields = { endpoint: backend.endpoint, address: backend.label };
    const transaction = log.begin(`connect.${name}`, fields, LABELS);
    try {
      const done = await run(deadline.signal);
      transaction.success();
      return done;
    } catch (error) {
      // The caller went away: that says nothing of the address.
      if (signal.aborted) {
        transaction.failure(signal.reason, { outcome: "cancelled" });
        throw signal.reason;
      }
      transaction.failure(error);
      throw new DialFailure(describe(backend, name, error, clock.monotonic() - startedAt, timeoutMs), error);
    } finally {
      deadline.release();
    }
  }

  const { tcpMs, tlsMs } = settings.timeouts;
  const open = await phase("tcp", tcpMs, (signal) => net.connect(backend.target, signal));
  if (tls === undefined) return open;
  connection.state = "handshaking";
  connection.since = clock.monotonic();
  connection.life.to("handshaking", connection.since);
  return await phase("tls", tlsMs, (signal) => net.startTls(open, handshake(backend, tls), signal));
}

function handshake({ place, target }: Backend, tls: TlsOptions) {
  const host = place.transport === "tcp"
    ? place.host
    : target.transport === "tcp"
    ? target.address
    : "localhost";
  return { minVersion: "TLSv1.2" as const, ...tls, serverName: tls.serverName ?? host };
}

function describe(
  { label }: Backend,
  phase: ConnectPhase,
  error: unknown,
  tookMs: number,
  timeoutMs: number,
): ConnectAttempt {
  if (error instanceof BallastError && error.code === "TIMEOUT") {
    const what = phase === "tls" ? "no TLS handshake" : "no connection";
    return { address: label, phase, code: "TIMEOUT", reason: `${what} within ${timeoutMs} ms`, tookMs };
  }
  const tls = phase === "tls" ? tlsFault(error) : undefined;
  const code = tls?.fault ?? String((error as { code?: unknown }).code ?? "FAILED");
  return { address: label, phase, code, reason: tls?.text ?? plainReason(code, error), tookMs };
}

/** What the system's codes mean to whoever reads them at night. */
function plainReason(code: string, error: unknown): string {
  switch (code) {
    case "ECONNREFUSED":
      return "refused: nothing listens there";
    case "ECONNRESET":
      return "the peer closed the connection";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no route to it";
    case "EMFILE":
    case "ENFILE":
      return "no file descriptor is left: raise the limit, or lower maxConnections";
    case "EADDRNOTAVAIL":
      return "no local port is left: connections are closed faster than the system lets go of them";
    case "ENOENT":
      return "there is no such socket";
    case "EACCES":
    case "EPERM":
      return "the system, or the permissions of the process, do not allow it";
    default:
      return errorMessage(error);
  }
}
