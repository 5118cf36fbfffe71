/**
 * The load of the overload benchmark, in a process of its own: on Node bundled, where there is one.
 *
 *     overload_load.ts <port> open <perSecond> <ms> <connections already open>
 *     overload_load.ts <port> closed <connections> <ms> <pipelined>
 *
 * Open: a request is due each so many milliseconds, whatever becomes of those before, and its latency counts from then. It takes a free
 * connection, or opens one. Closed: each connection sends as soon as it has its answers.
 */

import { connect, type Socket } from "node:net";
import process from "node:process";

/** A client gives up after this. */
const TIMEOUT_MS = 2_000;
const GOOD_MS = 250;
const WARM_UP_MS = 500;

/** What an open-loop run gave. Times in milliseconds. */
export interface LoadResult {
  readonly sent: number;
  /** Answered with 200 within 250 ms of when they were due, a second. */
  readonly goodput: number;
  readonly refused: number;
  readonly timeouts: number;
  readonly failures: number;
  readonly admittedP50: number | null;
  readonly admittedP99: number | null;
  readonly refusedP50: number | null;
  /** The slowest answer of the health check, and of the meta app where there is one. */
  readonly healthMax: number;
  readonly metaMax: number | null;
}

const [port, mode, amount, ms, more] = process.argv.slice(2).map((text) =>
  Number.isNaN(Number(text)) ? text : Number(text)
);
const message = (path: string) => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`;
const result = mode === "open"
  ? await open(amount as number, ms as number, more as number)
  : await closed(amount as number, ms as number, more as number);
console.log(JSON.stringify(result));
process.exit();

/** A connection that has one request at a time. */
interface Connection {
  readonly socket: Socket;
  text: string;
  answered?: (status: number) => void;
}

function openConnection(idle: Connection[]): Connection {
  const socket = connect({ port: port as number, host: "127.0.0.1", noDelay: true });
  const connection: Connection = { socket, text: "" };
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    connection.text += chunk;
    const head = connection.text.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(connection.text)?.[1] ?? 0);
    if (connection.text.length < head + 4 + length) return;
    const status = Number(connection.text.slice(9, 12));
    connection.text = "";
    const { answered } = connection;
    connection.answered = undefined;
    idle.push(connection);
    answered?.(status);
  });
  const broken = () => {
    const { answered } = connection;
    connection.answered = undefined;
    const place = idle.indexOf(connection);
    if (place >= 0) idle.splice(place, 1);
    answered?.(0);
  };
  socket.on("error", broken);
  socket.on("close", broken);
  return connection;
}

async function open(perSecond: number, ms: number, connections: number): Promise<LoadResult> {
  const idle: Connection[] = [];
  for (let i = 0; i < connections; i++) {
    const connection = openConnection(idle);
    await new Promise<void>((resolve) => connection.socket.once("connect", () => resolve()));
    idle.push(connection);
  }
  const admitted: number[] = [];
  const refused: number[] = [];
  let [sent, good, timeouts, failures] = [0, 0, 0, 0];

  function ask(path: string, due: number, done: (status: number, tookMs: number) => void): void {
    const connection = idle.pop() ?? openConnection(idle);
    const timer = setTimeout(() => {
      connection.answered = undefined;
      connection.socket.destroy();
      done(-1, performance.now() - due);
    }, TIMEOUT_MS);
    connection.answered = (status) => {
      clearTimeout(timer);
      done(status, performance.now() - due);
    };
    connection.socket.write(message(path));
  }

  const health = probe("/livez");
  const meta = probe("/meta/overload?format=json");
  const start = performance.now();
  let next = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now() - start;
      for (; next * 1_000 / perSecond <= now; next++) {
        const due = next * 1_000 / perSecond;
        if (due >= WARM_UP_MS + ms) {
          clearInterval(timer);
          return resolve();
        }
        const counts = due >= WARM_UP_MS;
        if (counts) sent++;
        ask("/", start + due, (status, tookMs) => {
          if (!counts) return;
          if (status === -1) timeouts++;
          else if (status === 503) refused.push(tookMs);
          else if (status !== 200) failures++;
          else {
            admitted.push(tookMs);
            if (tookMs <= GOOD_MS) good++;
          }
        });
      }
    }, 1);
  });
  await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS + 100));
  const [healthMax, metaMax] = [health.stop(), meta.stop()];
  return {
    sent,
    goodput: good / ms * 1_000,
    refused: refused.length,
    timeouts,
    failures,
    admittedP50: quantile(admitted, 0.5),
    admittedP99: quantile(admitted, 0.99),
    refusedP50: quantile(refused, 0.5),
    healthMax: healthMax ?? NaN,
    metaMax,
  };
}

/** Asks ten times a second on a connection of its own. `stop` gives the slowest of the answers, null where there is no such page. */
function probe(path: string): { stop(): number | null } {
  const idle: Connection[] = [];
  const connection = openConnection(idle);
  let worst: number | null = null;
  let waiting = false;
  const timer = setInterval(() => {
    if (waiting) return;
    waiting = true;
    const since = performance.now();
    connection.answered = (status) => {
      waiting = false;
      if (status === 200) worst = Math.max(worst ?? 0, performance.now() - since);
    };
    connection.socket.write(message(path));
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      return worst;
    },
  };
}

/** Answers a second. */
async function closed(
  connections: number,
  ms: number,
  pipelined: number,
): Promise<{ perSecond: number; answers: number }> {
  const request = message("/").repeat(pipelined);
  let answers = 0;
  for (let i = 0; i < connections; i++) {
    const socket = connect({ port: port as number, host: "127.0.0.1", noDelay: true });
    socket.setEncoding("latin1");
    let [open, left] = [pipelined, ""];
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk: string) => {
      // The start of an answer may be torn in two.
      const parts = (left + chunk).split("HTTP/1.1 200");
      left = parts.at(-1)!.slice(-11);
      answers += parts.length - 1;
      open -= parts.length - 1;
      if (open > 0) return;
      open += pipelined;
      socket.write(request);
    });
  }
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const [before, since] = [answers, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { perSecond: (answers - before) / (performance.now() - since) * 1_000, answers };
}

function quantile(values: readonly number[], q: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
}
