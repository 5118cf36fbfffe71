/**
 * Values of options, from the texts that people write: `300MB`, `6h`, `10.0.0.2:53`.
 *
 * @module
 */

import { show } from "../../errors.ts";

/** Bytes in a unit. As everybody means them: `300MB` is 300 MiB, which is what the system and the meta app count in, too. */
const SIZES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};
/** Milliseconds in a unit. */
const SPANS: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A whole number. */
export function readInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new RangeError(`must be a whole number from ${min} to ${max}, got ${show(text)}`);
  };
}

/** A size in bytes: `300MB`, `1.5g`, `1048576`. */
export function readBytes(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) *([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(digits) * SIZES[unit?.toLowerCase() ?? ""]!);
  if (digits !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new RangeError(`must be a size such as 300MB or 1.5GB, got ${show(text)}`);
}

/** A time span in milliseconds: `6h`, `90s`, `1h30m`, `500ms`; a bare number is in seconds. */
export function readDuration(text: string): number {
  if (/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$|^\d+(?:\.\d+)?$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd]?)/g)];
    const ms = parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * SPANS[unit!]!, 0);
    if (ms > 0 && ms <= 365 * SPANS.d!) return ms;
  }
  throw new RangeError(`must be a time such as 500ms, 90s, 6h or 1h30m, got ${show(text)}`);
}

/** A name server: an IP address, and a port where it is not 53. `10.0.0.2`, `10.0.0.2:5353`, `[2001:db8::1]:53`, `2001:db8::1`. */
export function readServer(text: string): { address: string; port?: number } {
  const [, v6, bare, port] = /^(?:\[([\da-f:.%]+)\]|([\d.]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const address = v6 ?? bare ?? (/^[\da-f:.]*:[\da-f:.]*:[\da-f:.]*$/i.test(text) ? text : undefined);
  if (address === undefined || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
    throw new TypeError(`must be an IP address such as 10.0.0.2:53 or [2001:db8::1]:53, got ${show(text)}`);
  }
  return port === undefined ? { address } : { address, port: Number(port) };
}

/** One of a few words. */
export function readChoice<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new TypeError(`must be one of ${choices.join(", ")}, got ${show(text)}`);
  };
}

/** An address of the web: `http://127.0.0.1:8889`, or without `http://`. */
export function readUrl(text: string): URL {
  const full = /^https?:\/\//i.test(text)
    ? text
    : `http://${/^\d+$/.test(text) ? `127.0.0.1:${text}` : text}`;
  if (!URL.canParse(full)) {
    throw new TypeError(`must be a URL such as http://127.0.0.1:8889, got ${show(text)}`);
  }
  return new URL(full);
}

/** Anything but nothing. */
export function readText(text: string): string {
  if (text !== "") return text;
  throw new TypeError("must not be empty");
}
