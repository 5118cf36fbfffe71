/**
 * One typed stream of events per component: a listener for programs, an async iterator for loops.
 *
 * @module
 */

import { checkInteger } from "./errors.ts";

/** How events are listened to. */
export interface SubscribeOptions {
  /** Unsubscribes when it aborts. */
  readonly signal?: AbortSignal;
}

/** How events are iterated over. */
export interface StreamOptions extends SubscribeOptions {
  /** Events held for a slow reader; beyond it the oldest is dropped. @default 256 */
  readonly capacity?: number;
}

/** The reading side of a component's events. */
export interface Events<E> {
  /** Calls `listener` with every event, in order. What it throws, or rejects with, is counted and otherwise ignored. */
  subscribe(listener: (event: E) => unknown, options?: SubscribeOptions): () => void;
  /** The events from now on. Ends with the component or the signal; a slow reader loses the oldest, never memory. */
  stream(options?: StreamOptions): AsyncIterableIterator<E>;
  /** Exceptions and rejections of listeners so far. */
  readonly listenerErrors: number;
}

/** Both sides of a component's events. */
export interface EventSource<E> extends Events<E> {
  /** Whether anybody listens: so that an event that comes often is not even made for nobody. */
  readonly heard: boolean;
  /** Tells every listener, at once unless one is being told. Never throws. */
  emit(event: E): void;
  /** Ends every stream and drops every listener. */
  close(): void;
}

/**
 * Makes a component's events.
 *
 * @example Listen, then leave
 * ```ts
 * import assert from "node:assert/strict";
 * import { createEvents } from "@ballast/runtime";
 *
 * const events = createEvents<{ type: "opened"; port: number }>();
 * const seen: number[] = [];
 * const unsubscribe = events.subscribe((event) => seen.push(event.port));
 * events.emit({ type: "opened", port: 8888 });
 * unsubscribe();
 * events.emit({ type: "opened", port: 8889 });
 * assert.deepEqual(seen, [8888]);
 * ```
 */
export function createEvents<E>(): EventSource<E> {
  const listeners = new Set<(event: E) => unknown>();
  const enders = new Set<() => void>();
  const pending: E[] = [];
  let telling = false;
  let listenerErrors = 0;
  let closed = false;

  function subscribe(listener: (event: E) => unknown, { signal }: SubscribeOptions = {}): () => void {
    // A function of its own, so that the same listener may be subscribed twice.
    const own = (event: E) => listener(event);
    const unsubscribe = () => {
      listeners.delete(own);
      enders.delete(unsubscribe);
      signal?.removeEventListener("abort", unsubscribe);
    };
    if (closed || signal?.aborted) return unsubscribe;
    listeners.add(own);
    enders.add(unsubscribe);
    signal?.addEventListener("abort", unsubscribe, { once: true });
    return unsubscribe;
  }

  function tell(event: E): void {
    for (const listener of [...listeners]) {
      // It may have left while an earlier listener was told.
      if (!listeners.has(listener)) continue;
      try {
        const result = listener(event);
        if (result instanceof Promise) result.catch(() => listenerErrors++);
      } catch {
        listenerErrors++;
      }
    }
  }

  function emit(event: E): void {
    if (listeners.size === 0) return;
    pending.push(event);
    // A listener that sets off further events: those wait, so that everybody hears all of them in the same order.
    if (telling) return;
    telling = true;
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) tell(next);
    telling = false;
  }

  function stream({ signal, capacity = 256 }: StreamOptions = {}): AsyncIterableIterator<E> {
    checkInteger("capacity", capacity, { min: 1 });
    const waiting: E[] = [];
    const readers: ((result: IteratorResult<E>) => void)[] = [];
    let ended = closed || signal?.aborted === true;
    const unsubscribe = subscribe((event) => {
      const reader = readers.shift();
      if (reader) return reader({ done: false, value: event });
      if (waiting.length >= capacity) waiting.shift();
      waiting.push(event);
    });
    const end = () => {
      ended = true;
      unsubscribe();
      enders.delete(end);
      signal?.removeEventListener("abort", end);
      for (const reader of readers.splice(0)) reader({ done: true, value: undefined });
    };
    if (ended) unsubscribe();
    else {
      enders.add(end);
      signal?.addEventListener("abort", end, { once: true });
    }
    return {
      next: () => {
        if (waiting.length > 0) return Promise.resolve({ done: false, value: waiting.shift()! });
        if (ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => readers.push(resolve));
      },
      return: () => {
        end();
        waiting.length = 0;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  return {
    subscribe,
    stream,
    emit,
    get heard() {
      return listeners.size > 0;
    },
    close() {
      closed = true;
      for (const end of [...enders]) end();
    },
    get listenerErrors() {
      return listenerErrors;
    },
  };
}
