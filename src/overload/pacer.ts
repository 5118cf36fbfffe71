/**
 * Paces what is started on one event loop.
 *
 * A handler that computes for five milliseconds holds the loop, and whatever arrived meanwhile would be started in the same breath, one after
 * the other, before anything could be refused. So no more is started in a turn of the loop than fits into a few milliseconds: one at
 * a time where turns are long, more where they prove to be short.
 *
 * @module
 */

/** Says when the next may be started. */
export interface Pacer {
  /** Whether none may be started before the next turn. */
  readonly held: boolean;
  /** Notes that one is started. */
  started(now: number): void;
}

/** What a pacer needs. */
export interface PacerOptions {
  /** Waits for the next turn of the event loop. */
  readonly nextTurn: () => Promise<void>;
  /** Waits until what has come to the sockets is taken in, if a turn is not enough for that. */
  readonly nextPoll?: (arrivals: () => number, isOver: () => boolean) => Promise<void>;
  /** How many have been taken in. */
  readonly arrivals: () => number;
  readonly monotonic: () => number;
  /** Called in the next turn, when more may be started. */
  readonly resume: (now: number) => void;
}

/** A turn shorter than this could have held twice as much; one that is longer, and more was started than one, too much. */
const SHORT_TURN_MS = 2;
const LONG_TURN_MS = 4;
/** What it takes to take one in and to refuse it, roughly: a turn full of refusals is not one in which too much was started. */
const REFUSAL_MS = 0.2;
/** More than this is not waited for what has come: while there is a flood of it, something always has. */
const MAX_POLL_MS = 2;
/** Started in one turn at most, so that handlers that suddenly take long do not hold the loop for long. */
const MAX_PER_TURN = 32;

/** A pacer that lets everything be started at once: where what is started runs elsewhere. */
export const unpaced: Pacer = { held: false, started() {} };

/** Makes a pacer for what runs on this event loop. */
export function createPacer({ nextTurn, nextPoll, arrivals, monotonic, resume }: PacerOptions): Pacer {
  let perTurn = 1;
  let count = 0;
  let held = false;
  /** When the first since the last turn was started. */
  let firstAt = 0;

  async function wait(since: number): Promise<void> {
    const before = arrivals();
    await nextTurn();
    let now = monotonic();
    const tookMs = now - since - (arrivals() - before) * REFUSAL_MS;
    if (tookMs > LONG_TURN_MS) {
      perTurn = 1;
      // What has come meanwhile is to be taken in before the loop is held again.
      if (nextPoll !== undefined) {
        const until = now + MAX_POLL_MS;
        await nextPoll(arrivals, () => monotonic() > until);
        now = monotonic();
      }
    }
    if (tookMs < SHORT_TURN_MS) perTurn = Math.min(MAX_PER_TURN, perTurn * 2);
    count = 0;
    held = false;
    resume(now);
  }

  return {
    get held() {
      return held;
    },
    started(now) {
      if (count === 0) firstAt = now;
      // Either may be too much: many, or few that take long before they first wait.
      if (++count < perTurn && now - firstAt < SHORT_TURN_MS) return;
      held = true;
      void wait(now);
    },
  };
}
