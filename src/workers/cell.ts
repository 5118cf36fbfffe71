/**
 * The memory that a pool shares with one worker. It settles, without a message, whether a call has begun, and tells whether it
 * has ended, how, and how long it took: so an answer is nothing but the value.
 *
 * A call begins when the worker turns its slot from pending to started, and is taken back when the pool turns it from
 * pending to withdrawn: one of them succeeds, never both. So a pool that ends a worker knows exactly which calls may have
 * left traces, and which it can safely give to another one.
 *
 * @module
 */

import { SLOTS } from "./protocol.ts";

const PENDING = 0;
const STARTED = 1;
const WITHDRAWN = 2;
const FINISHED = 3;
const THREW = 4;

/** Places before the slots; behind those come as many for the time that each call took. */
const BEATS = 0;
const HEAP_KIB = 1;
const POSTED = 2;
const HEADER = 4;

/** The cell of one worker. */
export class Cell {
  /** To be posted to the worker. */
  readonly memory: SharedArrayBuffer;
  readonly #places: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#places = new Int32Array(memory);
  }

  /** For the pool: call number `call` is about to be sent. */
  offer(call: number): void {
    Atomics.store(this.#places, slotOf(call), PENDING);
  }

  /** For the pool: takes a call back. False when it has begun, and can no longer be. */
  withdraw(call: number): boolean {
    const was = Atomics.compareExchange(this.#places, slotOf(call), PENDING, WITHDRAWN);
    return was === PENDING || was === WITHDRAWN;
  }

  /** For the pool: whether a call has not begun. */
  isPending(call: number): boolean {
    return Atomics.load(this.#places, slotOf(call)) === PENDING;
  }

  /** For the pool: whether a call runs now. */
  isRunning(call: number): boolean {
    return Atomics.load(this.#places, slotOf(call)) === STARTED;
  }

  /** For the worker: begins a call. False when it was taken back. */
  start(call: number): boolean {
    return Atomics.compareExchange(this.#places, slotOf(call), PENDING, STARTED) === PENDING;
  }

  /** For the worker: a call has ended, and its value will be on its way. */
  finish(call: number, threw: boolean, micros: number): void {
    const slot = slotOf(call);
    this.#places[slot + SLOTS] = micros;
    Atomics.store(this.#places, slot, threw ? THREW : FINISHED);
  }

  /** For the pool, of a call that was answered: whether its value is what it threw. */
  threw(call: number): boolean {
    return Atomics.load(this.#places, slotOf(call)) === THREW;
  }

  /** For the pool, of a call that was answered: how long it took, in microseconds. */
  micros(call: number): number {
    return this.#places[slotOf(call) + SLOTS]!;
  }

  /** For the pool: every call up to this number is on its way, or was. */
  set posted(calls: number) {
    Atomics.store(this.#places, POSTED, calls);
  }

  /** For the worker: calls that were sent, those that have not arrived included. */
  get posted(): number {
    return Atomics.load(this.#places, POSTED);
  }

  /** For the worker: a sign of life. */
  beat(): void {
    Atomics.add(this.#places, BEATS, 1);
  }

  /** Changes with every sign of life. */
  get beats(): number {
    return Atomics.load(this.#places, BEATS);
  }

  /** The worker's heap, 0 while it is not known. */
  get heapBytes(): number {
    return Atomics.load(this.#places, HEAP_KIB) * 1024;
  }

  set heapBytes(bytes: number) {
    Atomics.store(this.#places, HEAP_KIB, Math.ceil(bytes / 1024));
  }
}

/** Makes a cell, or undefined where memory cannot be shared. */
export function createCell(): Cell | undefined {
  if (typeof SharedArrayBuffer !== "function") return undefined;
  return new Cell(new SharedArrayBuffer((HEADER + 2 * SLOTS) * Int32Array.BYTES_PER_ELEMENT));
}

function slotOf(call: number): number {
  return HEADER + (call & (SLOTS - 1));
}
