/**
 * What context, statistics and admission cost a service that is not overloaded: a "hello" of Hono with and without them, as fast as
 * it is answered. By processor time, so that others on the machine matter less: what a core can do in a second.
 *
 * @module
 */

import { median } from "./measure.ts";
import { type Engine, type Kind, prepareProcesses, type Processes } from "./overload_processes.ts";

/** The cost of a hello. */
export interface HelloCost {
  readonly engine: Engine;
  /** Microseconds of processor time a request. Medians over the rounds. */
  readonly bareUs: number;
  readonly ballastUs: number;
  /** Throughput of a core, of the bare one. Median of the ratios within each round. */
  readonly share: number;
}

/** Measures both in every round. */
export async function measureHello(rounds: number, ms: number): Promise<HelloCost[]> {
  const processes = await prepareProcesses();
  const costs: HelloCost[] = [];
  try {
    for (const engine of processes.engines) {
      const measured: { readonly bare: number; readonly ballast: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        const bare = await costOf(processes, engine, "bare", ms);
        measured.push({ bare, ballast: await costOf(processes, engine, "ballast", ms) });
      }
      costs.push({
        engine,
        bareUs: median(measured.map(({ bare }) => bare)),
        ballastUs: median(measured.map(({ ballast }) => ballast)),
        share: median(measured.map(({ bare, ballast }) => bare / ballast)),
      });
    }
  } finally {
    await processes.dispose();
  }
  return costs;
}

async function costOf(processes: Processes, engine: Engine, kind: Kind, ms: number): Promise<number> {
  const server = await processes.start(engine, kind, "hello");
  try {
    await server.closed(16, ms, 1);
    const before = await server.cpuMs();
    // The load counts what comes after its own half second, which is short against the rest.
    const { perSecond } = await server.closed(16, ms, 1);
    const used = await server.cpuMs() - before;
    return used * 1_000 / (perSecond * (ms + 500) / 1_000);
  } finally {
    await server.stop();
  }
}

/** Prints the costs. */
export function printHello(costs: readonly HelloCost[]): void {
  console.log("\nA hello with context, statistics and admission: processor time a request, beside bare Hono");
  for (const { engine, bareUs, ballastUs, share } of costs) {
    console.log(
      `  ${engine.padEnd(6)} ${bareUs.toFixed(1)} us bare, ${ballastUs.toFixed(1)} us with Ballast: ${
        (share * 100).toFixed(1)
      } % of the throughput`,
    );
  }
}
