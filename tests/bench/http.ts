/** What a request costs through `createFetch`, beside the platform's own `fetch` and undici's, one at a time and fifty at once. */

import { fetch as undiciFetch, Pool } from "undici";
import { createRuntime } from "@ballast/runtime";
import { createConnectionManager, createFetch } from "@ballast/runtime/connections";
import { compare, type Contender, type Cost, type Effort } from "./measure.ts";

/** Costs of a request, by how many are in flight. */
export interface HttpCosts {
  readonly one: readonly Cost[];
  readonly fifty: readonly Cost[];
}

const NATIVE = "fetch of the platform";

/** Measures the contenders against one server in a thread of its own. */
export async function measureHttp(effort: Effort): Promise<HttpCosts> {
  const server = new Worker(new URL("http_server.ts", import.meta.url), { type: "module" });
  const port = await new Promise<number>((resolve) => server.onmessage = ({ data }) => resolve(data));
  const origin = `http://127.0.0.1:${port}`;
  const pool = new Pool(origin, { connections: 50 });
  const endpoints = { api: { tiers: [[`127.0.0.1:${port}`]] } };
  await using manager = createConnectionManager({ endpoints });
  const ballast = createFetch(manager);
  await using runtime = createRuntime({ name: "bench", connections: { endpoints } });

  const clients: Readonly<Record<string, () => Promise<unknown>>> = {
    [NATIVE]: async () => await (await fetch(`${origin}/x`)).text(),
    "undici fetch over its Pool": async () =>
      await (await undiciFetch(`${origin}/x`, { dispatcher: pool })).text(),
    "undici Pool.request, which is no fetch": async () =>
      await (await pool.request({ method: "GET", path: "/x" })).body.text(),
    "createFetch": async () => await (await ballast("http://api/x")).text(),
    "fetch of a Ballast runtime, logged and timed": async () =>
      await (await runtime.fetch("http://api/x")).text(),
  };
  const contenders = (inFlight: number): Contender[] =>
    Object.entries(clients).map(([name, call]) => ({ name, run: (times) => repeat(call, times, inFlight) }));
  const slower = { ...effort, roundMs: effort.roundMs * 5 };
  try {
    return {
      one: await compare(contenders(1), NATIVE, slower),
      fifty: await compare(contenders(50), NATIVE, slower),
    };
  } finally {
    await pool.destroy();
    server.terminate();
  }
}

/** Calls `times` times, so many at once. */
async function repeat(call: () => Promise<unknown>, times: number, inFlight: number): Promise<void> {
  let left = times;
  const caller = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, times) }, caller));
}

/** Says the figures to a person. */
export function printHttp({ one, fifty }: HttpCosts): void {
  for (const [title, costs] of [["one at a time", one], ["fifty in flight", fifty]] as const) {
    console.log(`\nA request over HTTP: ${title}`);
    for (const { name, ns, ratio } of costs) {
      console.log(
        `  ${name.padEnd(46)} ${(ns / 1000).toFixed(1).padStart(8)} us ${ratio.toFixed(2).padStart(6)}x`,
      );
    }
  }
}
