/**
 * Secrets kept out of what is logged: by the name of a value, and by what a text looks like.
 *
 * @module
 */

import { show } from "../errors.ts";
import { isHarmless, keyTest } from "./redact_keys.ts";
import { redactText, type TextRules } from "./redact_text.ts";

/** What is taken for a secret, beside what is anyway. */
export interface RedactOptions {
  /**
   * Further names whose values are secrets. A text stands for itself in any case and with any separators, as a
   * word of a name: "iban" also means `payeeIban` and `payee-iban`. A pattern is matched with the name as it is.
   *
   * @default none
   */
  readonly keys?: readonly (string | RegExp)[];
  /**
   * Further patterns of secrets within texts. They are applied to at most 2,048 characters; that they do not
   * take forever there is up to whoever writes them.
   *
   * @default none
   */
  readonly patterns?: readonly RegExp[];
  /** What stands in the place of a secret. @default "[redacted]" */
  readonly replace?: string;
  /**
   * Whether passwords, tokens, cookies, keys, cards and the like are known without being named.
   *
   * @default true
   */
  readonly defaults?: boolean;
}

/** Takes secrets out. */
export interface Redactor {
  /** What stands in the place of a secret. */
  readonly replacement: string;
  /** Whether a value of this name is a secret. */
  isSecret(name: string, value: unknown): boolean;
  /** The text without the secrets in it; the very same where there are none. Linear in its length, and never throws. */
  text(text: string): string;
  /** Secrets taken out so far. */
  readonly redacted: number;
  /** Characters looked at so far: what the texts have cost. */
  readonly examined: number;
}

/**
 * Makes a redactor. Every log has one; this is for what is shown elsewhere.
 *
 * Known without being named: values called password, token, secret, cookie, authorization, api key and so on;
 * within texts `name=value` of such a name, credentials after Bearer and Basic, JWTs, passwords in URLs, payment
 * cards, private keys in PEM, and the keys of AWS, GitHub, GitLab, Slack, Stripe, Google and npm.
 *
 * @example Take the secrets out of a text
 * ```ts
 * import assert from "node:assert/strict";
 * import { createRedactor } from "@ballast/runtime/log";
 *
 * const redactor = createRedactor({ keys: ["iban"] });
 * assert.equal(redactor.text("postgres://app:hunter2@db/shop"), "postgres://app:[redacted]@db/shop");
 * assert.equal(redactor.text("GET /?access_token=abc&page=2"), "GET /?access_token=[redacted]&page=2");
 * assert.equal(redactor.isSecret("X-Api-Key", "abc"), true);
 * assert.equal(redactor.isSecret("maxTokens", 512), false);
 * assert.equal(redactor.isSecret("payeeIban", "DE02…"), true);
 * ```
 * @throws {TypeError} when an option is not of its kind
 */
export function createRedactor(options: RedactOptions = {}): Redactor {
  const { keys = [], patterns = [], replace = "[redacted]", defaults = true } = checkOptions(options);
  const isSensitive = keyTest(keys, defaults);
  const rules: TextRules = { isSensitive, replacement: replace, examined: 0 };
  const further = patterns.map(({ source, flags }) =>
    new RegExp(source, flags.includes("g") ? flags : `${flags}g`)
  );
  let redacted = 0;

  function text(given: string): string {
    let clean = defaults || keys.length > 0 ? redactText(given, rules) : given;
    // A function, for in a text "$1" would mean something.
    for (const pattern of further) clean = clean.replace(pattern, () => replace);
    if (clean !== given) redacted++;
    return clean;
  }

  return {
    replacement: replace,
    isSecret(name, value) {
      if (!isSensitive(name) || isHarmless(name, value)) return false;
      redacted++;
      return true;
    },
    text,
    get redacted() {
      return redacted;
    },
    get examined() {
      return rules.examined;
    },
  };
}

/** Takes nothing out. */
export const noRedactor: Redactor = {
  replacement: "",
  isSecret: () => false,
  text: (text) => text,
  redacted: 0,
  examined: 0,
};

function checkOptions(options: RedactOptions): RedactOptions {
  const { keys = [], patterns = [], replace = "" } = options;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string" || key instanceof RegExp)) {
    throw new TypeError(`redact.keys must be a list of texts and patterns, got ${show(keys)}`);
  }
  if (!Array.isArray(patterns) || !patterns.every((pattern) => pattern instanceof RegExp)) {
    throw new TypeError(`redact.patterns must be a list of patterns, got ${show(patterns)}`);
  }
  if (typeof replace !== "string") throw new TypeError(`redact.replace must be a text, got ${show(replace)}`);
  return options;
}
