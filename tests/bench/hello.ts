/**
 * What context, statistics and admission cost a service that is not overloaded: a "hello" of Hono with and without them, as fast as
 * it is answered. By processor time, so that others on the machine matter less: what a core can do in a second.
 *
 * @module
 */

import { type Engine, type Kind, prepareProcesses, type ServerProcess } from "./overload_processes.ts";

/** The cost of a hello. Microseconds of processor time a request, in the least disturbed of the rounds. */
export interface HelloCost {
  readonly engine: Engine;
  readonly bareUs: number;
  /** With nothing but an `AsyncLocalStorage` entered, which every context has to do. */
  readonly storageUs: number;
  readonly ballastUs: number;
  /** Throughput of a core, of the bare one. */
  readonly share: number;
}

const KINDS = ["bare", "storage", "ballast"] as const satisfies readonly Kind[];
const CONNECTIONS = 16;

/** Measures all in turn, round after round. */
export async function measureHello(rounds: number, ms: number): Promise<HelloCost[]> {
  const processes = await prepareProcesses();
  try {
    const costs: HelloCost[] = [];
    for (const engine of processes.engines) {
      const servers = await Promise.all(KINDS.map((kind) => processes.start(engine, kind, "hello")));
      const least = servers.map(() => Infinity);
      for (const server of servers) await server.closed(CONNECTIONS, ms * 2, 1);
      for (let round = 0; round < rounds; round++) {
        for (const [i, server] of servers.entries()) least[i] = Math.min(least[i]!, await costOf(server, ms));
      }
      await Promise.all(servers.map((server) => server.stop()));
      const [bareUs, storageUs, ballastUs] = least as [number, number, number];
      costs.push({ engine, bareUs, storageUs, ballastUs, share: bareUs / ballastUs });
    }
    return costs;
  } finally {
    await processes.dispose();
  }
}

async function costOf(server: ServerProcess, ms: number): Promise<number> {
  const before = await server.cpuMs();
  const { answers } = await server.closed(CONNECTIONS, ms, 1);
  return (await server.cpuMs() - before) * 1_000 / answers;
}

/** Prints the costs. */
export function printHello(costs: readonly HelloCost[]): void {
  console.log("\nA hello with context, statistics and admission: processor time a request, beside bare Hono");
  for (const { engine, bareUs, storageUs, ballastUs, share } of costs) {
    const figures = [`${bareUs.toFixed(1)} us bare`, `${storageUs.toFixed(1)} us with an AsyncLocalStorage`];
    console.log(
      `  ${engine.padEnd(6)} ${figures.join(", ")}, ${ballastUs.toFixed(1)} us with Ballast: ${
        (share * 100).toFixed(1)
      } % of the throughput`,
    );
  }
}
