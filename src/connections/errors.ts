/**
 * Why there is no connection: one error that says what was tried and what to do.
 *
 * @module
 */

import { BallastError } from "../errors.ts";

/** The part of connecting that failed. */
export type ConnectPhase = "dns" | "tcp" | "tls" | "check";

/** One address that was tried. */
export interface ConnectAttempt {
  /** `10.0.0.4:5432`; the name and port where it did not resolve. */
  readonly address: string;
  /** What failed. */
  readonly phase: ConnectPhase;
  /** The system's code, such as `ECONNREFUSED`, or one of {@linkcode TlsFault}. */
  readonly code: string;
  /** What happened, in a few words. */
  readonly reason: string;
  /** How long it took. */
  readonly tookMs: number;
}

/** An attempt in one line. */
export function attemptText({ address, phase, reason, tookMs }: ConnectAttempt): string {
  return `${address} (${phase}, ${Math.round(tookMs)} ms): ${reason}`;
}

/** No address of an endpoint could be connected to. */
export class ConnectError extends BallastError {
  /** What was asked for. */
  readonly endpoint: string;
  /** Everything that was tried, in order. */
  readonly attempts: readonly ConnectAttempt[];

  /** Lists the attempts; `why` says what ended them. */
  constructor(endpoint: string, attempts: readonly ConnectAttempt[], why: string, cause?: unknown) {
    super(
      "CONNECT_FAILED",
      [`cannot connect to ${endpoint}: ${why}`, ...attempts.map(attemptText)].join("; "),
      {
        retryable: true,
        cause,
        data: { endpoint, attempts },
      },
    );
    this.endpoint = endpoint;
    this.attempts = attempts;
  }
}

/** Every connection that may be open is in use, and none came back in time. */
export class OutOfConnectionsError extends BallastError {
  /** What was asked for. */
  readonly endpoint: string;

  /** Says which limit was met, and what helps. */
  constructor(endpoint: string, why: string, data: Readonly<Record<string, unknown>>) {
    super("OUT_OF_CONNECTIONS", `no connection to ${endpoint}: ${why}`, { retryable: true, data });
    this.endpoint = endpoint;
  }
}

/** What a TLS handshake can fail for. */
export type TlsFault =
  | "TLS_UNKNOWN_AUTHORITY"
  | "TLS_WRONG_NAME"
  | "TLS_EXPIRED"
  | "TLS_NOT_YET_VALID"
  | "TLS_CLIENT_CERTIFICATE"
  | "TLS_VERSION"
  | "TLS_FAILED";

/** Codes of OpenSSL and of Deno's rustls, and words where the codes say too little. */
const TLS_FAULTS: readonly (readonly [pattern: RegExp, fault: TlsFault, text: string])[] = [
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH|NotValidForName/i,
    "TLS_WRONG_NAME",
    "the certificate is for another name: connect by a name it is for, or set tls.serverName",
  ],
  [
    /NOT_YET_VALID|NotValidYet/i,
    "TLS_NOT_YET_VALID",
    "the certificate is not valid yet: are the clocks right?",
  ],
  [/HAS_EXPIRED|\bexpired\b/i, "TLS_EXPIRED", "the certificate has expired: it has to be renewed"],
  [
    /SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|UNKNOWN_?CA|UnknownIssuer/i,
    "TLS_UNKNOWN_AUTHORITY",
    "the certificate is from an authority that is not trusted: give it as tls.ca",
  ],
  [
    /CERTIFICATE_?REQUIRED|DID_NOT_RETURN_A_CERTIFICATE|BAD_CERTIFICATE|HANDSHAKE_FAILURE|ALERT_CERTIFICATE/i,
    "TLS_CLIENT_CERTIFICATE",
    "the server did not accept the client: does it want a client certificate (tls.cert, tls.key)?",
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_VERSION_NUMBER|ProtocolVersion/i,
    "TLS_VERSION",
    "no TLS version in common, or the peer does not speak TLS on this port",
  ],
];

/** What an error of a TLS handshake means; undefined for one that is not about TLS. */
export function tlsFault(error: unknown): { readonly fault: TlsFault; readonly text: string } | undefined {
  const { code = "", message = "" } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  const text = `${String(code)} ${String(message)}`;
  for (const [pattern, fault, explanation] of TLS_FAULTS) {
    if (pattern.test(text)) return { fault, text: explanation };
  }
  if (code === "ECONNRESET") return undefined;
  return /ERR_SSL|ERR_TLS|certificate|\bTLS\b/i.test(text)
    ? { fault: "TLS_FAILED", text: String(message) }
    : undefined;
}
