/**
 * Secrets within a text: found in one pass over its characters.
 *
 * No regular expression: those go back, and a text that was made for it keeps them going back for minutes. Here
 * every rule looks ahead by a bounded number of characters, or consumes what it has looked at; so the work is
 * linear in the length of the text, whatever is in it.
 *
 * @module
 */

import { isHarmless, type KeyTest } from "./redact_keys.ts";

/** What the scan needs to know, and what it counts. */
export interface TextRules {
  /** Whether `name` in `name=value` says that the value is a secret. */
  readonly isSensitive: KeyTest;
  /** What stands in the place of a secret. */
  readonly replacement: string;
  /** Characters looked at so far. */
  examined: number;
}

/** Where a secret is: it is cut out, and the scan goes on after it. Without one, where to go on. */
type Found = { readonly from: number; readonly to: number } | { readonly next: number } | undefined;

const WORD = 1; // of a name or a token: letters, digits, "_", "-", "."
const DIGIT = 2;
const TRIGGER = 4; // a rule may begin here
const B64 = 8; // of a token as RFC 6750 has it: also "~", "+", "/", "="
const END = 16; // ends a value: white space, quotes, brackets, "&", ",", ";"

/** The kinds of the first 128 characters; no other one takes part in a secret's form. */
const KIND = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  if (/[A-Za-z0-9_.-]/.test(character)) KIND[code]! |= WORD;
  if (/[0-9]/.test(character)) KIND[code]! |= DIGIT | TRIGGER;
  if (/[A-Za-z0-9_.~+/=-]/.test(character)) KIND[code]! |= B64;
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20"'`<>()[\]{}&,;|\\]/.test(character)) KIND[code]! |= END;
  if (/[:=\-]/.test(character)) KIND[code]! |= TRIGGER;
}

/** Tokens known by how they begin: so many characters of a token follow at least. */
const PREFIXES: readonly (readonly [prefix: string, least: number])[] = [
  ["eyJ", 12], // a JWT: base64url of `{"`
  ["AKIA", 16], // AWS
  ["ASIA", 16],
  ["ghp_", 20], // GitHub
  ["gho_", 20],
  ["ghs_", 20],
  ["ghu_", 20],
  ["github_pat_", 20],
  ["glpat-", 16],
  ["xoxb-", 10], // Slack
  ["xoxp-", 10],
  ["sk_live_", 16], // Stripe
  ["rk_live_", 16],
  ["AIza", 30], // Google
  ["npm_", 30],
];
const BY_FIRST: (readonly (readonly [string, number])[])[] = [];
for (const entry of PREFIXES) {
  const code = entry[0].charCodeAt(0);
  BY_FIRST[code] = [...BY_FIRST[code] ?? [], entry];
  KIND[code]! |= TRIGGER;
}
for (const scheme of "bB") KIND[scheme.charCodeAt(0)]! |= TRIGGER;

const MAX_NAME = 64;
const MAX_USERINFO = 512;
const PEM_BEGIN = "-----BEGIN ";
const PEM_END = "-----END ";
const COLON = 58, EQUALS = 61, DASH = 45, SPACE = 32, AT = 64, SLASH = 47, QUOTE = 34;

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? KIND[code]! : 0;
}

/** The text without its secrets: the very same string where there are none. */
export function redactText(text: string, rules: TextRules): string {
  const { length } = text;
  let redacted = "";
  let kept = 0;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code >= 128 || (KIND[code]! & TRIGGER) === 0) {
      at++;
      continue;
    }
    const found = ruleAt(text, at, code, rules);
    if (found === undefined) at++;
    else if ("next" in found) {
      rules.examined += found.next - at;
      at = found.next;
    } else {
      rules.examined += found.to - at;
      redacted += text.slice(kept, found.from) + rules.replacement;
      kept = at = found.to;
    }
  }
  rules.examined += length;
  return kept === 0 ? text : redacted + text.slice(kept);
}

function ruleAt(text: string, at: number, code: number, rules: TextRules): Found {
  if (code === COLON) return urlAt(text, at, rules) ?? valueAfter(text, at, rules);
  if (code === EQUALS) return valueAfter(text, at, rules);
  if (code === DASH) return pemAt(text, at, rules);
  // All others begin a word: in the middle of one they mean nothing.
  if (at > 0 && (kindAt(text, at - 1) & WORD) !== 0 && text.charCodeAt(at - 1) !== DASH) return undefined;
  if ((KIND[code]! & DIGIT) !== 0) return cardAt(text, at);
  return schemeAt(text, at, code, rules) ?? tokenAt(text, at, code, rules);
}

/** The password of a URL's user, or the user alone, who is a token then. */
function urlAt(text: string, at: number, rules: TextRules): Found {
  if (text.charCodeAt(at + 1) !== SLASH || text.charCodeAt(at + 2) !== SLASH) return undefined;
  const start = at + 3;
  const limit = Math.min(text.length, start + MAX_USERINFO);
  let colon = -1;
  let end = -1;
  let i = start;
  for (; i < limit; i++) {
    const code = text.charCodeAt(i);
    if (code === SLASH || code === 63 || code === 35 || code <= SPACE || code === QUOTE) break;
    if (code === COLON && colon < 0) colon = i;
    if (code === AT) end = i;
  }
  rules.examined += i - start;
  if (end < 0) return { next: start };
  return { from: colon >= 0 && colon < end ? colon + 1 : start, to: end };
}

