/**
 * Functions that count themselves.
 *
 * @module
 */

import { whenDone } from "./duration.ts";

/** Any function. */
// deno-lint-ignore no-explicit-any -- the arguments of any function are no narrower type
export type AnyFunction = (...args: any[]) => unknown;

/**
 * A function that does what `fn` does, with the same name, length and `this`. `begin` is called before each call; and what
 * it returns when the call is over: once it has returned or thrown, or once its promise is settled.
 */
export function wrap<F extends AnyFunction>(fn: F, begin: () => (failed: boolean) => unknown): F {
  if (typeof fn !== "function") throw new TypeError(`what is wrapped must be a function, got ${typeof fn}`);
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    const done = begin();
    return whenDone(() => fn.apply(this, args), done);
  };
  Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  Object.defineProperty(wrapped, "length", { value: fn.length, configurable: true });
  return wrapped as F;
}
