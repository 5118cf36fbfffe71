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
  /** Calls `listener` with every event, in order, at once. What it throws is counted and otherwise ignored. */
  subscribe(listener: (event: E) => void, options?: SubscribeOptions): () => void;
  /** The events from now on. Ends with the component or the signal; a slow reader loses the oldest, never memory. */
  stream(options?: StreamOptions): AsyncIterableIterator<E>;
  /** Exceptions thrown by listeners so far. */
  readonly listenerErrors: number;
}

/** Both sides of a component's events. */
export interface EventSource<E> extends Events<E> {
  /** Tells every listener. Never throws. */
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
  const listeners = new Set<(event: E) => void>();
  const enders = new Set<() => void>();
  let listenerErrors = 0;
  let closed = false;

  function subscribe(listener: (event: E) => void, { signal }: SubscribeOptions = {}): () => void {
    // A function of its own, so that the same listener may be subscribed twice.
    const own = (event: E) => listener(event);
    const unsubscribe = () => {
      listeners.delete(own);
      signal?.removeEventListener("abort", unsubscribe);
    };
    if (closed || signal?.aborted) return unsubscribe;
    listeners.add(own);
    signal?.addEventListener("abort", unsubscribe, { once: true });
    return unsubscribe;
  }

  function stream({ signal, capacity = 256 }: StreamOptions = {}): AsyncIterableIterator<E> {
    checkInteger("capacity", capacity, { min: 1 });
    const waiting: E[] = [];
    const readers: ((result: IteratorResult<E>) => void)[] = [];
    let ended = closed || signal?.aborted === true;
    const end = () => {
      ended = true;
      unsubscribe();
      enders.delete(end);
      signal?.removeEventListener("abort", end);
      for (const reader of readers.splice(0)) reader({ done: true, value: undefined });
    };
    const unsubscribe = subscribe((event) => {
      const reader = readers.shift();
      if (reader) return reader({ done: false, value: event });
      if (waiting.length >= capacity) waiting.shift();
      waiting.push(event);
    });
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
    emit(event) {
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch {
          listenerErrors++;
        }
      }
    },
    close() {
      closed = true;
      for (const end of [...enders]) end();
      listeners.clear();
    },
    get listenerErrors() {
      return listenerErrors;
    },
  };
}
