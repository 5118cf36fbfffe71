/** What the browser looks at: the demo in a process of its own, and a runtime with a token in this one. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

import type { Runtime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { until } from "./checks.ts";
import { createSample } from "./sample.ts";

/** The token of the guarded meta app. */
export const TOKEN = "b7c1f0e2-for-the-tests";

/** Short, so that a test need not wait for what is live. */
const LIVE_MS = 400;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The demo service. */
export interface Demo {
  /** Where its meta app is. */
  readonly metaUrl: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** Starts the demo as `deno task serve` does, on free ports. */
export async function startDemo(): Promise<Demo> {
  const { command } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8")).tasks.serve;
  const args = [...command.split(" ").slice(1), "--port", "0", "--meta-port", "0"];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => output += text);
  }
  const metaUrl = () => /The meta app\s+(http:\/\/[\d.:]+)\//.exec(output)?.[1];
  await until("the demo starts", () => metaUrl() !== undefined);
  return {
    metaUrl: metaUrl()!,
    async close() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** A meta app with a token. */
export interface Guarded {
  readonly runtime: Runtime;
  /** Where it is: the same after a restart. */
  readonly url: string;
  /** Breaks every connection, and is away from then on. */
  stop(): Promise<void>;
  /** Comes back. */
  start(): void;
  /** Ends it all. */
  close(): Promise<void>;
}

/** Serves the sample's meta app. */
export function startGuarded(): Guarded {
  const runtime = createSample();
  const meta = createMetaApp(runtime, { token: TOKEN, liveMs: LIVE_MS, onError: console.error });
  let abort = new AbortController();
  let server = serve(0);

  function serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    abort = new AbortController();
    const { signal } = abort;
    return Deno.serve({ hostname: "127.0.0.1", port, signal, onListen() {} }, meta.fetch);
  }

  async function stop(): Promise<void> {
    abort.abort();
    await server.finished;
  }

  return {
    runtime,
    url: `http://127.0.0.1:${server.addr.port}`,
    stop,
    start: () => void (server = serve(server.addr.port)),
    async close() {
      await stop();
      await runtime.close();
    },
  };
}
