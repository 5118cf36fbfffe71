/**
 * How long a context lives: until it is closed, its deadline passes, or what it hangs on ends.
 *
 * @module
 */

import { type Clock, MAX_DELAY_MS, type Timer } from "../clock.ts";
import { BallastError } from "../errors.ts";

/** Something that has a signal: a `Request`, an `AbortController`. */
export interface Signalled {
  /** Aborts when it ends. */
  readonly signal: AbortSignal;
}

/** What a lifetime is made of. */
export interface LifetimeOptions {
  readonly clock: Clock;
  /** Whose it is, for the texts of errors. */
  readonly name: string;
  /** The lifetime that this one ends with. */
  readonly parent?: Lifetime;
  /** When it ends at the latest, as the clock's `monotonic()` counts: the parent's deadline, or its own if that is earlier. */
  readonly deadline: number | undefined;
  /** What its own was given as, for the texts of errors. */
  readonly deadlineMs: number | undefined;
  /** What it ends with, besides. */
  readonly until?: Signalled;
  /** Whether the timer of its deadline keeps the process alive. @default false */
  readonly keepAlive?: boolean;
}

/**
 * A lifetime. It watches its end only while somebody asks for its signal, or for that of one below it: a context that
 * nobody listens to has no timer, no listener, and is not known to its parent.
 */
export class Lifetime {
  /** When it ends at the latest, as the clock's `monotonic()` counts. */
  readonly deadline: number | undefined;
  readonly #options: LifetimeOptions;
  #over = false;
  #reason: unknown;
  #watching = false;
  #controller: AbortController | undefined;
  // Lifetimes, not listeners on one signal: thousands of those would look like a leak to Node, and be slow to remove.
  #followers: Set<Lifetime> | undefined;
  #timer: Timer | undefined;
  #source: AbortSignal | undefined;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.deadline = options.deadline;
  }

  /** Whether it is over, as far as anybody has looked. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether somebody holds its signal, or that of one below it. */
  get watched(): boolean {
    return this.#watching;
  }

  /** Lifetimes below it that are watched. */
  get followers(): number {
    return this.#followers?.size ?? 0;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#watch();
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort(this.#why);
    }
    return this.#controller.signal;
  }

  /** Milliseconds left; 0 when it is over, Infinity where there is no deadline. */
  get remainingMs(): number {
    if (this.#over) return 0;
    if (this.deadline === undefined) return Infinity;
    return Math.max(0, this.deadline - this.#options.clock.monotonic());
  }

  /** Ends it now: its signal aborts, and so do those below; timers and listeners are gone. */
  close(): void {
    if (this.#over) return;
    if (this.#watching) this.#end(this.#closedError());
    else this.#over = true;
  }

  /** Made when somebody asks: an error costs many times what a context does. */
  get #why(): unknown {
    return this.#reason ??= this.#closedError();
  }

  #closedError(): BallastError {
    return new BallastError("CLOSED", `the context "${this.#options.name}" is closed`);
  }

  #watch(): void {
    if (this.#watching || this.#over) return;
    const { parent, until, clock, keepAlive } = this.#options;
    if (parent !== undefined) {
      parent.#watch();
      if (parent.#over) return this.#end(parent.#why);
      (parent.#followers ??= new Set()).add(this);
    }
    this.#watching = true;
    // The parent's deadline comes with the parent's end.
    if (this.deadline !== undefined && this.deadline !== parent?.deadline) {
      const leftMs = this.deadline - clock.monotonic();
      if (leftMs <= 0) return this.#expire();
      if (leftMs <= MAX_DELAY_MS) this.#timer = clock.schedule(leftMs, this.#expire, { keepAlive });
    }
    const source = until?.signal;
    if (source?.aborted) return this.#end(source.reason);
    this.#source = source;
    source?.addEventListener("abort", this.#leave);
  }

  #unwatch(): void {
    if (!this.#watching) return;
    this.#watching = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#source?.removeEventListener("abort", this.#leave);
    this.#source = undefined;
    const { parent } = this.#options;
    if (parent === undefined || !parent.#followers?.delete(this)) return;
    if (parent.#followers.size === 0 && parent.#controller === undefined) parent.#unwatch();
  }

  readonly #expire = (): void => {
    const { name, deadlineMs } = this.#options;
    const message = `the context "${name}" took longer than ${deadlineMs} ms`;
    this.#end(new BallastError("TIMEOUT", message, { retryable: true, data: { timeoutMs: deadlineMs } }));
  };

  readonly #leave = (): void => this.#end(this.#source?.reason);

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#reason = reason;
    this.#unwatch();
    const followers = this.#followers;
    this.#followers = undefined;
    for (const follower of followers ?? []) follower.#end(reason);
    this.#controller?.abort(reason);
  }
}
