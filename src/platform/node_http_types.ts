/** What is used of a request and a response of `node:http` and `node:http2`, which have no type in common. */

/** What came. */
export interface Incoming {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly destroyed: boolean;
  readonly socket: object;
  /** Of HTTP/2. */
  readonly authority?: string;
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders: boolean };
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "end" | "close" | "error", listener: () => void): unknown;
  removeAllListeners(event: string): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** What goes out. */
export interface Outgoing {
  readonly headersSent: boolean;
  readonly writableFinished: boolean;
  /** Of HTTP/2. */
  readonly stream?: { close(code: number): void };
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  writeContinue(): void;
  writeHead(status: number, headers: Readonly<Record<string, string | string[]>>): unknown;
  write(bytes: Uint8Array): boolean;
  end(bytes?: Uint8Array): unknown;
  end(text: string, encoding: "latin1"): unknown;
  destroy(): unknown;
}
