/**
 * What a listener of the server group costs, beside `Deno.serve` and `@hono/node-server`: processor time of a "hello" of Hono. The rounds
 * go by turns.
 *
 * @module
 */

import { median } from "./measure.ts";
import { type Engine, prepareProcesses, type Processes } from "./overload_processes.ts";

/** The cost of a hello. */
export interface ListenerCost {
  readonly engine: Engine;
  readonly contender: string;
  /** Microseconds of processor time a request. Median over the rounds. */
  readonly us: number;
  /** Of Ballast's, as the median of the ratios within each round. */
  readonly ratio: number;
}

const BALLAST = "ballast";
const CONTENDERS: Readonly<Record<Engine, readonly string[]>> = {
  deno: [BALLAST, "Deno.serve", "node:http", "node-server", "node-server, globals left alone"],
  node: [BALLAST, "node:http", "node-server", "node-server, globals left alone"],
};

/** Measures all contenders in every round. */
export async function measureListeners(rounds: number, ms: number): Promise<ListenerCost[]> {
  const processes = await prepareProcesses("group_listener_server");
  const costs: ListenerCost[] = [];
  try {
    for (const engine of processes.engines) {
      const measured: Map<string, number>[] = [];
      for (let round = 0; round < rounds; round++) {
        const costs = new Map<string, number>();
        for (const contender of CONTENDERS[engine]) {
          costs.set(contender, await costOf(processes, engine, contender, ms));
        }
        measured.push(costs);
      }
      for (const contender of CONTENDERS[engine]) {
        const us = median(measured.map((costs) => costs.get(contender)!));
        const ratio = median(measured.map((costs) => costs.get(contender)! / costs.get(BALLAST)!));
        costs.push({ engine, contender, us, ratio });
      }
    }
  } finally {
    await processes.dispose();
  }
  return costs;
}

async function costOf(processes: Processes, engine: Engine, contender: string, ms: number): Promise<number> {
  const server = await processes.start(engine, contender);
  try {
    await server.closed(16, ms, 1);
    const before = await server.cpuMs();
    const { answers } = await server.closed(16, ms, 1);
    return (await server.cpuMs() - before) * 1_000 / answers;
  } finally {
    await server.stop();
  }
}

/** Prints the costs. */
export function printListeners(costs: readonly ListenerCost[]): void {
  console.log("\nA hello of Hono by listener: processor time a request");
  for (const { engine, contender, us, ratio } of costs) {
    console.log(
      `  ${engine.padEnd(5)} ${contender.padEnd(34)} ${us.toFixed(1).padStart(6)} us ${
        ratio.toFixed(2).padStart(6)
      }x`,
    );
  }
}
