/**
 * How long a context lives: until it is closed, its deadline passes, or its parent ends.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { BallastError, checkNumber } from "../errors.ts";
import { deadlineSignal, type DerivedSignal, linkSignals } from "../signal.ts";

/** What a lifetime is made of. */
export interface LifetimeOptions {
  readonly clock: Clock;
  /** Whose it is, for the texts of errors. */
  readonly what: string;
  /** The lifetime that this one ends with. */
  readonly parent?: Lifetime;
  /** Milliseconds from now. */
  readonly deadlineMs?: number;
}

/**
 * A lifetime. Its signal is made when somebody asks for it: a context that nobody listens to has no timer,
 * and leaves no listener on its parent. Nor could it be made outside of a request, in workerd.
 */
export class Lifetime {
  /** When it ends at the latest, as the clock's `monotonic()` counts. */
  readonly deadline: number | undefined;
  readonly #clock: Clock;
  readonly #what: string;
  readonly #parent: Lifetime | undefined;
  #reason: BallastError | undefined;
  #derived: DerivedSignal | undefined;

  constructor({ clock, what, parent, deadlineMs }: LifetimeOptions) {
    this.#clock = clock;
    this.#what = what;
    this.#parent = parent;
    const own = deadlineMs === undefined
      ? Infinity
      : clock.monotonic() + checkNumber("deadlineMs", deadlineMs);
    const earliest = Math.min(own, parent?.deadline ?? Infinity);
    this.deadline = earliest === Infinity ? undefined : earliest;
  }

  /** Whether it is over, as far as anybody has looked. */
  get ended(): boolean {
    return this.#reason !== undefined;
  }

  get signal(): AbortSignal {
    return (this.#derived ??= this.#derive()).signal;
  }

  /** Ends it now: the signal aborts, timers and listeners are gone. */
  end(): void {
    this.#end(new BallastError("CLOSED", `${this.#what} is closed`));
  }

  #end(reason: BallastError): void {
    if (this.ended) return;
    this.#reason = reason;
    this.#derived?.abort(reason);
  }

  #derive(): DerivedSignal {
    const linked = linkSignals(this.#parent?.signal);
    if (this.#reason !== undefined) linked.abort(this.#reason);
    // The parent's deadline comes with the parent's signal.
    if (this.deadline === undefined || this.deadline === this.#parent?.deadline) return linked;
    const leftMs = Math.ceil(this.deadline - this.#clock.monotonic());
    if (leftMs <= 0) {
      this.#reason ??= new BallastError("TIMEOUT", `${this.#what} is past its deadline`, { retryable: true });
      linked.abort(this.#reason);
      return linked;
    }
    const timed = deadlineSignal(leftMs, {
      signal: linked.signal,
      what: this.#what,
      clock: this.#clock,
      keepAlive: false,
    });
    timed.signal.addEventListener("abort", linked.release, { once: true });
    return timed;
  }
}
