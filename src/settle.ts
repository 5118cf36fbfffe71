/**
 * What a call comes to, at once or later.
 *
 * @module
 */

/**
 * Has `finish` make the result of what `call` returns or resolves with, and `fail` hear of what it throws or rejects with; of what `finish`
 * throws as well. What is there at once is returned at once: each promise that waits for another one costs a request a tenth of what a
 * router does.
 */
export function settle<T, R>(
  call: () => T | PromiseLike<T>,
  finish: (value: T) => R,
  fail: (error: unknown) => never,
): R | Promise<R> {
  const finished = (value: T): R => {
    try {
      return finish(value);
    } catch (error) {
      return fail(error);
    }
  };
  let value: T | PromiseLike<T>;
  try {
    value = call();
  } catch (error) {
    return fail(error);
  }
  return isThenable(value) ? Promise.resolve(value).then(finished, fail) : finished(value);
}

/** Whether it is a promise, of whatever make. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
