/**
 * `deno task bench`: what each part costs, beside its best peers and as a ratio measured in one run.
 *
 * `--json` prints the figures for programs; `--only <part>` runs one part; `--quick` only shows that it runs.
 */

import { measureConnections, printConnections } from "./connections.ts";
import { measureListeners, printListeners } from "./group_listener.ts";
import { measureHello, printHello } from "./hello.ts";
import { measureHits, printHits } from "./hit.ts";
import { measureHttp, printHttp } from "./http.ts";
import { QUICK, THOROUGH } from "./measure.ts";
import { measureMemory, printMemory } from "./memory.ts";
import { measureMonitor, printMonitor } from "./monitor.ts";
import { measureOverload, printOverload } from "./overload.ts";
import { measureOutage, printOutage } from "./outage.ts";
import { measureStats, printStats } from "./stats.ts";
import { measureWorkers, printWorkers } from "./workers.ts";

/** Measures a part; gives the figures, and what says them to a person. */
type Part = (quick: boolean) => Promise<{ readonly figures: unknown; readonly print: () => void }>;

const part =
  <T>(measure: (quick: boolean) => Promise<T>, print: (figures: T) => void): Part => async (quick) => {
    const figures = await measure(quick);
    return { figures, print: () => print(figures) };
  };

const PARTS: Readonly<Record<string, Part>> = {
  hit: part((quick) => measureHits(quick ? QUICK : THOROUGH), printHits),
  connections: part((quick) => measureConnections(quick ? QUICK : THOROUGH), printConnections),
  http: part((quick) => measureHttp(quick ? QUICK : THOROUGH), printHttp),
  outage: part((quick) => measureOutage(quick ? 3 : 15), printOutage),
  stats: part((quick) => measureStats(quick ? QUICK : THOROUGH), printStats),
  memory: part(measureMemory, printMemory),
  monitor: part((quick) => quick ? measureMonitor(1, 1) : measureMonitor(5, 5), printMonitor),
  workers: part((quick) => measureWorkers(quick ? QUICK : THOROUGH), printWorkers),
  hello: part((quick) => quick ? measureHello(1, 500) : measureHello(8, 700), printHello),
  "group-listener": part(
    (quick) => quick ? measureListeners(1, 300) : measureListeners(5, 1_000),
    printListeners,
  ),
  overload: part(measureOverload, printOverload),
};

const { args } = Deno;
const only = args.includes("--only") ? args[args.indexOf("--only") + 1] ?? "" : undefined;
if (only !== undefined && !(only in PARTS)) {
  console.error(`--only must be one of ${Object.keys(PARTS).join(", ")}, got "${only}"`);
  Deno.exit(2);
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
