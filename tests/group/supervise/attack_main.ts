/**
 * A group of two children under attack, twice over: thousands of idle connections, headers in drops, what is no HTTP, requests too
 * large, and floods of connections. Health and the meta app are asked all the time, by a process of their own, and the second round
 * shows whether anything grows: `deno task attack-group`; packed, on Node: `node tests/group/supervise/attack_main.js`.
 */

import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { delay } from "@ballast/runtime";
import { FLAGS, get, getJson, type Program, until, withService } from "./support.ts";

const CHILDREN = 2;
const IDLE = 5_000;
const DROPS = 500;
const BROKEN = 2_000;
const WAVES = 20;
const WAVE = 500;
/** How many connections are begun at a time. */
const BATCH = 100;
const HEADERS_MS = 3_000;
const PAUSE_MS = 50;
/** What a page may take; in CI others want the machine. */
const SLOW_MS = process.env.CI === undefined ? 100 : 1_000;
/** Of all children's heaps between the ends of two rounds, after a collection: some 230 bytes for each of a round's connections. */
const GROWTH_BYTES = 4 * 2 ** 20;

const PATHS = ["/livez", "/readyz", "/group", "/overload"] as const;

/** What a prober writes of each answer. */
interface Probe {
  readonly path: string;
  readonly ms: number;
  readonly status: number;
}

/** Asks page by page, without end. */
async function probe(port: number): Promise<never> {
  for (;;) {
    for (const path of PATHS) {
      const startedAt = performance.now();
      const { status } = await get(port, `${path}?format=json`).catch(() => ({ status: 0 }));
      const line: Probe = { path, ms: performance.now() - startedAt, status };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      await delay(PAUSE_MS);
    }
  }
}

/** Starts a prober. Its answers are taken by whoever wants them. */
function startProbes(port: number) {
  const args = [...FLAGS, fileURLToPath(import.meta.url), "--probe", String(port)];
  const prober = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let probes: Probe[] = [];
  let rest = "";
  prober.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    probes.push(...lines.map((line) => JSON.parse(line)));
  });
  return {
    take(): readonly Probe[] {
      const taken = probes;
      probes = [];
      return taken;
    },
    stop: () => void prober.kill("SIGKILL"),
  };
}

/** Opens connections that say something, and waits until they are answered if that is asked for. An error is their end. */
async function open(port: number, count: number, text: string, answered = false): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: BATCH }, () => connect(port, "127.0.0.1"));
    sockets.push(...batch);
    await Promise.all(batch.map((socket) =>
      new Promise<void>((resolve) => {
        socket.on("data", () => resolve()).on("error", () => resolve()).on("close", () => resolve());
        socket.on("connect", () => {
          if (text !== "") socket.write(text);
          if (!answered) resolve();
        });
      })
    ));
  }
  return sockets;
}

const isOpen = (socket: Socket) => !socket.destroyed && socket.readyState === "open";

function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

const ATTACKS: Readonly<Record<string, (port: number) => Promise<void>>> = {
  async nothing() {
    await delay(2_000);
  },
  async "idle connections"(port) {
    const sockets = await open(port, IDLE, "GET / HTTP/1.1\r\nhost: x\r\n\r\n", true);
    await delay(3_000);
    const left = sockets.filter(isOpen).length;
    closeAll(sockets);
    if (left < IDLE) throw new Error(`only ${left} of ${IDLE} idle connections were held`);
  },
  async "headers in drops"(port) {
    const sockets = await open(port, DROPS, "GET / HTTP/1.1\r\nhost: x\r\n");
    const dripping = setInterval(() => {
      for (const socket of sockets.filter(isOpen)) socket.write("x: y\r\n");
    }, 200);
    try {
      await until(() => !sockets.some(isOpen), "the end of headers in drops", 4 * HEADERS_MS);
    } finally {
      clearInterval(dripping);
      closeAll(sockets);
    }
  },
  async "no HTTP"(port) {
    const sockets = await open(port, BROKEN, "\x16\x03\x01 what is this\r\n\r\n\0\0\0");
    await until(() => !sockets.some(isOpen), "the end of what is no HTTP", 4 * HEADERS_MS);
  },
  async "headers and bodies too large"(port) {
    const head = `GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(100_000)}\r\n\r\n`;
    const body = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n${"b".repeat(100_000)}`;
    for (const text of [head, body]) {
      const sockets = await open(port, DROPS, text);
      await delay(1_000);
      closeAll(sockets);
    }
  },
  async "floods of connections"(port) {
    for (let wave = 0; wave < WAVES; wave++) closeAll(await open(port, WAVE, ""));
  },
};

/** Waits until no connection is left in the children, and gives what their heaps hold then. */
async function settled({ port, metaPort }: Program): Promise<number> {
  await until(async () => {
    const { report } = await getJson(metaPort, "/group");
    const { columns, rows } = report.tables.find(({ id }: { id: string }) => id === "children");
    return rows.every((row: readonly unknown[]) => row[columns.indexOf("Connections")] === 0);
  }, "the end of all connections");
  const heaps = new Map<number, number>();
  await until(async () => {
    const { pid, bytes } = JSON.parse((await get(port, "/heap")).body);
    heaps.set(pid, bytes);
    return heaps.size === CHILDREN;
  }, "the heaps of all children");
  return [...heaps.values()].reduce((sum, bytes) => sum + bytes);
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20 * 10) / 10;

async function attack(program: Program): Promise<void> {
  const probes = startProbes(program.metaPort);
  const faults: string[] = [];
  let before = 0;
  try {
    await until(() => probes.take().length > 0, "the first answers");
    for (const round of [1, 2]) {
      for (const [name, run] of Object.entries(ATTACKS)) {
        probes.take();
        const startedAt = performance.now();
        await run(program.port);
        const tookMs = Math.round(performance.now() - startedAt);
        const taken = probes.take();
        const slowest = Object.fromEntries(PATHS.map((path) => {
          const times = taken.filter((one) => one.path === path).map(({ ms }) => Math.round(ms));
          return [path, Math.max(...times)];
        }));
        const bytes = await settled(program);
        console.log(
          JSON.stringify({ round, name, tookMs, slowest, heapsMiB: mebibytes(bytes) }),
        );
        const unanswered = taken.filter(({ status }) => status !== 200);
        if (unanswered.length > 0) faults.push(`${name}: ${unanswered.length} pages had no answer`);
        for (const [path, ms] of Object.entries(slowest)) {
          if (ms > SLOW_MS) faults.push(`${name}: ${path} took ${ms} ms`);
        }
        const { status } = await get(program.port);
        if (status !== 200) faults.push(`${name}: the service answers ${status} afterwards`);
      }
      const bytes = await settled(program);
      if (round === 2 && bytes > before + GROWTH_BYTES) {
        faults.push(`the heaps grew by ${mebibytes(bytes - before)} MiB in the second round`);
      }
      before = bytes;
    }
  } finally {
    probes.stop();
  }
  const crashed = program.lines.filter(({ type }) => type === "crashed").length;
  if (crashed > 0) faults.push(`${crashed} children crashed`);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

if (process.argv.includes("--probe")) await probe(Number(process.argv.at(-1)));
await withService({
  workers: CHILDREN,
  meta: { port: 0 },
  overload: false,
  limits: { headersTimeoutMs: HEADERS_MS },
}, attack);
