/**
 * Costs as ratios: every contender runs in every round, so that what disturbs the machine disturbs them all.
 *
 * @module
 */

/** Something to be measured: `run(times)` does it that often. */
export interface Contender {
  readonly name: string;
  run(times: number): void | Promise<void>;
}

/** The cost of a contender. */
export interface Cost {
  readonly name: string;
  /** Median over the rounds, in nanoseconds. */
  readonly ns: number;
  /** Of the contender it is compared with, as the median of the ratios within each round. */
  readonly ratio: number;
}

/** How thoroughly to measure. */
export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
}

export const THOROUGH: Effort = { rounds: 25, roundMs: 20 };
/** Enough to see that the benchmark runs, not to believe its figures. */
export const QUICK: Effort = { rounds: 3, roundMs: 2 };

/** Measures the contenders; ratios are to the one named `baseline`. */
export async function compare(
  contenders: readonly Contender[],
  baseline: string,
  { rounds, roundMs }: Effort,
): Promise<Cost[]> {
  const times = new Map<string, number>();
  for (const contender of contenders) times.set(contender.name, await calibrate(contender, roundMs));
  const measured: Map<string, number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const costs = new Map<string, number>();
    // Another order every time: whoever follows a heavy allocator pays for its garbage.
    const order = contenders.map((_, index) => contenders[(index + round) % contenders.length]!);
    for (const contender of order) {
      costs.set(contender.name, await nsEach(contender, times.get(contender.name)!));
    }
    measured.push(costs);
  }
  return contenders.map(({ name }) => ({
    name,
    ns: median(measured.map((costs) => costs.get(name)!)),
    ratio: median(measured.map((costs) => costs.get(name)! / costs.get(baseline)!)),
  }));
}

/** How many runs take about a round's time, once the code is warm: what is made with the first run counts for nothing. */
async function calibrate(contender: Contender, roundMs: number): Promise<number> {
  let times = 64;
  for (;;) {
    const ms = Math.min(await nsEach(contender, times), await nsEach(contender, times)) * times / 1e6;
    if (ms >= roundMs) return times;
    times = Math.ceil(times * Math.min(8, Math.max(1.5, roundMs / Math.max(ms, 0.01))));
  }
}

async function nsEach(contender: Contender, times: number): Promise<number> {
  const startedAt = performance.now();
  await contender.run(times);
  return (performance.now() - startedAt) * 1e6 / times;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a share `q` of the values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
