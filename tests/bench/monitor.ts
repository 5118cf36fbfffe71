/**
 * What the runtime monitor costs: processor time of an idle process with and without it, in turns within one run. Idle is the
 * worst case: a busy loop is awake anyway. Processor time, not wall time, so that others on the machine matter less.
 *
 * @module
 */

import { createMonitor, type MonitorOptions } from "@ballast/runtime/stats";
import { median } from "./measure.ts";

/** The cost of one way to run the monitor. */
export interface MonitorCost {
  readonly name: string;
  /** Processor time used by the whole process, of one core. Median over the rounds. */
  readonly share: number;
  /** That, less what the same round used without a monitor. Median of the differences. */
  readonly more: number;
  /** What the monitor says itself. */
  readonly told: number;
}

const MODES: Readonly<Record<string, MonitorOptions | undefined>> = {
  "no monitor": undefined,
  "monitor, as it is by default": { stacks: "off" },
  "monitor, stacks watched for": { stacks: "on" },
};

/** Measures every mode in every round, for `seconds` each. */
export async function measureMonitor(rounds: number, seconds: number): Promise<MonitorCost[]> {
  const measured: Map<string, { readonly share: number; readonly told: number }>[] = [];
  await sleep(1000);
  for (let round = 0; round < rounds; round++) {
    const costs = new Map<string, { readonly share: number; readonly told: number }>();
    const names = Object.keys(MODES);
    for (const [index] of names.entries()) {
      const name = names[(index + round) % names.length]!;
      costs.set(name, await costOf(MODES[name], seconds));
    }
    measured.push(costs);
  }
  return Object.keys(MODES).map((name) => ({
    name,
    share: median(measured.map((costs) => costs.get(name)!.share)),
    more: median(measured.map((costs) => costs.get(name)!.share - costs.get("no monitor")!.share)),
    told: median(measured.map((costs) => costs.get(name)!.told)),
  }));
}

async function costOf(options: MonitorOptions | undefined, seconds: number) {
  const monitor = options && createMonitor(options);
  // Starting is not what it costs.
  await sleep(1500);
  const [cpuBefore, before] = [cpuMs(), performance.now()];
  await sleep(seconds * 1000);
  const share = (cpuMs() - cpuBefore) / (performance.now() - before);
  const told = monitor?.snapshot().overhead.share ?? 0;
  await monitor?.close();
  return { share, told };
}

/** Processor time of the process, on Deno and Node. */
function cpuMs(): number {
  const { process } = globalThis as unknown as {
    process: { cpuUsage(): { user: number; system: number } };
  };
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Prints the costs. */
export function printMonitor(costs: readonly MonitorCost[]): void {
  const percent = (share: number) => `${(share * 100).toFixed(3).padStart(7)} %`;
  console.log("\nAn idle process: processor time, of one core (in all, by the monitor, as it tells itself)");
  for (const { name, share, more, told } of costs) {
    console.log(`  ${name.padEnd(32)} ${percent(share)} ${percent(more)} ${percent(told)}`);
  }
}
