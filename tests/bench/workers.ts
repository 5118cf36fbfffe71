/**
 * Workers beside the pools most used and bare messages: ratios of throughput in one run. Runs on Deno, and packed on Node:
 * `deno run -A tests/bench/workers_node.ts`.
 */

import { ballast, bareWorker, peers, type PoolContender } from "./workers/contenders.ts";
import { type Effort, median } from "./measure.ts";
import * as tasks from "./workers/tasks.ts";

export interface WorkerRow {
  readonly name: string;
  readonly perSecond: number;
  /** Of bare postMessage, as the median of the ratios within each round. */
  readonly ratio: number;
}

export interface WorkersResult {
  readonly sequential: readonly WorkerRow[];
  readonly inFlight: readonly WorkerRow[];
  /** Share of what the workers could do that they did; beside it what bare workers did that had all of their messages at once. */
  readonly oneMsTasks: readonly OneMsTasks[];
  /** The longest the event loop was held up, while 1 MB of JSON was parsed elsewhere, and here. */
  readonly worstPauseMs: { readonly ballast: number; readonly bare: number; readonly here: number };
  readonly failed: readonly string[];
}

export interface OneMsTasks {
  readonly workers: number;
  readonly ofIdeal: number;
  readonly bareOfIdeal: number;
}

const IN_FLIGHT = 1_000;
/** One after the other: short turns and many of them, so that all see the same of what else the machine does. */
const SEQUENTIAL = 25;

export async function measureWorkers({ rounds }: Effort): Promise<WorkersResult> {
  const bare = await bareWorker();
  const own = ballast();
  const { pools, failed } = await peers();
  const contenders: PoolContender[] = [bare, own, ...pools];
  const sequential = await compareRates(contenders, rounds * 8, async (call) => {
    for (let index = 0; index < SEQUENTIAL; index++) await call();
    return SEQUENTIAL;
  });
  const inFlight = await compareRates(contenders, rounds, async (call) => {
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < IN_FLIGHT; index++) calls.push(call());
    await Promise.all(calls);
    return IN_FLIGHT;
  });
  for (const pool of pools) await pool.close();
  await own.close();
  const oneMsTasks = [await ofIdeal(1), await ofIdeal(2)];
  const worstPauseMs = await worstPauses(bare.ask);
  await bare.close();
  return { sequential, inFlight, oneMsTasks, worstPauseMs, failed };
}

/** Every contender in every round, in another order each time. */
async function compareRates(
  contenders: readonly PoolContender[],
  rounds: number,
  run: (call: () => Promise<unknown>) => Promise<number>,
): Promise<WorkerRow[]> {
  const measured: Map<string, number>[] = [];
  for (let round = -3; round < rounds; round++) {
    const rates = new Map<string, number>();
    const order = contenders.map((_, index) => contenders[(index + round + 3) % contenders.length]!);
    for (const { name, call } of order) {
      const startedAt = performance.now();
      const calls = await run(call) + await run(call);
      rates.set(name, calls / (performance.now() - startedAt) * 1_000);
    }
    if (round >= 0) measured.push(rates);
  }
  const bare = contenders[0]!.name;
  return contenders.map(({ name }) => ({
    name,
    perSecond: median(measured.map((rates) => rates.get(name)!)),
    ratio: median(measured.map((rates) => rates.get(name)! / rates.get(bare)!)),
  }));
}

async function ofIdeal(workers: number): Promise<OneMsTasks> {
  const bare = await Promise.all(Array.from({ length: workers }, bareWorker));
  const { pool, close } = ballast(workers);
  const busy = tasks.busy.with({ pool });
  const calls = 200;
  const own = () => Promise.all(Array.from({ length: calls * workers }, () => busy(1)));
  const all = () =>
    Promise.all(bare.flatMap(({ ask }) => Array.from({ length: calls }, () => ask({ burn: 1 }))));
  const share = async (run: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await run();
    return calls / (performance.now() - startedAt);
  };
  await own();
  await all();
  const shares = { own: [] as number[], bare: [] as number[] };
  for (let round = 0; round < 9; round++) {
    shares.own.push(await share(own));
    shares.bare.push(await share(all));
  }
  await close();
  for (const worker of bare) await worker.close();
  return { workers, ofIdeal: median(shares.own), bareOfIdeal: median(shares.bare) };
}

async function worstPauses(
  ask: (message: unknown) => Promise<number>,
): Promise<WorkersResult["worstPauseMs"]> {
  const rows = Array.from(
    { length: 17_000 },
    (_, value) => ({ value, name: `the row of number ${value}`, tags: ["a"] }),
  );
  const text = JSON.stringify(rows);
  const { pool, close } = ballast();
  const parse = tasks.parse.with({ pool });
  await parse(text);
  await ask({ text });
  const results = { ballast: [] as number[], bare: [] as number[], here: [] as number[] };
  for (let round = 0; round < 15; round++) {
    results.ballast.push(await worstPause(() => parse(text)));
    results.bare.push(await worstPause(() => ask({ text })));
    results.here.push(await worstPause(async () => await Promise.resolve(tasks.parse.inline(text))));
  }
  await close();
  return { ballast: median(results.ballast), bare: median(results.bare), here: median(results.here) };
}

/** The longest time between two turns of the event loop while `work` goes on. */
async function worstPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let worst = 0;
  let over = false;
  const done = work().then(() => over = true);
  const look = () => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
    if (!over) setImmediate(look);
  };
  look();
  await done;
  look();
  return worst;
}

export function printWorkers(
  { sequential, inFlight, oneMsTasks, worstPauseMs, failed }: WorkersResult,
): void {
  const print = (title: string, rows: readonly WorkerRow[]) => {
    console.log(`\n${title}`);
    for (const { name, perSecond, ratio } of rows) {
      console.log(
        `  ${name.padEnd(24)} ${perSecond.toFixed(0).padStart(10)} /s ${ratio.toFixed(3).padStart(9)}x`,
      );
    }
  };
  print("Workers: empty tasks, one after the other", sequential);
  print(`Workers: ${IN_FLIGHT} empty tasks in flight, a promise each`, inFlight);
  console.log("\nWorkers: tasks of 1 ms, of what is possible");
  for (const { workers, ofIdeal, bareOfIdeal } of oneMsTasks) {
    const [own, bare] = [ofIdeal, bareOfIdeal].map((share) => (share * 100).toFixed(1).padStart(6));
    console.log(`  ${workers} workers ${own} %, bare workers with all messages at once ${bare} %`);
  }
  const { ballast, bare, here } = worstPauseMs;
  console.log("\nThe worst pause of the event loop while 1 MB of JSON is parsed and reduced");
  console.log(
    `  by ballast ${ballast.toFixed(1)} ms, by a bare worker ${bare.toFixed(1)} ms, here ${
      here.toFixed(1)
    } ms`,
  );
  for (const text of failed) console.log(`  did not run here: ${text.slice(0, 160)}`);
}
