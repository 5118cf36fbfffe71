/**
 * A hierarchical timer wheel: any number of timers, one next deadline.
 *
 * Inserting and cancelling cost O(1); a timer moves at most once per level before it fires. Level 0 has a slot
 * per millisecond, each level above it slots 32 times as wide. The scheme is that of Varghese and Lauck, "Hashed
 * and Hierarchical Timing Wheels" (1987), laid out by shared prefix as in Linux before 4.8 and in Tokio: within
 * one level every occupied slot lies ahead of the current one, so the lowest set bit of a level is its next.
 *
 * @module
 */

const SLOT_BITS = 5;
const SLOTS = 1 << SLOT_BITS;
/** Nine levels of 32 slots reach 32^9 ms, more than a thousand years: no wrap-around to think about. */
const LEVELS = 9;
const SPANS: readonly number[] = Array.from({ length: LEVELS + 1 }, (_, level) => SLOTS ** level);

/** A timer in a wheel. Only the wheel touches its links. */
export interface WheelTimer {
  /** When it is due, in whole milliseconds of the wheel's time. */
  readonly deadline: number;
  readonly callback: () => void;
  /** Where it is: -1 when it has fired or was removed. */
  level: number;
  slot: number;
  previous: WheelTimer | undefined;
  next: WheelTimer | undefined;
}

/** Timers in slots; told the time, it calls what is due. */
export class TimerWheel {
  readonly #heads: (WheelTimer | undefined)[] = new Array(LEVELS * SLOTS).fill(undefined);
  readonly #occupied = new Int32Array(LEVELS);
  #elapsed = 0;
  #size = 0;

  /** Timers waiting. */
  get size(): number {
    return this.#size;
  }

  /** Adds a timer; a deadline that has passed is due at the next millisecond. */
  insert(deadline: number, callback: () => void): WheelTimer {
    const due = Math.max(Math.ceil(deadline), this.#elapsed + 1);
    const timer: WheelTimer = {
      deadline: due,
      callback,
      level: -1,
      slot: 0,
      previous: undefined,
      next: undefined,
    };
    this.#place(timer);
    this.#size++;
    return timer;
  }

  /** Takes a timer out. Returns false when it had fired or was out already. */
  remove(timer: WheelTimer): boolean {
    if (timer.level < 0) return false;
    this.#unlink(timer);
    this.#size--;
    return true;
  }

  /**
   * When the wheel wants to be advanced next: never later than the earliest deadline, `Infinity` when empty.
   * For a far timer it is when its slot has to be spread over the level below.
   */
  nextDeadline(): number {
    for (let level = 0; level < LEVELS; level++) {
      const occupied = this.#occupied[level]!;
      if (occupied !== 0) return this.#slotStart(level, lowestBit(occupied));
    }
    return Infinity;
  }

  /** Moves time on to `now` and calls what is due, in order of deadlines. Returns how many were called. */
  advance(now: number): number {
    let fired = 0;
    for (;;) {
      const start = this.nextDeadline();
      if (start > now) break;
      this.#elapsed = Math.max(this.#elapsed, start);
      const level = this.#lowestLevel();
      const slot = lowestBit(this.#occupied[level]!);
      if (level > 0) this.#spread(level, slot);
      else fired += this.#fire(slot);
    }
    this.#elapsed = Math.max(this.#elapsed, Math.floor(now));
    return fired;
  }

  #fire(slot: number): number {
    let fired = 0;
    for (let timer = this.#heads[slot]; timer !== undefined; timer = this.#heads[slot]) {
      this.#unlink(timer);
      this.#size--;
      fired++;
      try {
        timer.callback();
      } catch (error) {
        // As an ordinary timer's: the error is uncaught, the other timers still fire.
        queueMicrotask(() => {
          throw error;
        });
      }
      // A callback may only add timers for later milliseconds, so this slot empties.
    }
    return fired;
  }

  /** Hands the timers of a far slot, whose time has come, to the levels below. */
  #spread(level: number, slot: number): void {
    const index = level * SLOTS + slot;
    for (let timer = this.#heads[index]; timer !== undefined; timer = this.#heads[index]) {
      this.#unlink(timer);
      this.#place(timer);
    }
  }

  #place(timer: WheelTimer): void {
    let level = 0;
    while (
      level < LEVELS - 1 &&
      Math.floor(timer.deadline / SPANS[level + 1]!) !== Math.floor(this.#elapsed / SPANS[level + 1]!)
    ) level++;
    const slot = Math.floor(timer.deadline / SPANS[level]!) % SLOTS;
    const index = level * SLOTS + slot;
    // Appended at the end of a ring whose head knows its tail: timers of one millisecond fire in the order made.
    const head = this.#heads[index];
    if (head === undefined) {
      timer.previous = timer;
      timer.next = undefined;
      this.#heads[index] = timer;
      this.#occupied[level]! |= 1 << slot;
    } else {
      const tail = head.previous!;
      tail.next = timer;
      timer.previous = tail;
      timer.next = undefined;
      head.previous = timer;
    }
    timer.level = level;
    timer.slot = slot;
  }

  #unlink(timer: WheelTimer): void {
    const { level, slot } = timer;
    const index = level * SLOTS + slot;
    const head = this.#heads[index]!;
    if (timer === head) {
      this.#heads[index] = timer.next;
      if (timer.next === undefined) this.#occupied[level]! &= ~(1 << slot);
      else timer.next.previous = timer.previous;
    } else {
      timer.previous!.next = timer.next;
      if (timer.next === undefined) head.previous = timer.previous;
      else timer.next.previous = timer.previous;
    }
    timer.previous = timer.next = undefined;
    timer.level = -1;
  }

  #lowestLevel(): number {
    let level = 0;
    while (this.#occupied[level] === 0) level++;
    return level;
  }

  /** A level's slots lie in the same slot of the level above as the present. */
  #slotStart(level: number, slot: number): number {
    const block = SPANS[level + 1]!;
    return Math.floor(this.#elapsed / block) * block + slot * SPANS[level]!;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
