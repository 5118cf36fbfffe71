/**
 * The real Prometheus, on loopback, in a folder of its own.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Whether both programs of Debian's package are there. */
export function isPrometheusInstalled(): boolean {
  try {
    for (const program of ["prometheus", "promtool"]) {
      execFileSync(program, ["--version"], { stdio: "ignore" });
    }
    return true;
  } catch {
    return false;
  }
}

/** A running Prometheus. */
export interface Prometheus extends AsyncDisposable {
  /** The value of an expression that has one; undefined while it has none. */
  query(expression: string): Promise<number | undefined>;
  /** Waits until an expression has a value; fails after 60 s. */
  waitFor(expression: string, isDone: (value: number) => boolean): Promise<number>;
  /** Exemplars of an expression. */
  exemplars(expression: string): Promise<{ labels: Record<string, string>; value: string }[]>;
}

/** A path to scrape from several ports, every second. */
export interface Job {
  readonly name: string;
  readonly path: string;
  readonly ports: readonly number[];
}

export async function startPrometheus(jobs: readonly Job[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "ballast-prometheus-"));
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: jobs.map(({ name, path, ports }) => ({
      job_name: name,
      metrics_path: path,
      static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
    })),
  };
  // JSON is YAML.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn("prometheus", [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
    "--enable-feature=exemplar-storage",
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => log = (log + chunk).slice(-10_000));

  async function api(path: string, query: string): Promise<unknown> {
    const url = `http://${address}/api/v1/${path}?${new URLSearchParams({ query })}&start=0&end=9999999999`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return (await response.json() as { data: unknown }).data;
  }

  async function query(expression: string): Promise<number | undefined> {
    const data = await api("query", expression).catch(() => undefined) as
      | { result?: { value: [number, string] }[] }
      | undefined;
    const text = data?.result?.[0]?.value[1];
    return text === undefined ? undefined : Number(text);
  }

  return {
    query,
    async waitFor(expression, isDone) {
      for (const until = Date.now() + 60_000; Date.now() < until;) {
        const value = await query(expression);
        if (value !== undefined && isDone(value)) return value;
        if (child.exitCode !== null) break;
        await sleep(250);
      }
      throw new Error(
        `${expression} did not come to what was expected, but ${await query(expression)}. ${log}`,
      );
    },
    async exemplars(expression) {
      const data = await api("query_exemplars", expression) as { exemplars: never[] }[];
      return data.flatMap(({ exemplars }) => exemplars);
    },
    async [Symbol.asyncDispose]() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks a child to end, and sees to it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