/** The value in `name=value`, `name: value` and `"name":"value"`. */
function valueAfter(text: string, at: number, rules: TextRules): Found {
  let end = at;
  const quoted = end > 0 && text.charCodeAt(end - 1) === QUOTE;
  if (quoted) end--;
  if (end > 0 && text.charCodeAt(end - 1) === 92) end--; // in JSON within JSON
  let start = end;
  while (start > 0 && end - start < MAX_NAME && (kindAt(text, start - 1) & WORD) !== 0) start--;
  rules.examined += end - start;
  // No name begins with a digit: this is an address and its port, or a time of day.
  if (end - start < 2 || (kindAt(text, start) & DIGIT) !== 0) return undefined;
  const name = text.slice(start, end);
  if (!rules.isSensitive(name)) return undefined;
  const isHeader = !quoted && text.charCodeAt(at) === COLON;
  const found = isHeader && /cookie$/i.test(name) ? restOfLine(text, at + 1) : valueAt(text, at + 1);
  return found && isPlain(name, text, found) ? { next: found.to } : found;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Whether the value is a number or truth that is no secret: `max_tokens=512`. */
function isPlain(name: string, text: string, { from, to }: Span): boolean {
  if (to - from > 15) return false;
  const value = text.slice(from, to);
  if (value === "true" || value === "false" || value === "null" || value === "undefined") return true;
  return /^\d+$/.test(value) && isHarmless(name, Number(value));
}

/** A header with several values: all of them. */
function restOfLine(text: string, at: number): Span | undefined {
  const from = text.charCodeAt(at) === SPACE ? at + 1 : at;
  let to = from;
  while (to < text.length && text.charCodeAt(to) >= SPACE && text.charCodeAt(to) !== QUOTE) to++;
  return to > from ? { from, to } : undefined;
}

function valueAt(text: string, at: number): Span | undefined {
  let from = at;
  while (from < text.length && text.charCodeAt(from) === SPACE) from++;
  const opening = text.charAt(from) === "\\" ? 2 : 1;
  const quote = text.charAt(from + opening - 1);
  if (quote === '"' || quote === "'") {
    from += opening;
    const close = text.indexOf(opening === 2 ? `\\${quote}` : quote, from);
    return close === from ? undefined : { from, to: close < 0 ? text.length : close };
  }
  let to = endOfValue(text, from);
  // "authorization: Bearer abc": the scheme is no secret, what follows is.
  if (to < text.length && text.charCodeAt(to) === SPACE && isScheme(text, from, to)) {
    const digest = (text.charCodeAt(from) | 32) === 100;
    const rest = digest ? restOfLine(text, to) : undefined;
    if (rest) return rest;
    from = to + 1;
    to = endOfValue(text, from);
  }
  return to > from ? { from, to } : undefined;
}

function endOfValue(text: string, from: number): number {
  let to = from;
  while (to < text.length && (kindAt(text, to) & END) === 0) to++;
  return to;
}

function isScheme(text: string, from: number, to: number): boolean {
  return to - from <= 9 && /^(?:bearer|basic|digest|token|negotiate)$/i.test(text.slice(from, to));
}

/** The credentials after "Bearer" and "Basic". */
function schemeAt(text: string, at: number, code: number, rules: TextRules): Found {
  if ((code | 32) !== 98) return undefined;
  const bearer = isWord(text, at, "bearer");
  const from = at + (bearer ? 7 : 6);
  if ((!bearer && !isWord(text, at, "basic")) || text.charCodeAt(from - 1) !== SPACE) return undefined;
  let to = from;
  // "basic authentication" is a word; credentials have a digit, a capital or padding.
  let coded = bearer;
  while (to < text.length && (kindAt(text, to) & B64) !== 0) {
    const next = text.charCodeAt(to++);
    coded ||= next < 97 && next !== DASH && next !== 46;
  }
  rules.examined += to - from;
  return coded && to - from >= 6 ? { from, to } : { next: from };
}

function isWord(text: string, at: number, word: string): boolean {
  return text.slice(at, at + word.length).toLowerCase() === word;
}

function tokenAt(text: string, at: number, code: number, rules: TextRules): Found {
  for (const [prefix, least] of BY_FIRST[code] ?? []) {
    if (!text.startsWith(prefix, at)) continue;
    let to = at + prefix.length;
    while (to < text.length && (kindAt(text, to) & WORD) !== 0) to++;
    rules.examined += to - at;
    return to - at - prefix.length >= least ? { from: at, to } : { next: to };
  }
  return undefined;
}

/** A private key in PEM: to its end, or to that of the text. */
function pemAt(text: string, at: number, rules: TextRules): Found {
  if (!text.startsWith(PEM_BEGIN, at)) return undefined;
  const label = text.slice(at, at + 64);
  rules.examined += label.length;
  if (!label.includes("PRIVATE KEY-----")) return { next: at + PEM_BEGIN.length };
  const end = text.indexOf(PEM_END, at);
  if (end < 0) return { from: at, to: text.length };
  const close = text.indexOf("-----", end + PEM_END.length);
  return { from: at, to: close < 0 ? text.length : close + 5 };
}

/** The number of a payment card: 13 to 19 digits, in groups or not, that pass the check of ISO/IEC 7812. */
function cardAt(text: string, at: number): Found {
  let to = at;
  let count = 0;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      count++;
      to = i + 1;
    } else if ((code !== SPACE && code !== DASH) || to !== i) break;
  }
  if (count < 13 || count > 19 || /[A-Za-z_]/.test(text.charAt(to))) return { next: to };
  const digits = text.slice(at, to).replace(/\D/g, "");
  return isIssued(digits) && luhn(digits) ? { from: at, to } : { next: to };
}

/** Whether a number begins as cards do: most moments and ids do not. */
function isIssued(digits: string): boolean {
  return /^(?:4|5[1-5]|2[2-7]|3[0-9]|6)/.test(digits) && (digits.length > 13 || digits[0] === "4");
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  return sum % 10 === 0;
}
