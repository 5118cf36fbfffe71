/**
 * Goodput under overload: open-loop load from another process at 0.8, 1, 3 and 10 times what the bare server can do, on connections that
 * are open already and on such that are opened on demand; beside the bare server, and `overload-protection`.
 *
 * A request of `cpu` holds the event loop for 5 ms, by the clock on the wall. One of `wait` waits 20 ms for one of ten connections.
 *
 * @module
 */

import type { LoadResult } from "./overload_load.ts";
import {
  type Engine,
  type Kind,
  prepareProcesses,
  type Processes,
  type ServerProcess,
  type Work,
} from "./overload_processes.ts";

/** One run. */
export interface OverloadRun extends LoadResult {
  readonly engine: Engine;
  readonly work: Work;
  readonly kind: Kind;
  readonly times: number;
  /** Connections: open already, or opened on demand. */
  readonly connections: "open" | "on demand";
  /** Of the capacity: what the bare server does with eight connections that never pause. */
  readonly share: number;
}

/** All runs. */
export interface OverloadResult {
  readonly capacities: readonly {
    readonly engine: Engine;
    readonly work: Work;
    readonly perSecond: number;
  }[];
  readonly runs: readonly OverloadRun[];
}

const KINDS: readonly Kind[] = ["bare", "overload-protection", "ballast"];
const OPEN = 100;

/** Runs all of it: about ten minutes; quick, only that it runs. */
export async function measureOverload(quick: boolean): Promise<OverloadResult> {
  const processes = await prepareProcesses();
  const [loads, ms] = quick ? [[3], 1_000] : [[0.8, 1, 3, 10], 4_000];
  const capacities: OverloadResult["capacities"][number][] = [];
  const runs: OverloadRun[] = [];
  try {
    for (const engine of processes.engines) {
      for (const work of ["cpu", "wait"] as const) {
        const perSecond = await capacityOf(processes, engine, work);
        capacities.push({ engine, work, perSecond });
        for (const times of loads) {
          for (const connections of quick ? ["open"] as const : ["open", "on demand"] as const) {
            for (const kind of KINDS) {
              const result = await using(
                processes.start(engine, kind, work),
                (server) => server.open(times * perSecond, ms, connections === "open" ? OPEN : 0),
              );
              const share = result.goodput / perSecond;
              runs.push({ engine, work, kind, times, connections, ...result, share });
            }
          }
        }
      }
    }
  } finally {
    await processes.dispose();
  }
  return { capacities, runs };
}

async function capacityOf(processes: Processes, engine: Engine, work: Work): Promise<number> {
  const connections = work === "cpu" ? 8 : 20;
  const { perSecond } = await using(
    processes.start(engine, "bare", work),
    (server) => server.closed(connections, 2_000, 1),
  );
  return perSecond;
}

async function using<T>(
  starting: Promise<ServerProcess>,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Prints the runs. */
export function printOverload({ capacities, runs }: OverloadResult): void {
  const ms = (value: number | null) => (value === null ? "-" : value.toFixed(0)).padStart(6);
  for (const { engine, work, perSecond } of capacities) {
    console.log(`\n${engine}, ${work}: ${perSecond.toFixed(0)} requests a second are what it can do`);
    console.log(
      "  load  connections  server               goodput  p50    p99  refused  p50  timeouts  health  meta",
    );
    for (const run of runs.filter((run) => run.engine === engine && run.work === work)) {
      console.log(
        `  ${`${run.times}x`.padEnd(5)} ${run.connections.padEnd(12)} ${run.kind.padEnd(20)} ${
          (run.share * 100).toFixed(0).padStart(6)
        }% ${ms(run.admittedP50)} ${ms(run.admittedP99)} ${String(run.refused).padStart(7)} ${
          ms(run.refusedP50)
        } ${String(run.timeouts).padStart(7)} ${ms(run.healthMax)} ${ms(run.metaMax)}`,
      );
    }
  }
}
