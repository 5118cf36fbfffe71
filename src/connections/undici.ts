/**
 * What is used of undici, the HTTP/1.1 client: loaded when the first call is made, so that the edge, and whoever makes none,
 * never loads it.
 *
 * Its own types stand on Node's; these stand on the web's alone.
 *
 * @module
 */

/** What undici tells of a request, as its `fetch` listens to it. */
export interface DispatchHandler {
  onConnect(abort: (reason?: unknown) => void): void;
  onHeaders(status: number, headers: unknown, resume: () => void, statusText: string): boolean;
  onData(chunk: unknown): boolean;
  onComplete(trailers: unknown): void;
  onError(error: unknown): void;
  onUpgrade?(status: number, headers: unknown, socket: unknown): void;
  onResponseStarted?(): void;
  onBodySent?(chunk: unknown): void;
}

/** One request of undici. */
export interface DispatchOptions {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | null | undefined;
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
  fetch(input: string, init: RequestInit & { readonly dispatcher: Dispatcher }): Promise<Response>;
  readonly Client: new (origin: string, options: ClientOptions) => Dispatcher;
  readonly FormData: typeof FormData;
}

let loading: Promise<Undici> | undefined;

/** The package, loaded once. */
export function loadUndici(): Promise<Undici> {
  return loading ??= import("undici") as Promise<unknown> as Promise<Undici>;
}
