/**
 * The certificate of a listener: read from files, replaced when their content changes, never by one that is no good.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { PlatformFiles } from "../platform/port.ts";
import type {
  CertificateFacts,
  PlatformServers,
  TlsCertificate,
  TlsEngine,
} from "../platform/server_port.ts";
import type { PemSource, ServerTls } from "./options.ts";

/** What a certificate is kept with. */
export interface CertificateOptions {
  readonly tls: ServerTls;
  readonly servers: PlatformServers;
  readonly files: PlatformFiles | undefined;
  readonly clock: Clock;
  readonly onReloaded: (facts: CertificateFacts) => void;
  readonly onRefused: (reason: string) => void;
}

/** A certificate that was not taken. */
export interface RefusedCertificate {
  readonly reason: string;
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
}

/** More is no certificate. */
const MAX_PEM_BYTES = 1_048_576;

/** The certificate of a listener. */
export class Certificate {
  /** What is in force says. */
  facts: CertificateFacts | undefined;
  /** What is there now is no good: the one before is in force. */
  refused: RefusedCertificate | undefined;
  /** When the one in force was read, in milliseconds since the epoch. */
  loadedAt = 0;
  readonly #options: CertificateOptions;
  #texts: TlsCertificate | undefined;
  #engine: TlsEngine | undefined;
  #timer: Timer | undefined;
  #reloading: Promise<void> | undefined;
  #closed = false;

  constructor(options: CertificateOptions) {
    this.#options = options;
  }

  /**
   * Reads it for the first time.
   *
   * @throws {Error} when it cannot be read or is no good
   */
  async load(): Promise<TlsCertificate> {
    const texts = await this.#read();
    this.#take(texts, this.#options.servers.certificate(texts.cert, texts.key));
    return texts;
  }

  /** Has what is read later used by this, and looks at the files from time to time. */
  watch(engine: TlsEngine): void {
    this.#engine = engine;
    this.#schedule();
  }

  /** Looks at the files now. */
  reload(): Promise<void> {
    return this.#reloading ??= this.#reload().finally(() => this.#reloading = undefined);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #reload(): Promise<void> {
    const { servers, clock, onReloaded } = this.#options;
    try {
      const texts = await this.#read();
      if (this.#closed) return;
      if (isSame(texts, this.#texts)) return void (this.refused = undefined);
      const facts = servers.certificate(texts.cert, texts.key);
      const now = clock.now();
      if (facts.expiresAt <= now) throw new Error(`it expired ${dateText(facts.expiresAt)}`);
      if (facts.startsAt > now + CLOCK_SLACK_MS) {
        throw new Error(`it is not valid before ${dateText(facts.startsAt)}`);
      }
      this.#engine?.update(texts);
      this.#take(texts, facts);
      onReloaded(facts);
    } catch (error) {
      this.#refuse(errorMessage(error));
    }
  }

  #take(texts: TlsCertificate, facts: CertificateFacts): void {
    this.#texts = texts;
    this.facts = facts;
    this.refused = undefined;
    this.loadedAt = this.#options.clock.now();
  }

  #refuse(reason: string): void {
    if (this.refused?.reason === reason) return;
    this.refused = { reason, since: this.#options.clock.now() };
    this.#options.onRefused(reason);
  }

  #schedule(): void {
    const { tls: { reloadMs = 10_000, cert, key, ca }, clock } = this.#options;
    if (reloadMs === 0 || this.#closed || [cert, key, ca ?? cert].every(isPem)) return;
    this.#timer = clock.schedule(reloadMs * (0.9 + clock.random() / 5), () => {
      void this.reload().finally(() => this.#schedule());
    });
  }

  async #read(): Promise<TlsCertificate> {
    const { cert, key, ca } = this.#options.tls;
    const read = async (source: PemSource): Promise<string> => {
      if (isPem(source)) return source as string;
      const { files } = this.#options;
      if (files === undefined) throw new TypeError("this runtime has no files: give PEM");
      return await files.readText(typeof source === "string" ? source : pathOf(source), MAX_PEM_BYTES);
    };
    return {
      cert: await read(cert),
      key: await read(key),
      ca: ca === undefined ? undefined : await read(ca),
    };
  }
}

/** How far clocks may be apart. */
const CLOCK_SLACK_MS = 300_000;

function isPem(source: PemSource): boolean {
  return typeof source === "string" && source.includes("-----BEGIN ");
}

function isSame(one: TlsCertificate, other: TlsCertificate | undefined): boolean {
  return one.cert === other?.cert && one.key === other.key && one.ca === other.ca;
}

function pathOf(url: URL): string {
  if (url.protocol !== "file:") throw new TypeError(`a certificate is read from a file, got ${url}`);
  const path = decodeURIComponent(url.pathname);
  // Windows: /C:/certificates
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

function dateText(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
