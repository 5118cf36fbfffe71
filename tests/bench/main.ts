/**
 * `deno task bench`: what each part costs, beside its best peers and as a ratio measured in one run.
 *
<<<<<<< HEAD
<<<<<<< HEAD
 * `--json` prints the figures for programs; `--only <part>` runs one part; `--quick` only shows that it runs.
=======
<<<<<<< HEAD
 * `--json` prints the figures for programs; `--only hit`, `outage` or `monitor` runs one part; `--quick` only shows that it runs.
=======
 * `--json` prints the figures for programs; `--only hit`, `outage` or `stats` runs one part; `--quick` only shows that it runs.
>>>>>>> 52b47d7 (bench: the cost of a statistic beside its peers)
>>>>>>> 47da2ff (bench: the cost of a statistic beside its peers)
=======
 * `--json` prints the figures for programs; `--only hit`, `outage`, `stats` or `monitor` runs one part; `--quick` only shows that it
 * runs.
>>>>>>> 35efbbd (stats: the monitor on distributions that know their times)
 */

import { measureHits, printHits } from "./hit.ts";
import { QUICK, THOROUGH } from "./measure.ts";
import { measureMemory, printMemory } from "./memory.ts";
import { measureMonitor, printMonitor } from "./monitor.ts";
<<<<<<< HEAD
import { measureOutage, printOutage } from "./outage.ts";
=======
import { measureOutage, type OutageResult } from "./outage.ts";
import { measureStats, printStats } from "./stats.ts";
>>>>>>> 47da2ff (bench: the cost of a statistic beside its peers)

/** Measures a part; gives the figures, and what says them to a person. */
type Part = (quick: boolean) => Promise<{ readonly figures: unknown; readonly print: () => void }>;

<<<<<<< HEAD
const part =
  <T>(measure: (quick: boolean) => Promise<T>, print: (figures: T) => void): Part => async (quick) => {
    const figures = await measure(quick);
    return { figures, print: () => print(figures) };
  };

const PARTS: Readonly<Record<string, Part>> = {
  hit: part((quick) => measureHits(quick ? QUICK : THOROUGH), printHits),
  outage: part((quick) => measureOutage(quick ? 3 : 15), printOutage),
  memory: part(measureMemory, printMemory),
  monitor: part((quick) => quick ? measureMonitor(1, 1) : measureMonitor(5, 5), printMonitor),
};

const { args } = Deno;
const only = args.includes("--only") ? args[args.indexOf("--only") + 1] ?? "" : undefined;
if (only !== undefined && !(only in PARTS)) {
  console.error(`--only must be one of ${Object.keys(PARTS).join(", ")}, got "${only}"`);
  Deno.exit(2);
=======
const quick = Deno.args.includes("--quick");
const hit = wanted("hit") ? await measureHits(quick ? QUICK : THOROUGH) : undefined;
const outage = wanted("outage") ? await measureOutage(quick ? 3 : 15) : undefined;
const stats = wanted("stats") ? await measureStats(quick ? QUICK : THOROUGH) : undefined;
const monitor = wanted("monitor") ? await (quick ? measureMonitor(1, 1) : measureMonitor(5, 5)) : undefined;
if (Deno.args.includes("--json")) {
  const results = { hit, outage, stats, monitor };
  console.log(JSON.stringify({ runtime: `deno ${Deno.version.deno}`, ...results }, undefined, 2));
} else {
  if (hit) printHits(hit);
  if (outage) printOutage(outage);
  if (stats) printStats(stats);
<<<<<<< HEAD
>>>>>>> 52b47d7 (bench: the cost of a statistic beside its peers)
>>>>>>> 47da2ff (bench: the cost of a statistic beside its peers)
=======
  if (monitor) printMonitor(monitor);
>>>>>>> 35efbbd (stats: the monitor on distributions that know their times)
}
const figures: Record<string, unknown> = { runtime: `deno ${Deno.version.deno}` };
for (const [name, measure] of Object.entries(PARTS)) {
  if (only !== undefined && only !== name) continue;
  const measured = await measure(args.includes("--quick"));
  figures[name] = measured.figures;
  if (!args.includes("--json")) measured.print();
}
if (args.includes("--json")) console.log(JSON.stringify(figures, undefined, 2));
// What a peer has left running must not keep the benchmark alive.
Deno.exit();
