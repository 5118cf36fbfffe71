/**
 * Names and address literals: one spelling of each, and none that DNS could not carry.
 *
 * @module
 */

import { BallastError, show } from "../errors.ts";

/** RFC 1035, 2.3.4: octets of a name (without the root's dot) and of one label. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** Letters, digits, hyphens; underscores as in service names. Case is folded before. */
const LABEL = /^[a-z0-9_-]+$/;
/** A name that ends so is an address gone wrong, never a host (WHATWG URL, "ends in a number"). */
const NUMERIC_END = /(^|\.)([0-9]+|0x[0-9a-f]*)$/;
/** What would end the host of a URL, or be decoded in it. */
const DELIMITER = /[\s/\\?#@:%<>|^[\]]/;

/** An IP address as it was given instead of a name. */
export interface Literal {
  /** In its shortest spelling. */
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * The one spelling of a host name: lower case, no trailing dot, ASCII (IDNA, as URLs do it).
 *
 * @throws {TypeError} when it is no string
 * @throws {BallastError} `INVALID_NAME` when it can be no host name (RFC 1035 lengths, characters)
 */
export function normalizeName(name: string): string {
  if (typeof name !== "string") throw new TypeError(`a host name must be a string, got ${show(name)}`);
  let ascii = name.toLowerCase();
  // deno-lint-ignore no-control-regex
  if (!/^[\x00-\x7f]*$/.test(name)) ascii = toAscii(name);
  if (ascii.endsWith(".")) ascii = ascii.slice(0, -1);
  if (ascii === "") throw invalid(name, "it is empty");
  if (ascii.length > MAX_NAME) {
    throw invalid(name, `it has ${ascii.length} octets, at most ${MAX_NAME} are allowed`);
  }
  for (const label of ascii.split(".")) {
    if (label === "") throw invalid(name, "it has an empty label");
    if (label.length > MAX_LABEL) {
      throw invalid(name, `a label has ${label.length} octets, at most ${MAX_LABEL} are allowed`);
    }
    if (!LABEL.test(label)) {
      throw invalid(name, "only letters, digits, hyphens, underscores and dots are allowed");
    }
  }
  if (NUMERIC_END.test(ascii)) throw invalid(name, "it ends in a number but is no IP address");
  return ascii;
}

/** The address that `text` spells, or undefined when it is none. Brackets around IPv6 are allowed. */
export function parseLiteral(text: string): Literal | undefined {
  if (typeof text !== "string") return undefined;
  if (text.includes(":")) return parseV6(text);
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  // A leading zero is octal to some readers and decimal to others: no address to be trusted.
  if (octets?.every((octet) => Number(octet) <= 255 && String(Number(octet)) === octet)) {
    return { address: text, family: 4 };
  }
  return undefined;
}

function parseV6(text: string): Literal | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const [, digits, zone = ""] = /^([0-9a-f:.]{2,45})(%[\w.~-]{1,64})?$/i.exec(bare) ?? [];
  if (digits === undefined) return undefined;
  try {
    return { address: new URL(`http://[${digits}]/`).hostname.slice(1, -1) + zone, family: 6 };
  } catch {
    return undefined;
  }
}

function toAscii(name: string): string {
  if (DELIMITER.test(name)) throw invalid(name, "it holds a character that no host name has");
  try {
    return new URL(`http://${name}/`).hostname;
  } catch {
    throw invalid(name, "it cannot be written in ASCII (IDNA)");
  }
}

function invalid(name: string, why: string): BallastError {
  return new BallastError("INVALID_NAME", `${show(name)} is no host name: ${why}`, {
    data: { name: name.slice(0, MAX_NAME), why },
  });
}
