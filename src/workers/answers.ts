/**
 * The answers of a worker, on their way out: they travel in lists, and wait for each other no longer than they should.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { ChannelPort, Transfer } from "../platform/port.ts";
import type { Cell } from "./cell.ts";
import { LIST_LENGTH, NOTHING, type Notice } from "./protocol.ts";
import { takeTransfers } from "./transferring.ts";
import { encodeError } from "./wire_error.ts";

/** Answers wait no longer than this for others to join them, while calls go on. */
const HOLD_MS = 2;
/** Nor longer than this, once there are fewer calls left than answers: the pool is to send more in time. */
const SHORT_HOLD_MS = 0.5;
/** An answer that took longer to copy is worth telling; among many small ones it was something else that took the time. */
const SLOW_CLONE_MS = 5;
const SLOW_CLONE_ANSWERS = 4;

/** What answers are sent by. */
export interface AnswersOptions {
  readonly port: ChannelPort;
  /** Undefined where memory is not shared: then each answer goes alone, and says how its call ended. */
  readonly cell: Cell | undefined;
  readonly clock: Clock;
  readonly nextTurn: () => Promise<void>;
  /** Tells the pool something apart from answers. */
  readonly tell: (notice: Notice) => void;
}

/** The answers of one worker. Every call has one, in the order of the calls. */
export class Answers {
  /** Calls counted so far: the number of the next one. All of them but the last are answered. */
  calls = 0;
  /** When the last answer was there: when the next call begins. */
  now = 0;
  readonly #options: AnswersOptions;
  #values: unknown[] = [];
  #transfers: Transfer[] = [];
  /** The function of the last one, and when the oldest that waits was there. */
  #fn = 0;
  #heldSince = 0;
  /** Answers sent: the number of the call that the first of the list is for. */
  #sent = 0;
  #flushDue = false;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Answers the call that was counted last; gives how long that took, in microseconds. */
  add(fn: number, threw: boolean, value: unknown): number {
    const { cell, clock } = this.#options;
    const now = clock.monotonic();
    const micros = Math.round((now - this.now) * 1000);
    this.now = now;
    this.#fn = fn;
    if (typeof value === "object" && value !== null) takeTransfers(value, this.#transfers);
    if (cell === undefined) this.#sendAlone(threw, micros, value);
    else {
      cell.finish(this.calls - 1, threw, micros);
      this.#push(value);
    }
    return micros;
  }

  /** A call that was taken back still has its turn. */
  addSkipped(): void {
    if (this.#options.cell === undefined) this.#sendAlone(false, 0, undefined);
    else this.#push(undefined);
  }

  /** The calls at hand are done. Where more are on their way their answers may join those that wait. */
  rest(): void {
    if (this.#left > 0) this.flushSoon();
    else this.flush();
  }

  /** Sends what waits, if what goes on takes longer than this turn. */
  flushSoon(): void {
    if (this.#values.length === 0 || this.#flushDue) return;
    this.#flushDue = true;
    void this.#options.nextTurn().then(() => {
      this.#flushDue = false;
      // A call may be under way: that it began earlier stays.
      this.#send(this.#options.clock.monotonic());
    });
  }

  /** Sends what waits. The next call begins after that. */
  flush(): void {
    if (this.#values.length > 0) this.now = this.#send(this.now);
  }

  /** Calls that are not answered, those that have not arrived included; 0 where that cannot be known. */
  get #left(): number {
    const { cell } = this.#options;
    return cell === undefined ? 0 : (cell.posted - this.calls) | 0;
  }

  #push(value: unknown): void {
    const values = this.#values;
    if (values.length === 0) this.#heldSince = this.now;
    values.push(value);
    const heldMs = this.now - this.#heldSince;
    if (
      values.length >= LIST_LENGTH || heldMs >= HOLD_MS ||
      (heldMs >= SHORT_HOLD_MS && values.length >= this.#left)
    ) this.flush();
  }

  #sendAlone(threw: boolean, micros: number, value: unknown): void {
    const { port, tell } = this.#options;
    const transfers = this.#transfers;
    this.#transfers = [];
    try {
      port.postMessage({ type: "answer", threw, micros, value } satisfies Notice, transfers);
    } catch (error) {
      tell({ type: "answer", threw: true, micros, value: encodeError(uncloneable(error)) });
    }
  }

  /** Sends what waits, begun at `from`; gives when that was done. */
  #send(from: number): number {
    const values = this.#values;
    if (values.length === 0) return from;
    const { port, clock, tell } = this.#options;
    const transfers = this.#transfers;
    this.#values = [];
    this.#transfers = [];
    try {
      if (transfers.length > 0) port.postMessage(values, transfers);
      else port.postMessage(values.length === 1 ? alone(values) : values);
    } catch {
      this.#sendSingly(values, transfers);
    }
    this.#sent += values.length;
    const now = clock.monotonic();
    if (now - from >= SLOW_CLONE_MS && values.length <= SLOW_CLONE_ANSWERS) {
      tell({ type: "clone", fn: this.#fn, tookMs: now - from });
    }
    return now;
  }

  /** One of them cannot be copied: that one is answered with why, the others as they are. */
  #sendSingly(values: readonly unknown[], transfers: readonly Transfer[]): void {
    const { port, cell } = this.#options;
    const first = this.#sent;
    for (const [index, value] of values.entries()) {
      const own: Transfer[] = [];
      if (typeof value === "object" && value !== null && transfers.length > 0) takeTransfers(value, own);
      try {
        port.postMessage([value], own);
      } catch (error) {
        const call = first + index;
        cell!.finish(call, true, cell!.micros(call));
        port.postMessage([encodeError(uncloneable(error))]);
      }
    }
  }
}

/** One answer, in the cheapest form: Deno turns an undefined that is posted alone into null. */
function alone(values: readonly unknown[]): unknown {
  const [value] = values;
  if (value === undefined) return NOTHING;
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : values;
}

function uncloneable(error: unknown): TypeError {
  return new TypeError(
    `the result cannot be sent back from the worker: ${errorMessage(error)}; ` +
      "return plain data, without functions, symbols or live objects",
  );
}
