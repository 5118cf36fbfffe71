/** A service in simulated time: open-loop arrivals, an admission in front, a pool of servers behind. */

import {
  createAdmission,
  type OverloadEvent,
  type Priority,
  type RefusalReason,
} from "@ballast/runtime/overload";
import type { AdmissionOptions, AdmissionSnapshot } from "@ballast/runtime/overload";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";

/** Somebody who sends requests. */
export interface Source {
  readonly client?: string;
  readonly priority?: Priority;
  /** Of the phase's arrivals. @default 1 */
  readonly share?: number;
}

/** A stretch of time. */
export interface Phase {
  readonly ms: number;
  /** Arrivals a second, at random (Poisson). */
  readonly perSecond: number;
  /** How long a server takes. @default 20 */
  readonly serviceMs?: number;
  /** Whether everything takes that long and then fails, however many servers are free. */
  readonly timesOut?: boolean;
  /** Milliseconds each request has. @default no deadline */
  readonly deadlineMs?: number;
}

export interface Service {
  readonly seed?: number;
  /** Servers behind: more wait in line there. @default 10 */
  readonly servers?: number;
  readonly admission?: AdmissionOptions;
  readonly sources?: readonly Source[];
  readonly phases: readonly Phase[];
}

/** What came of the requests of one phase. */
export interface Outcomes {
  readonly arrived: number;
  readonly served: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
  /** From arrival to answer, of those served; sorted. */
  readonly latencies: readonly number[];
  /** Served and asked by client or priority. */
  readonly by: ReadonlyMap<string, { served: number; arrived: number }>;
  /** The limit at its end, and its extremes. */
  readonly limit: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Simulated {
  readonly phases: readonly Outcomes[];
  readonly snapshot: AdmissionSnapshot;
  /** Everything that was decided, in order. */
  readonly journal: readonly OverloadEvent[];
}

interface Tally {
  arrived: number;
  served: number;
  refused: Partial<Record<RefusalReason, number>>;
  latencies: number[];
  by: Map<string, { served: number; arrived: number }>;
}

/** Runs a service; the same seed gives the same run. */
export async function simulate(
  { seed = 1, servers = 10, admission: options, sources = [{}], phases }: Service,
): Promise<
  Simulated
> {
  const clock = simulatedClock({ seed });
  const admission = createAdmission({ clock, ...options });
  const journal: OverloadEvent[] = [];
  admission.events.subscribe((event) => journal.push(event));
  const backend = createBackend(clock, servers);
  const outcomes: Outcomes[] = [];

  for (const phase of phases) {
    const { serviceMs = 20, timesOut = false, deadlineMs } = phase;
    const tally: Tally = { arrived: 0, served: 0, refused: {}, latencies: [], by: new Map() };
    const end = clock.monotonic() + phase.ms;
    let [lowest, highest] = [admission.limit, admission.limit];
    const under = admission.events.subscribe((event) => {
      if (event.type !== "limit") return;
      lowest = Math.min(lowest, event.limit);
      highest = Math.max(highest, event.limit);
    });

    const arrive = async (): Promise<void> => {
      const source = pick(sources, clock.random());
      const key = source.client ?? source.priority ?? "";
      const count = tally.by.get(key) ?? { served: 0, arrived: 0 };
      tally.by.set(key, count);
      tally.arrived++;
      count.arrived++;
      const since = clock.monotonic();
      const deadline = deadlineMs === undefined ? undefined : since + deadlineMs;
      const answer = await admission.ask({ ...source, deadline });
      if (!answer.admitted) {
        tally.refused[answer.reason] = (tally.refused[answer.reason] ?? 0) + 1;
        return;
      }
      if (timesOut) await new Promise<void>((resolve) => clock.schedule(serviceMs, resolve));
      else await backend(serviceMs);
      answer.done(timesOut ? "failure" : "success");
      if (timesOut) return;
      tally.served++;
      count.served++;
      tally.latencies.push(clock.monotonic() - since);
    };

    // Timers are due at whole milliseconds; several may arrive within one.
    let nextAt = clock.monotonic();
    const gapMs = () => -Math.log(1 - clock.random()) * 1_000 / phase.perSecond;
    const next = (): void => {
      for (; nextAt <= clock.monotonic(); nextAt += gapMs()) void arrive();
      if (nextAt < end) clock.schedule(nextAt - clock.monotonic(), next);
    };

    nextAt += gapMs();
    next();
    await clock.advance(phase.ms);
    under();
    outcomes.push({ ...tally, limit: admission.limit, lowest, highest });
  }
  const snapshot = admission.snapshot();
  admission.close();
  await clock.advance(10_000);
  for (const { latencies } of outcomes) (latencies as number[]).sort((a, b) => a - b);
  return { phases: outcomes, snapshot, journal };
}

function pick(sources: readonly Source[], random: number): Source {
  const total = sources.reduce((sum, { share = 1 }) => sum + share, 0);
  let left = random * total;
  return sources.find(({ share = 1 }) => (left -= share) < 0) ?? sources[0]!;
}

/** So many at a time, the others in line. */
function createBackend(clock: SimulatedClock, servers: number): (serviceMs: number) => Promise<void> {
  const line: (() => void)[] = [];
  let busy = 0;
  return async (serviceMs) => {
    if (busy >= servers) await new Promise<void>((resolve) => line.push(resolve));
    else busy++;
    await new Promise<void>((resolve) => clock.schedule(serviceMs * (0.8 + 0.4 * clock.random()), resolve));
    const next = line.shift();
    if (next) next();
    else busy--;
  };
}

/** The value that a share `q` of sorted values does not exceed. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

export function refusedOf({ refused }: Outcomes): number {
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}
