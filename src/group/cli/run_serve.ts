/**
 * Runs `serve`: from the command line to a group.
 *
 * @module
 */

import { errorMessage } from "../../errors.ts";
import { consoleSink, jsonFormatter, type LogOptions } from "../../log/mod.ts";
import { detectPlatform } from "../../platform/detect.ts";
import type { Shell } from "../../platform/shell.ts";
import type { RuntimeOptions } from "../../runtime.ts";
import { createGroup, type Group, type GroupMetaOptions } from "../mod.ts";
import { UsageError } from "./command.ts";
import { hostsSource } from "./hosts_source.ts";
import { loadApp, type LoadedApp } from "./load_app.ts";
import { readInteger } from "./read.ts";
import { nameOf } from "./service_name.ts";
import type { ServeGiven } from "./serve.ts";
import { watchFolder } from "./watch.ts";

/** Serves a module until a signal ends it; gives the exit code. */
export async function runServe(module: string, given: ServeGiven, shell: Shell): Promise<number> {
  const { files, stderr } = shell;
  const path = files.resolve(module);
  if (!await files.isFile(path)) throw new Error(`there is no file ${module}`);
  let app: LoadedApp | undefined;
  const group = createGroup({
    name: given.name ?? nameOf(path),
    apps: [{
      name: "app",
      // Loaded where requests are answered, and not in a supervisor, which would only hold it in memory.
      fetch: (request, info) => app!.fetch(request, info),
      port: portOf(given, shell),
      hostname: given.host,
    }],
    meta: metaOf(given, shell),
    workers: workersOf(given),
    maxMemoryBytes: given["max-memory"],
    maxAgeMs: given["max-age"],
    maxRequests: given["max-requests"],
    drainTimeoutMs: given["drain-timeout"],
    runtime: await runtimeOf(given, shell),
    async onChildStart() {
      app = await loadApp(files.toUrl(path), module);
      await app.onStart?.(group.runtime);
    },
  });
  const end = group.serve();
  // What `serve` rejects with is told once, below.
  group.ready().then(() => announce(group, given, shell), () => {});
  const stopWatching = given.watch && group.role === "supervisor" ? watch(group, path, shell) : undefined;
  try {
    await end;
  } catch (error) {
    throw isTaken(error)
      ? new Error(`${errorMessage(error)}. Choose another with --port and --meta-port`)
      : error;
  } finally {
    stopWatching?.();
    await group.close();
  }
  await stderr.flush();
  // The module may hold on to whatever it has opened; the requests are answered.
  shell.exit(0);
}

function isTaken(error: unknown): boolean {
  const { code, cause, data } = error as {
    code?: unknown;
    cause?: { code?: unknown };
    data?: { code?: unknown };
  };
  return [code, cause?.code, data?.code].includes("EADDRINUSE");
}

function portOf({ port }: ServeGiven, shell: Shell): number {
  if (port !== undefined) return port;
  const text = shell.env("PORT");
  try {
    return text === undefined || text === "" ? 8000 : readInteger(0, 65_535)(text);
  } catch (error) {
    throw new UsageError(`PORT ${errorMessage(error)}`);
  }
}

function metaOf(given: ServeGiven, shell: Shell): GroupMetaOptions | false {
  const metaPort = given["meta-port"];
  if (metaPort === "off") return false;
  const port = portOf(given, shell);
  return {
    port: metaPort ?? (port === 0 || port === 65_535 ? 0 : port + 1),
    host: given["meta-host"],
    token: given["meta-token"] ?? shell.env("BALLAST_META_TOKEN"),
  };
}

/** What only processes below a supervisor can do. */
const NEED_CHILDREN = ["watch", "max-memory", "max-age", "max-requests"] as const;

function workersOf(given: ServeGiven): number {
  const needs = NEED_CHILDREN.find((name) => given[name] !== undefined);
  const { workers = needs === undefined ? 1 : 2 } = given;
  const count = workers === "auto" ? Math.max(2, detectPlatform().processInfo()?.cpus ?? 1) : workers;
  if (needs !== undefined && count < 2) {
    throw new UsageError(`--${needs} replaces processes, which takes --workers 2 or more`);
  }
  return count;
}

async function runtimeOf(given: ServeGiven, { files }: Shell): Promise<RuntimeOptions> {
  const { dns, topology } = given["hosts-file"] === undefined
    ? {}
    : await hostsSource(given["hosts-file"], files);
  const servers = given["dns-server"];
  return {
    dns: { ...dns, ...(servers !== undefined && { servers }) },
    ...(topology !== undefined && { topology }),
    log: logOf(given),
  };
}

/** Text goes where messages go; JSON is for programs. */
function logOf(given: ServeGiven): LogOptions {
  const { error } = console;
  const logger = given["json-logs"]
    ? consoleSink({
      formatter: jsonFormatter(),
      console: { debug: console.log, info: console.log, warn: console.log, error: console.log },
    })
    : consoleSink({ console: { debug: error, info: error, warn: error, error } });
  return { logger, levels: { "": given["log-level"] ?? "info" } };
}

/** Says where it is, to whoever has started it. */
function announce(group: Group, given: ServeGiven, { stderr }: Shell): void {
  if (group.role === "child" || given["json-logs"]) return;
  const { listeners, meta, children } = group.snapshot();
  const where = listeners.map(({ url }) => url).join(", ");
  const processes = children.length > 1 ? ` in ${children.length} processes` : "";
  const window = meta === undefined ? "" : `; its meta app is on ${meta.url}`;
  stderr.write(
    `${group.name} serves on ${where}${processes}${window}. Ctrl-C finishes what is under way and ends.\n`,
  );
}

/** Replaces the processes when a file changes; one replacement after the other. */
function watch(group: Group, path: string, { files, stderr }: Shell): () => void {
  const folder = files.folderOf(path);
  let replacing = Promise.resolve();
  return watchFolder({
    folder,
    files,
    clock: group.runtime.platform.clock,
    onChange(paths) {
      const [first = "", ...more] = paths.map((path) => path.slice(folder.length + 1));
      stderr.write(
        `${first}${more.length > 0 ? ` and ${more.length} more` : ""} changed: replacing the processes\n`,
      );
      replacing = replacing.then(() => replace(group, stderr));
    },
  });
}

async function replace(group: Group, stderr: Shell["stderr"]): Promise<void> {
  const before = group.snapshot().children.length;
  try {
    const replaced = await group.restart();
    stderr.write(
      replaced === before
        ? `${replaced} processes replaced\n`
        : "the module does not start as it is now: the processes before it serve on\n",
    );
  } catch (error) {
    stderr.write(`the processes cannot be replaced: ${errorMessage(error)}\n`);
  }
}
