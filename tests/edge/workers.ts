/** Workers in the real workerd, started through miniflare. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Pinned, and loaded when the tests run: it brings workerd along, a hundred megabytes that no other task needs. */
export const MINIFLARE = "npm:miniflare@4.20260730.0";

/** What is used of miniflare. */
interface Miniflare {
  readonly ready: Promise<URL>;
  dispose(): Promise<void>;
}

interface MiniflareModule {
  Miniflare: new (options: Record<string, unknown>) => Miniflare;
  Response: typeof Response;
}

export async function loadMiniflare(): Promise<MiniflareModule> {
  return await import(MINIFLARE);
}

export interface WorkerOptions {
  readonly flags?: readonly string[];
  readonly bindings?: Readonly<Record<string, string>>;
  /** Answers what the worker fetches, in place of the network. */
  readonly outbound?: (
    request: Request,
  ) => Promise<{ readonly body: Uint8Array; readonly contentType: string }>;
}

export interface Worker extends AsyncDisposable {
  readonly url: URL;
}

/** A module of this project and all it needs, in one text. */
export async function bundle(path: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-edge-"));
  try {
    const output = join(folder, "worker.js");
    const entry = fileURLToPath(new URL(`../../${path}`, import.meta.url));
    const args = ["bundle", "--quiet", "--platform", "browser", "-o", output, entry];
    await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    return await readFile(output, "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Starts a worker on a port of its own. */
export async function startWorker(script: string, options: WorkerOptions = {}): Promise<Worker> {
  const { flags = [], bindings = {}, outbound } = options;
  const { Miniflare, Response } = await loadMiniflare();
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: script }],
    modulesRoot: "/",
    host: "127.0.0.1",
    compatibilityDate: "2026-07-01",
    compatibilityFlags: flags,
    bindings,
    ...(outbound && {
      outboundService: async (request: Request) => {
        const { body, contentType } = await outbound(request);
        return new Response(body.slice(), { headers: { "content-type": contentType } });
      },
    }),
  });
  return { url: await miniflare.ready, [Symbol.asyncDispose]: () => miniflare.dispose() };
}
