/**
 * Connections to real servers that are killed and started again in the middle of traffic. Run by `main.ts`, as it is no unit
 * test: it needs their programs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";

import { delay, retry } from "@ballast/runtime";
import {
  bufferedConnection,
  type ConnectionManager,
  createConnection,
  createConnectionManager,
  createFetch,
} from "@ballast/runtime/connections";
import pg from "pg";
import { pem } from "../../connections/servers.ts";
import { type Kind, nginx, postgres, redis } from "./servers.ts";

/** What is done over and over; gives the port of who did it. */
interface Work {
  readonly name: string;
  /** Whether it may be done twice. */
  readonly idempotent: boolean;
  run(): Promise<number>;
}

/** One call that failed. */
interface Failure {
  readonly work: Work;
  readonly startedAt: number;
  readonly error: unknown;
}

const CALLERS = 8;
/** Main alone; the spare one alone; main again. */
const PHASE_MS = 2_000;
const PAUSE_MS = 5;

/**
 * Callers work through an endpoint whose first tier is one server and whose second is another; the first is killed and started
 * again. Only calls that were on their way to it, and may not be done twice, may fail.
 */
async function survive(
  kind: Kind,
  start: (manager: ConnectionManager) => { works: Work[]; end(): Promise<void> },
): Promise<void> {
  const [main, spare] = await Promise.all([kind.start(), kind.start()]);
  const manager = createConnectionManager({
    endpoints: {
      backend: {
        tiers: [[main.address], [spare.address]],
        markdown: { failures: 1, baseMs: 200, maxMs: 400 },
      },
    },
  });
  const { works, end } = start(manager);
  const failures: Failure[] = [];
  const done: { port: number; at: number }[] = [];
  let stopped = false;

  async function caller(work: Work): Promise<void> {
    while (!stopped) {
      const startedAt = performance.now();
      try {
        done.push({ port: await work.run(), at: performance.now() });
      } catch (error) {
        failures.push({ work, startedAt, error });
      }
      await delay(PAUSE_MS);
    }
  }
  const served = (port: number, from: number, to: number) =>
    done.filter((call) => call.port === port && call.at >= from && call.at < to).length;

  try {
    const callers = works.flatMap((work) => Array.from({ length: CALLERS }, () => caller(work)));
    const startedAt = performance.now();
    await delay(PHASE_MS);
    const killedAt = performance.now();
    await main.kill();
    const deadAt = performance.now();
    await delay(PHASE_MS);
    const restartedAt = performance.now();
    await main.restart();
    const backAt = performance.now();
    await delay(PHASE_MS + 1_000);
    stopped = true;
    await Promise.all(callers);

    const told = failures.map(({ work, startedAt, error }) => {
      return `${work.name} at ${Math.round(startedAt - killedAt)} ms after the kill: ${error}`;
    });
    const harmless = failures.filter(({ work, startedAt }) => !work.idempotent && startedAt <= deadAt);
    console.log(
      `${kind.name}: ${done.length} calls, ${failures.length} failed in flight; main served ` +
        `${served(main.port, startedAt, killedAt)}, then the spare ${
          served(spare.port, deadAt, restartedAt)
        }, ` +
        `then main ${served(main.port, backAt, Infinity)}`,
    );
    assert.equal(failures.length, harmless.length, told.join("\n"));
    assert.ok(failures.length <= CALLERS, told.join("\n"));
    assert.ok(served(main.port, startedAt, killedAt) > 100, "the first tier serves at first");
    assert.ok(served(spare.port, deadAt, restartedAt) > 100, "then the second one");
    assert.ok(served(main.port, backAt, Infinity) > 50, "and the first one again");
  } finally {
    stopped = true;
    await end();
    await manager.close();
    await Promise.all([main.close(), spare.close()]);
  }
  assert.equal(manager.snapshot().open, 0);
}

/** Does what may be done twice up to three times, within the manager's budget. */
async function again<T>(manager: ConnectionManager, run: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries === 3 || !manager.retries.withdraw()) throw error;
      await delay(Math.random() * 10);
    }
  }
}

