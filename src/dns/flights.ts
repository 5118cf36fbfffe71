/**
 * Lookups of single records under way: counted, and, where one ends with the request that began it, handed to that request's
 * `waitUntil`, and given up when it has come to nothing for too long.
 *
 * What happens at the end of a flight is called, not awaited: what awaits ends with its request as well.
 *
 * @module
 */

import { detached } from "../clock.ts";
import { keepUntilDone } from "../context/wait_until.ts";
import { delay } from "../signal.ts";
import type { Settings } from "./options.ts";

/** Who waits for it: a caller, or nobody. */
export type Lane = "foreground" | "background";

/** One lookup under way. */
export interface Flight {
  /** Settled when it is over, in the request that began it. Never rejects. */
  readonly landed: Promise<void>;
  /** Lost, when it was given up: whatever it comes to after that does not count. */
  readonly state: "under way" | "over" | "lost";
}

/** How a lookup is done, and who hears of its end. */
export interface FlightPlan {
  /** Asks, and sees to what comes of it. Must not reject. */
  readonly lookUp: (flight: Flight) => Promise<void>;
  /** It is over, or lost: called once. */
  readonly ended: () => void;
  /** It is lost, and has ended. */
  readonly lost: () => void;
}

/** The lookups of one cache. */
export interface Flights {
  /** How many are under way. */
  readonly counts: Readonly<Record<Lane, number>>;
  /** Begins one. */
  begin(lane: Lane, plan: FlightPlan): Flight;
  /** Waits until a flight that another request may have begun has ended. */
  follow(flight: Flight): Promise<void>;
}

/** How soon, and then how seldom, a flight of another request is looked after. */
const FIRST_LOOK_MS = 2;
const MAX_LOOK_MS = 25;

/** Keeps the lookups of a cache. */
export function createFlights({ clock, timeoutMs, attempts, waitUntil }: Settings): Flights {
  const counts: Record<Lane, number> = { foreground: 0, background: 0 };
  const { catchUp } = clock;
  // A denial may have to be confirmed; and one attempt to spare.
  const longestMs = timeoutMs * (attempts + 2);

  function begin(lane: Lane, { lookUp, ended, lost }: FlightPlan): Flight {
    const flight = { landed: Promise.resolve(), state: "under way" as Flight["state"] };
    const end = (state: Flight["state"]) => {
      if (flight.state !== "under way") return;
      flight.state = state;
      counts[lane]--;
      watchdog?.cancel();
      ended();
    };
    const watchdog = catchUp && clock.schedule(longestMs, () => {
      end("lost");
      lost();
    });
    counts[lane]++;
    // Shared by all who ask, so it belongs to the flow of none of them.
    flight.landed = detached(async () => {
      await lookUp(flight);
      end("over");
    });
    if (catchUp) keepUntilDone(flight.landed, waitUntil);
    return flight;
  }

  /** Neither a promise nor a timer of another request may be waited for: it may be gone, and they with it. */
  async function follow(flight: Flight): Promise<void> {
    for (let ms = FIRST_LOOK_MS; flight.state === "under way"; ms = Math.min(ms * 1.5, MAX_LOOK_MS)) {
      await delay(ms, { clock });
      catchUp?.();
    }
  }

  return { counts, begin, follow };
}
