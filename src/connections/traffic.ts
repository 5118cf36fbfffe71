/**
 * The last reads and writes, for whoever asks what was said before it went wrong. Off unless it is asked for, bounded, and
 * without content unless that is asked for too: then it is redacted first.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { checkInteger } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** What is remembered of the traffic. */
export interface TrafficOptions {
  /** Reads and writes that are remembered. @default 100 */
  readonly last?: number;
  /** Bytes of each that are shown. @default 0: only how many there were */
  readonly previewBytes?: number;
  /** Takes out of a preview what nobody should see. @default words after `password`, `token`, `secret`, `auth`, `cookie` */
  readonly redact?: (preview: string) => string;
}

/** One read or write. */
export interface TrafficEntry {
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** The connection's number. */
  readonly connection: number;
  /** What was asked for. */
  readonly endpoint: string;
  /** `10.0.0.4:5432`. */
  readonly address: string;
  /** From the peer, or to it. */
  readonly direction: "in" | "out";
  /** How many there were. */
  readonly bytes: number;
  /** The beginning of it, redacted, in printable characters. */
  readonly preview?: string;
}

/** The traffic of a manager. */
export class Traffic {
  readonly #clock: Clock;
  readonly #last: number;
  readonly #previewBytes: number;
  readonly #redact: (preview: string) => string;
  readonly #ring: TrafficEntry[] = [];
  #count = 0;

  constructor(clock: Clock, options: TrafficOptions) {
    this.#clock = clock;
    this.#last = checkInteger("traffic.last", options.last ?? 100, { min: 1, max: 100_000 });
    this.#previewBytes = checkInteger("traffic.previewBytes", options.previewBytes ?? 0, { max: 65_536 });
    this.#redact = options.redact ?? redact;
  }

  /** Remembers a read or write. Never throws. */
  add({ number, backend }: Connection, direction: "in" | "out", bytes: Uint8Array): void {
    this.#ring[this.#count++ % this.#last] = {
      at: this.#clock.now(),
      connection: number,
      endpoint: backend.endpoint,
      address: backend.label,
      direction,
      bytes: bytes.length,
      ...(this.#previewBytes > 0 && { preview: this.#preview(bytes) }),
    };
  }

  /** What is remembered, the oldest first. */
  entries(): readonly TrafficEntry[] {
    const oldest = this.#count > this.#last ? this.#count % this.#last : 0;
    return [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
  }

  #preview(bytes: Uint8Array): string {
    try {
      const text = new TextDecoder().decode(bytes.subarray(0, this.#previewBytes));
      // deno-lint-ignore no-control-regex -- control characters are what is replaced
      return this.#redact(text).replace(/[\u0000-\u001f\u007f\ufffd]/g, "·");
    } catch {
      return "(the redactor failed)";
    }
  }
}

function redact(preview: string): string {
  return preview.replace(/(pass(?:word|wd)?|token|secret|auth\w*|cookie)\b(["']?[\s:=]+).*/gis, "$1$2***");
}
