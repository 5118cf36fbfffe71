/**
 * Real servers, started for a test on loopback by a user without rights: their own ports, their files in a temporary folder,
 * and dead in the end whatever happens.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { writeFileSync } from "node:fs";

import { delay } from "@ballast/runtime";
import { find, leashed } from "../daemons.ts";

/** A server that can be started. */
export interface Kind {
  readonly name: string;
  /** Debian's package. */
  readonly package: string;
  /** The program is not installed. */
  readonly missing: boolean;
  start(): Promise<RunningServer>;
}

/** A server that runs. */
export interface RunningServer {
  /** `127.0.0.1:<port>`; the same after a restart. */
  readonly address: string;
  readonly port: number;
  /** Kills it and all of its processes. Resolves when they are dead. */
  kill(): Promise<void>;
  /** Starts it again, after `kill`. */
  restart(): Promise<void>;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

/** What makes one server differ from another. */
interface Recipe {
  readonly name: string;
  readonly package: string;
  readonly program: string | undefined;
  /** Prepares its folder, once. */
  prepare(folder: string): void;
  /** Its arguments. */
  configure(folder: string, port: number): string[];
}

/** Whose rights they run with, where the tests run as root. */
const USER = "nobody";
const GROUP = "nogroup";
/** Below the ports that sockets get when they ask for any: nobody takes ours while the server is dead. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const MAX_STARTS = 5;
const READY_WITHIN_MS = 15_000;

const certificates = fileURLToPath(new URL("../../support/certificates/", import.meta.url));

const REDIS: Recipe = {
  name: "redis",
  package: "redis-server",
  program: find("redis-server"),
  prepare: () => {},
  configure: (
    folder,
    port,
  ) => ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"],
};

const POSTGRES: Recipe = {
  name: "postgresql",
  package: "postgresql",
  program: postgresProgram("postgres"),
  prepare(folder) {
    const data = join(folder, "data");
    asUser(postgresProgram("initdb")!, ["-D", data, "-U", "app", "--auth=trust", "--no-sync", "-E", "UTF8"]);
    // Nothing but TLS.
    writeFileSync(join(data, "pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n");
    for (const file of ["server.pem", "server.key"]) {
      copyFileSync(join(certificates, file), join(data, file));
      chmodSync(join(data, file), 0o600);
    }
    give(data);
  },
  configure(folder, port) {
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "ssl=on",
      "ssl_cert_file=server.pem",
      "ssl_key_file=server.key",
      "fsync=off",
      "shared_buffers=16MB",
    ];
    return ["-D", join(folder, "data"), "-p", `${port}`, ...settings.flatMap((setting) => ["-c", setting])];
  },
};

const NGINX: Recipe = {
  name: "nginx",
  package: "nginx-light",
  program: find("nginx"),
  prepare: () => {},
  configure(folder, port) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ");
    const text = `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 50;
  ${temporary}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "${port}"; }
  }
}
`;
    writeFileSync(join(folder, "nginx.conf"), text);
    return ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  },
};

/** The servers that there are tests for. */
export const [redis, postgres, nginx] = [REDIS, POSTGRES, NGINX].map(kindOf) as [Kind, Kind, Kind];

function kindOf(recipe: Recipe): Kind {
  const { name, program } = recipe;
  return {
    name,
    package: recipe.package,
    missing: program === undefined,
    start: () => start(recipe, program!),
  };
}

/** Debian keeps PostgreSQL's programs apart, by version. */
function postgresProgram(name: string): string | undefined {
  const root = "/usr/lib/postgresql";
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return join(root, versions[0]!, "bin", name);
  } catch {
    return find(name);
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** A program and its arguments, with the rights of our user. */
function unprivileged(program: string, args: readonly string[]): [string, string[]] {
  if (!isRoot()) return [program, [...args]];
  return ["setpriv", [`--reuid=${USER}`, `--regid=${GROUP}`, "--clear-groups", program, ...args]];
}

function asUser(program: string, args: readonly string[]): void {
  const [command, all] = unprivileged(program, args);
  const { status, stderr, error } = spawnSync(command, all, { encoding: "utf8", cwd: "/" });
  if (status !== 0) throw new Error(`${program} failed: ${error ?? stderr}`);
}

function give(path: string): void {
  if (!isRoot()) return;
  const { status, stderr } = spawnSync("chown", ["-R", `${USER}:${GROUP}`, path], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

async function start(recipe: Recipe, program: string): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), `ballast-${recipe.name}-`));
  mkdirSync(join(folder, "state"));
  give(folder);
  let child: Awaited<ReturnType<typeof leashed>> | undefined;

  async function launch(port: number): Promise<void> {
    const launched = await leashed(...unprivileged(program, recipe.configure(folder, port)));
    const giveUpAt = performance.now() + READY_WITHIN_MS;
    while (launched.isAlive && performance.now() < giveUpAt) {
      // Somebody else may be at that port: then ours has ended.
      if (await accepts(port) && launched.isAlive) {
        child = launched;
        return;
      }
      await delay(20);
    }
    launched.signal("SIGKILL");
    await launched.ended;
    throw new Error(`${recipe.name} does not listen on port ${port}: ${launched.said || "no reason given"}`);
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined) return;
    const processes = childrenOf(ending.pid);
    ending.signal("SIGKILL");
    // PostgreSQL's would finish what they are at.
    for (const pid of processes) killQuietly(pid);
    await ending.ended;
  }

  async function close(): Promise<void> {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    recipe.prepare(folder);
    const port = await anyPort(launch);
    return { address: `127.0.0.1:${port}`, port, kill, restart: () => launch(port), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter((word) => word !== "").map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was faster.
  }
}

/** The first of a few ports at which it can be launched: the others are taken. */
async function anyPort(launch: (port: number) => Promise<void>): Promise<number> {
  for (let tried = 1;; tried++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      await launch(port);
      return port;
    } catch (error) {
      if (tried === MAX_STARTS) throw error;
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