/** One command in Redis's protocol: integers, simple and bulk strings. */
async function command(manager: ConnectionManager, ...words: string[]): Promise<string> {
  const lease = await manager.connect("backend");
  try {
    const connection = bufferedConnection(lease, { timeoutMs: 2_000 });
    const text = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
    await connection.send(new TextEncoder().encode(text));
    const line = async () => new TextDecoder().decode(await connection.recvUntil("\r\n"));
    const answer = await reply(line);
    lease.release();
    return answer;
  } catch (error) {
    lease.close(error);
    throw error;
  }
}

async function reply(line: () => Promise<string>): Promise<string> {
  const first = await line();
  switch (first[0]) {
    case "+":
    case ":":
      return first.slice(1);
    case "$":
      return await line();
    case "*": {
      let last = "";
      for (let left = Number(first.slice(1)); left > 0; left--) last = await reply(line);
      return last;
    }
    default:
      throw new Error(first);
  }
}

/** The port of the server, and whether the connection speaks TLS. */
const SELECT =
  "select current_setting('port')::int as port, ssl from pg_stat_ssl where pid = pg_backend_pid()";

function ignore(): void {}

/** What is used of a client of pg, which brings no types. */
interface Client {
  query(
    text: string,
  ): Promise<{ readonly rows: readonly { readonly port: number; readonly ssl: boolean }[] }>;
  on(event: "error", listener: () => void): void;
  off(event: "error", listener: () => void): void;
  release(broken?: boolean): void;
}

test("Redis, killed and started again: RESP through buffered connections", {
  skip: redis.missing,
  timeout: 60_000,
}, () =>
  survive(redis, (manager) => {
    const port = async () => Number(await command(manager, "CONFIG", "GET", "port"));
    return {
      works: [
        { name: "get", idempotent: true, run: () => again(manager, port) },
        {
          name: "incr",
          idempotent: false,
          async run() {
            await command(manager, "INCR", "counter");
            return 0;
          },
        },
      ],
      end: () => Promise.resolve(),
    };
  }));

test("PostgreSQL with TLS, killed and started again: pg through the manager", {
  skip: postgres.missing,
  timeout: 60_000,
}, () =>
  survive(postgres, (manager) => {
    const pool = new pg.Pool({
      stream: () => createConnection<Duplex>(manager, "backend"),
      ssl: { ca: pem("authority.pem") },
      host: "db.test",
      user: "app",
      database: "postgres",
      max: CALLERS,
      // So that it looks for a better server now and then.
      maxLifetimeSeconds: 1,
      connectionTimeoutMillis: 5_000,
    });
    pool.on("error", () => {});
    const query = async (client: Client) => {
      const { rows } = await client.query(SELECT);
      assert.equal(rows[0]!.ssl, true);
      return rows[0]!.port;
    };
    // While it starts it takes connections and says that it is not ready: nothing was asked of it then.
    const acquire = () => retry<Client>(() => pool.connect(), { attempts: 10, baseMs: 50, maxMs: 500 });
    async function once(): Promise<number> {
      const client = await acquire();
      // What breaks between two queries is told here; the next query fails.
      client.on("error", ignore);
      try {
        const port = await query(client);
        client.release();
        return port;
      } catch (error) {
        client.release(true);
        throw error;
      } finally {
        client.off("error", ignore);
      }
    }
    return {
      works: [
        { name: "select", idempotent: true, run: () => again(manager, once) },
        { name: "select once", idempotent: false, run: once },
      ],
      end: () => pool.end(),
    };
  }));

test(
  "nginx, killed and started again: HTTP through fetch",
  { skip: nginx.missing, timeout: 60_000 },
  () =>
    survive(nginx, (manager) => {
      const fetch = createFetch(manager);
      const ask = (method: string) => async () => {
        const response = await fetch("http://backend/", {
          method,
          body: method === "POST" ? "once" : undefined,
        });
        assert.equal(response.status, 200);
        return Number(await response.text());
      };
      return {
        works: [
          { name: "GET", idempotent: true, run: ask("GET") },
          { name: "POST", idempotent: false, run: ask("POST") },
        ],
        end: () => Promise.resolve(),
      };
    }),
);
