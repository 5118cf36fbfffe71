/**
 * The soak of a group: a handler that leaks 1 MiB a request, for ten minutes under load, with a limit of 300 MB for each child:
 * `deno task soak-group`, or with `--quick` for one minute; packed, on Node: `node tests/group/supervise/soak_main.js`.
 */

import process from "node:process";
import { delay } from "@ballast/runtime";
import { getJson, load, type Program, withService } from "./support.ts";

const QUICK_MS = 60_000;
const LONG_MS = 600_000;
const MAX_MEMORY_BYTES = 300_000_000;
/** A child is replaced within a few heartbeats, and until its successor is ready it goes on leaking. */
const HIGHEST_BYTES = 2 * MAX_MEMORY_BYTES;
/** Clients, each with so long between two requests: about 40 requests a second in all. */
const CLIENTS = { fresh: 2, kept: 2, pauseMs: 100 };

interface Seen {
  highestBytes: number;
  slowestPageMs: number;
}

/** Looks at the children through the one window, once a second. */
async function watch({ metaPort }: Program, untilMs: number, seen: Seen): Promise<void> {
  while (performance.now() < untilMs) {
    const startedAt = performance.now();
    const { report } = await getJson(metaPort, "/group");
    seen.slowestPageMs = Math.max(seen.slowestPageMs, performance.now() - startedAt);
    const table = report.tables.find(({ id }: { id: string }) => id === "children");
    const memory = table.columns.indexOf("Memory");
    for (const row of table.rows) seen.highestBytes = Math.max(seen.highestBytes, row[memory]?.bytes ?? 0);
    await delay(1_000);
  }
}

const ms = process.argv.includes("--quick") ? QUICK_MS : LONG_MS;
const seen: Seen = { highestBytes: 0, slowestPageMs: 0 };
await withService(
  { workers: 2, maxMemoryBytes: MAX_MEMORY_BYTES, meta: { port: 0 }, overload: false },
  async (program) => {
    const under = load(program.port, CLIENTS, "/leak?mib=1");
    await watch(program, performance.now() + ms, seen);
    await under.stop();
    const of = (type: string) => program.lines.filter((line) => line.type === type);
    const result = {
      seconds: ms / 1_000,
      requests: [...under.answered.values()].reduce((sum, count) => sum + count, 0),
      failed: under.failures.length,
      keepAliveRaces: under.races.length,
      recycled: of("replaced").length,
      crashed: of("crashed").length,
      highestMiB: Math.round(seen.highestBytes / 2 ** 20),
      slowestPageMs: Math.round(seen.slowestPageMs),
    };
    console.log(JSON.stringify(result));
    const faults = [
      ...(result.failed > 0
        ? [`${result.failed} requests failed: ${under.failures.slice(0, 5).join("; ")}`]
        : []),
      ...(result.recycled < 2 ? [`only ${result.recycled} children were recycled`] : []),
      ...(result.crashed > 0 ? [`${result.crashed} children crashed`] : []),
      ...(seen.highestBytes > HIGHEST_BYTES ? [`a child grew to ${result.highestMiB} MiB`] : []),
    ];
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) process.exitCode = 1;
  },
);
