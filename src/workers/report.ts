/**
 * What pools say of themselves to people.
 *
 * @module
 */

import type { Cell, Finding, Report, ReportTable, StateMachine, Tone } from "../report.ts";
import { poolFindings } from "./findings.ts";
import type { FunctionSnapshot, PoolSnapshot, Quantiles, WorkerSnapshot } from "./snapshot.ts";

const STATES: readonly { readonly state: WorkerSnapshot["state"]; readonly tone: Tone }[] = [
  { state: "starting", tone: "neutral" },
  { state: "idle", tone: "good" },
  { state: "busy", tone: "good" },
  { state: "retiring", tone: "neutral" },
  { state: "condemned", tone: "warning" },
];

/** Makes the report of one or more pools. */
export function poolReport(pools: readonly PoolSnapshot[]): Report {
  const sum = (of: (pool: PoolSnapshot) => number) => pools.reduce((total, pool) => total + of(pool), 0);
  return {
    id: "workers",
    title: "Workers",
    summary:
      `${sum(({ workers }) => workers.length)} workers, ${sum(({ handed }) => handed)} calls with them, ` +
      `${sum(({ waiting }) => waiting)} waiting`,
    tables: [poolTable(pools), workerTable(pools), functionTable(pools)],
    machines: [machine(pools)],
    actions: [{ id: "recycle", label: "Replace the workers, one by one", fields: [] }],
    findings: pools.flatMap((pool): Finding[] => poolFindings(pool)),
  };
}

function poolTable(pools: readonly PoolSnapshot[]): ReportTable {
  return {
    id: "pools",
    title: "Pools",
    columns: [
      "Pool",
      "Backend",
      "Contains memory",
      "Workers",
      "At most",
      "With workers",
      "Waiting",
      "Queue",
      "Lost",
      "Recycled",
      "Retired",
    ],
    rows: pools.map((pool): Cell[] => [
      pool.name,
      pool.backend,
      pool.containsMemory,
      pool.workers.length,
      pool.size,
      pool.handed,
      pool.waiting,
      pool.maxQueue,
      pool.totals.crashed + pool.totals.exited + pool.totals.silent,
      pool.totals.recycled,
      pool.totals.retired,
    ]),
    empty: "There is no pool.",
  };
}

function workerTable(pools: readonly PoolSnapshot[]): ReportTable {
  return {
    id: "workers",
    title: "Workers",
    columns: ["Pool", "Worker", "State", "Age", "Calls", "With it", "Running", "For", "Heap"],
    rows: pools.flatMap(({ name, workers }) => workers.map((worker): Cell[] => [name, ...workerRow(worker)])),
    empty: "No worker is needed now: they are started with the first call.",
  };
}

function workerRow(worker: WorkerSnapshot): Cell[] {
  const { id, state, ageMs, done, handed, running, runningForMs, heapBytes } = worker;
  return [
    id,
    { kind: "state", state, tone: STATES.find((each) => each.state === state)?.tone ?? "neutral" },
    { kind: "duration", ms: ageMs },
    done,
    handed,
    running ?? null,
    runningForMs === undefined ? null : { kind: "duration", ms: runningForMs },
    heapBytes === undefined ? null : { kind: "bytes", bytes: heapBytes },
  ];
}

function functionTable(pools: readonly PoolSnapshot[]): ReportTable {
  return {
    id: "functions",
    title: "Functions",
    columns: [
      "Function",
      "Pool",
      "Calls",
      "Queued p50",
      "p99",
      "Took p50",
      "p99",
      "Depth p99",
      "Size p50",
      "Failed",
      "Refused",
      "Timed out",
      "Aborted",
      "Lost",
      "Inline",
    ],
    rows: pools.flatMap(({ name, functions }) => functions.map((fn) => functionRow(name, fn))),
    empty: "No function has been called.",
  };
}

function functionRow(
  pool: string,
  { name, counts, queuedMs, durationMs, depth, size }: FunctionSnapshot,
): Cell[] {
  return [
    name,
    pool,
    counts.calls,
    ms(queuedMs.p50),
    ms(queuedMs.p99),
    ms(durationMs.p50),
    ms(durationMs.p99),
    rounded(depth.p99),
    rounded((size as Quantiles | undefined)?.p50 ?? null),
    counts.failed,
    counts.rejected,
    counts.timedOut,
    counts.aborted,
    counts.lost,
    counts.inline,
  ];
}

function ms(value: number | null): Cell {
  return value === null ? null : { kind: "duration", ms: value };
}

function rounded(value: number | null): Cell {
  return value === null ? null : Math.round(value * 100) / 100;
}

function machine(pools: readonly PoolSnapshot[]): StateMachine {
  const workers = pools.flatMap((pool) => pool.workers);
  return {
    id: "workers",
    title: "Workers by state",
    states: STATES.map(({ state, tone }) => ({
      state,
      tone,
      count: workers.filter((worker) => worker.state === state).length,
    })),
  };
}
