/**
 * Which names say that their value is a secret.
 *
 * @module
 */

/** Of these a secret's name may contain one anywhere: nothing else is called so. */
const ANYWHERE: readonly string[] = [
  "password",
  "passwd",
  "passphrase",
  "authorization",
  "apikey",
  "privatekey",
  "accesskey",
  "credential",
];

/** One of these must be a word of the name, in the singular or plural; a long one may also end a name without words. */
const WORDS: readonly string[] = [
  "token",
  "secret",
  "cookie",
  "sessionid",
  "pwd",
  "jwt",
  "otp",
  "cvv",
  "cvc",
  "ssn",
];

/** So long must a word be to be found at the end of `accesstoken`; a short one would be found in "bypass". */
const MIN_SUFFIX = 5;
/** Of a name, what is looked at. */
const MAX_NAME = 200;
/** Names are few, and asked for again and again: so many answers are remembered. */
const MAX_REMEMBERED = 2_000;
/** A number of this name counts or measures secrets, and is none. */
const COUNT = /(?:count|tokens|cookies|secrets|length|size|limit|ms|bytes|at|age)$/i;

/** Tells whether the value of a name is a secret. */
export type KeyTest = (name: string) => boolean;

/** Makes the test, with further names: a text is a word or words of a name, however written; a pattern meets the name as it is. */
export function keyTest(further: readonly (string | RegExp)[], defaults: boolean): KeyTest {
  const words = new Set(defaults ? WORDS : []);
  const patterns: RegExp[] = [];
  for (const key of further) {
    if (typeof key === "string") words.add(key.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
    else patterns.push(new RegExp(key.source, key.flags.replace(/[gy]/g, "")));
  }
  words.delete("");
  const anywhere = defaults ? ANYWHERE : [];
  const remembered = new Map<string, boolean>();
  return (name) => {
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const sensitive = isSensitive(name.slice(0, MAX_NAME), anywhere, words, patterns);
    if (name.length <= MAX_NAME) {
      if (remembered.size === MAX_REMEMBERED) remembered.clear();
      remembered.set(name, sensitive);
    }
    return sensitive;
  };
}

/** Whether a number or a truth under a sensitive name is harmless: `maxTokens: 512`, `hasCookie: true`. */
export function isHarmless(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === "boolean") return true;
  return typeof value === "number" && COUNT.test(name.slice(-MAX_NAME));
}

function isSensitive(
  name: string,
  anywhere: readonly string[],
  words: ReadonlySet<string>,
  patterns: readonly RegExp[],
): boolean {
  const parts = partsOf(name);
  const whole = parts.join("");
  if (anywhere.some((term) => whole.includes(term))) return true;
  if (patterns.some((pattern) => pattern.test(name))) return true;
  for (const word of words) {
    if (word.length >= MIN_SUFFIX && (whole.endsWith(word) || whole.endsWith(`${word}s`))) return true;
  }
  return parts.some((_, from) => startsWithWord(parts, from, words));
}

/** Whether some parts of the name from this one on are a word: `session`, `id` for "sessionid". */
function startsWithWord(parts: readonly string[], from: number, words: ReadonlySet<string>): boolean {
  let joined = "";
  for (const part of parts.slice(from, from + 4)) {
    joined += part;
    if (words.has(joined) || (joined.endsWith("s") && words.has(joined.slice(0, -1)))) return true;
  }
  return false;
}

/** The words of a name: `X-Api-Key`, `x_api_key` and `xApiKey` are of three each. */
function partsOf(name: string): string[] {
  return name.replace(/(\p{Ll}|\p{N})(?=\p{Lu})/gu, "$1 ").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(
    Boolean,
  );
}
