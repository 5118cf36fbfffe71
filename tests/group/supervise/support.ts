/** What the tests of groups share: programs that are started, watched and put under load. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { delay } from "@ballast/runtime";
import type { GroupOptions } from "@ballast/runtime/group";
import { CHILD_MARKER, PROTOCOL_VERSION } from "../../../src/group/messages.ts";

/** No wait is longer. */
export const WAIT_MS = 60_000;

const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

/** What programs are started with: they can be told to collect their garbage. */
export const FLAGS: readonly string[] = process.versions.deno === undefined
  ? ["--expose-gc"]
  : ["run", "--quiet", "--no-check", "--v8-flags=--expose-gc", "--allow-all"];

/** A line that a program wrote. */
export interface Line {
  readonly type: string;
  readonly pid: number;
  readonly [key: string]: unknown;
}

/** A program that runs. */
export interface Program {
  readonly pid: number;
  readonly port: number;
  readonly metaPort: number;
  /** What it wrote so far: its lines of JSON, those of its children included. */
  readonly lines: readonly Line[];
  /** What it wrote to its standard error. */
  readonly stderr: string;
  /** Waits for a line. */
  line(holds: (line: Line) => boolean, what: string): Promise<Line>;
  /** Waits for its end. */
  ended(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(signal: NodeJS.Signals): void;
}

type Options = Omit<GroupOptions, "apps"> & {
  readonly broken?: string;
  readonly orphaned?: boolean;
  readonly apps?: readonly object[];
};

/** Runs a test with the service program, and sees that nothing of it is left behind. */
export async function withService(options: Options, run: (program: Program) => Promise<void>): Promise<void> {
  const program = start(options);
  try {
    await program.line(({ type, role }) => type === "serving" && role !== "child", "the service");
    const { workers = 0 } = options;
    if (workers > 1) await until(() => children(program).length === workers, "the children");
    await run(program);
  } finally {
    cleanUp(program);
  }
}

/** Starts the service program as a child whose supervisor lets go of it while it starts: before its group is made, if it is `orphaned`. */
export function startOrphan(options: Options): Program {
  const marker = { version: PROTOCOL_VERSION, group: "service", id: 1, listeners: [] };
  const child = spawnProgram(options, { ...process.env, [CHILD_MARKER]: JSON.stringify(marker) }, ["ipc"]);
  child.disconnect();
  return watch(child);
}

/** Starts the service program. */
export function start(options: Options): Program {
  return watch(spawnProgram(options, process.env, []));
}

function spawnProgram(options: Options, env: NodeJS.ProcessEnv, more: readonly "ipc"[]): ChildProcess {
  const file = fileURLToPath(new URL(`./programs/service${extension}`, import.meta.url));
  return spawn(process.execPath, [...FLAGS, file, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "pipe", ...more],
    env,
  });
}

function watch(child: ChildProcess): Program {
  const lines: Line[] = [];
  let stderr = "";
  let rest = "";
  let news = () => {};
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const all = (rest + text).split("\n");
    rest = all.pop()!;
    lines.push(...all.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)));
    news();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => stderr += text);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
  const serving = () => lines.find(({ type, role }) => type === "serving" && role !== "child")!;
  return {
    pid: child.pid!,
    get port() {
      return serving().port as number;
    },
    get metaPort() {
      return serving().metaPort as number;
    },
    lines,
    get stderr() {
      return stderr;
    },
    async line(holds, what) {
      const until = performance.now() + WAIT_MS;
      for (;;) {
        const found = lines.find(holds);
        if (found !== undefined) return found;
        if (performance.now() > until) {
          throw new Error(`${what} did not come within ${WAIT_MS} ms: ${JSON.stringify(lines)}\n${stderr}`);
        }
        await Promise.race([new Promise<void>((resolve) => news = resolve), delay(50)]);
      }
    },
    ended: () => bounded(ended, "the end of the program"),
    // Not by child.kill(): Deno then says of any end that the signal was it.
    kill: (signal) => void process.kill(child.pid!, signal),
  };
}

