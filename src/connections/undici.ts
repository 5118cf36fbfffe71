/**
 * What is used of undici, the HTTP/1.1 client: loaded when the first call is made, so that the edge, and whoever makes none,
 * never loads it.
 *
 * Its own types stand on Node's; these stand on the web's alone.
 *
 * @module
 */

/** Bytes as undici's parser gives them: Node's buffers. */
export interface RawText {
  toString(encoding: "latin1"): string;
}

/** What undici tells of a request. */
export interface DispatchHandler {
  onConnect(abort: (reason?: unknown) => void): void;
  /** Names and values take turns. False pauses what follows until `resume` is called. */
  onHeaders(status: number, headers: readonly RawText[], resume: () => void, statusText: string): boolean;
  /** The bytes are lent. False pauses. */
  onData(chunk: Uint8Array): boolean;
  onComplete(trailers: unknown): void;
  onError(error: unknown): void;
  onUpgrade(status: number, headers: unknown, socket: unknown): void;
}

/** What undici sends as a body. */
export type SentBody = string | Uint8Array | AsyncIterable<Uint8Array>;

/** One request of undici. */
export interface DispatchOptions {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: SentBody | undefined;
  readonly servername: string;
}

/** What carries out requests. */
export interface Dispatcher {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean;
}

/** How a client of one connection is made. */
export interface ClientOptions {
  readonly connect: (options: unknown, done: (error: Error | null, socket: unknown) => void) => void;
  readonly pipelining: number;
  readonly keepAliveTimeout: number;
  readonly keepAliveMaxTimeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

/** What is used of the package. */
export interface Undici {
  readonly Client: new (origin: string, options: ClientOptions) => Dispatcher;
}

let loading: Promise<Undici> | undefined;

/** The package, loaded once. */
export function loadUndici(): Promise<Undici> {
  return loading ??= import("undici") as Promise<unknown> as Promise<Undici>;
}