/** Every process that a program's lines tell of. */
export function processes({ pid, lines }: Program): number[] {
  return [...new Set([pid, ...lines.map((line) => line.pid)])];
}

/** The processes of the children that serve now, by the lines. */
export function children({ lines }: Program): number[] {
  const ended = lines.filter(({ type, role }) => type === "end" && role === "child").map(({ pid }) => pid);
  const serving = lines.filter(({ type, role }) => type === "serving" && role === "child").map(({ pid }) =>
    pid
  );
  return serving.filter((pid) => !ended.includes(pid) && isRunning(pid));
}

function cleanUp(program: Program): void {
  for (const pid of processes(program)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended, as it should.
    }
  }
}

/** Whether a process runs: an orphan that has ended is there until somebody waits for it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // By another program: under Deno only those who may do all may read it themselves.
  const { status, stdout } = spawnSync("cat", [`/proc/${pid}/stat`], { encoding: "utf8" });
  if (status === 0) return !/^\) [ZX]/.test(stdout.slice(stdout.lastIndexOf(")")));
  return spawnSync("cat", ["/proc/self/stat"]).status !== 0;
}

/** Waits until something holds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  withinMs = WAIT_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`${what} did not come true within ${withinMs} ms`);
    await delay(20);
  }
}

async function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      delay(WAIT_MS, { signal: late.signal }).then(() => {
        throw new Error(`${what} did not come within ${WAIT_MS} ms`);
      }),
    ]);
  } finally {
    late.abort();
  }
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request; on a connection of its own unless an agent is given. */
export function get(port: number, path = "/", agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, agent, timeout: WAIT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => body += text);
      response.on("end", () => resolve({ status: response.statusCode!, body }));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer came")));
    sent.on("error", reject);
    sent.end();
  });
}

/** As {@linkcode get}, of JSON: whatever a page of the meta app has. */
// deno-lint-ignore no-explicit-any
export async function getJson(port: number, path: string): Promise<any> {
  const { body } = await get(port, `${path}?format=json`);
  return JSON.parse(body);
}

/** What came of requests. */
export interface Load {
  /** Answered, by who did. */
  readonly answered: Map<string, number>;
  /** Texts of what failed, and statuses that were not 200. */
  readonly failures: string[];
  /** Requests on a connection kept open that was closed as they were sent: the race that HTTP/1.1 has (RFC 9112, 9.3.1). */
  readonly races: string[];
  /** Ends the load; resolves when the last request is answered. */
  stop(): Promise<void>;
}

/** Requests without a pause: by some clients on a new connection each, by others on one that is kept open. */
export function load(
  port: number,
  clients: { readonly fresh: number; readonly kept: number; readonly pauseMs?: number },
  path = "/",
): Load {
  const answered = new Map<string, number>();
  const failures: string[] = [];
  const races: string[] = [];
  let running = true;

  async function client(agent: Agent | false): Promise<void> {
    let first = true;
    while (running) {
      try {
        const { status, body } = await get(port, path, agent);
        if (status === 200) answered.set(body, (answered.get(body) ?? 0) + 1);
        else failures.push(`status ${status}`);
        first = false;
      } catch (error) {
        const { message, code } = error as Error & { code?: string };
        const isRace = agent !== false && !first && (code === "ECONNRESET" || code === "EPIPE");
        (isRace ? races : failures).push(`${code ?? ""} ${message}`);
        first = true;
      }
      await delay(clients.pauseMs ?? 2);
    }
  }

  const all = [
    ...Array.from({ length: clients.fresh }, () => client(false)),
    ...Array.from({ length: clients.kept }, () => client(new Agent({ keepAlive: true, maxSockets: 1 }))),
  ];
  return {
    answered,
    failures,
    races,
    async stop() {
      running = false;
      await bounded(Promise.all(all), "the last answer");
    },
  };
}

/** Whether nobody listens on a port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });
}
