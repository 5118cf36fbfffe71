/**
 * A program that uses every entry point, for the compiler alone: it is never run. `check:npm` compiles it against the
 * packed declarations, as a user of npm would.
 */

import { configure, getConsoleSink, getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { get, type RequestOptions } from "node:http";
import { connect } from "node:net";

import { BallastError, type Clock, createRuntime, delay, type Report, type Runtime } from "@ballast/runtime";
import { main } from "@ballast/runtime/cli";
import {
  bufferedConnection,
  ConnectError,
  type ConnectionManager,
  createConnectionManager,
  type Lease,
  staggeredRetries,
} from "@ballast/runtime/connections";
import {
  type Context,
  contexts,
  createContext,
  createRequestContexts,
  currentContext,
} from "@ballast/runtime/context";
import {
  type Address,
  createDnsCache,
  type DnsCache,
  type DnsEvent,
  nodeResolver,
  ResolveError,
  type Resolver,
} from "@ballast/runtime/dns";
import {
  createGroup,
  createServerSet,
  type Group,
  type GroupEnd,
  type GroupOptions,
  requestPipeline,
  type ServerSet,
} from "@ballast/runtime/group";
import { createLog, type Log } from "@ballast/runtime/log";
import { createMetaApp, type Overview } from "@ballast/runtime/meta";
import { exportToOpenTelemetry } from "@ballast/runtime/otel";
import {
  createAdmission,
  createShedder,
  OverloadError,
  type Shedder,
  type Ticket,
} from "@ballast/runtime/overload";
import { createDistribution, createStats, type DistributionSnapshot } from "@ballast/runtime/stats";
import { simulatedClock } from "@ballast/runtime/testing";
import { checkTopology, type TopologyCheck } from "@ballast/runtime/topology";
import { cpuBound, createWorkerPool, type WorkerPool } from "@ballast/runtime/workers";

/** The runtime, with LogTape as the program set it up, and a report of the program's own. */
export async function start(): Promise<Runtime> {
  await configure({
    sinks: { console: getConsoleSink() },
    loggers: [{ category: "ballast", sinks: ["console"] }],
  });
  const runtime = createRuntime({
    name: "shop",
    dns: { servers: [{ address: "127.0.0.1", port: 5353 }], preresolve: ["db.internal"] },
    log: { logger: getLogger("shop") },
  });
  runtime.reports.add("queue", {
    report: (): Report => ({ id: "queue", title: "Queue", facts: [{ label: "Length", value: 3 }] }),
  });
  const { dns } = await runtime.ready();
  dns.failed.map(({ name, reason }) => `${name}: ${reason}`);
  return runtime;
}

/** The meta app is a Hono app of the program's own Hono. */
export function serve(runtime: Runtime): Hono {
  const app = new Hono();
  app.route("/meta", createMetaApp(runtime, { hosts: ["meta.internal"] }));
  return app;
}

/** Overload control is a middleware of the program's own Hono, and an admission for whatever else is bounded. */
export async function shed(app: Hono): Promise<Shedder> {
  const shedder = createShedder({
    priority: "x-priority",
    limit: { max: 200 },
    exempt: ["/livez", "/meta/*"],
  });
  app.use(shedder.middleware());
  app.use(createRequestContexts(currentContext()!, { deadlineMs: 2_000 }).middleware());
  shedder.events.subscribe((event) => event.type === "refused" && event.reason.toUpperCase());
  const pool = createAdmission({ name: "db", limit: 10, queue: { maxLength: 50, fair: true } });
  try {
    const ticket: Ticket = await pool.admit({ priority: "critical", client: "blue" });
    ticket.done("success");
  } catch (error) {
    if (!(error instanceof OverloadError) || error.reason === "closed") throw error;
  }
  return shedder;
}

/** An app and a stream on ports of their own. */
export async function listen(runtime: Runtime, app: Hono): Promise<ServerSet> {
  const servers = createServerSet({
    apps: [{ name: "web", port: 8888, fetch: app.fetch, tls: { cert: "tls.crt", key: "tls.key" } }],
    streams: [{
      port: 7000,
      async handler(lease, { signal }) {
        if (!signal.aborted) await bufferedConnection(lease).send("hello");
      },
    }],
    limits: { maxBodyBytes: undefined, requestTimeoutMs: 5_000 },
    wrap: requestPipeline(runtime),
  });
  servers.events.subscribe((event) => event.type === "refused" && event.reason.toUpperCase());
  const [web] = await servers.listen();
  web?.url.toUpperCase();
  return servers;
}

/** What the pages are drawn from. */
export async function findings(app: Hono): Promise<string[]> {
  const response = await app.request("/meta/?format=json");
  const overview = await response.json() as Overview;
  return overview.findings.map(({ id }) => id);
}

/** The cache, under the clients of Node. */
export async function resolve(dns: DnsCache): Promise<Address> {
  const options: RequestOptions = { hostname: "db.internal", lookup: dns.lookup };
  get(options);
  connect({ host: "db.internal", port: 5432, lookup: dns.lookup });
  try {
    const addresses = await dns.resolve("db.internal", { family: 4, signal: AbortSignal.timeout(200) });
    return addresses[0];
  } catch (error) {
    if (error instanceof ResolveError && error.retryable) await delay(50);
    if (error instanceof BallastError && error.code === "NAME_NOT_FOUND") throw error;
    return { address: "127.0.0.1", family: 4, stale: true };
  }
}

/** Connections by name, and a protocol on top. */
export async function ask(runtime: Runtime): Promise<string | undefined> {
  const manager: ConnectionManager = createConnectionManager({
    dns: runtime.dns,
    endpoints: {
      "db-r": { tiers: [["10.0.0.4:5432", { host: "10.0.0.5", port: 5432, weight: 2 }]], tls: true },
      web: { srv: "_http._tcp.shop.internal" },
    },
    aliases: { orders: "db-r" },
  });
  try {
    const lease: Lease = await staggeredRetries((signal) => manager.connect("orders", { signal }), {
      delaysMs: [50],
      discard: (late) => late.release(),
    });
    const connection = bufferedConnection(lease, { timeoutMs: 200 });
    await connection.send("PING\r\n");
    const line = await connection.recvUntil("\r\n");
    lease.release();
    return new TextDecoder().decode(line);
  } catch (error) {
    if (error instanceof ConnectError) return error.attempts.map(({ address }) => address).join();
    throw error;
  } finally {
    await manager.close({ finish: true });
  }
}

/** A resolver of the program's own, and the events of a cache. */
export async function watch(): Promise<void> {
  const fallback: Resolver = nodeResolver();
  const resolver: Resolver = {
    name: "mine",
    query: (name, type, options) =>
      name === "db.internal"
        ? Promise.resolve({ verdict: "addresses", addresses: ["10.0.0.4"], ttlMs: 1_000 })
        : fallback.query(name, type, options),
  };
  await using dns = createDnsCache({ resolver });
  dns.events.subscribe((event: DnsEvent) => {
    if (event.type === "dropped") event.name.toUpperCase();
  });
}

/** The parts by themselves, on simulated time. */
export async function parts(): Promise<[DistributionSnapshot, TopologyCheck, Context | undefined]> {
  const time = simulatedClock();
  const clock: Clock = time;
  const stats = createStats({ clock });
  stats.counter("orders").add(2);
  const log: Log = createLog({ clock, stats });
  log.warn("slow", { tookMs: 12 });
  await time.advance(1_000);

  const distribution = createDistribution({ unit: "ms" });
  distribution.add(1.5);
  const context = createContext({ name: "worker", clock });
  const found = context.run(() => currentContext());
  context.close();
  return [distribution.snapshot(), checkTopology("{}"), found ?? contexts.get("worker")];
}

/** A check of the command line, from within a program. */
export async function check(files: readonly string[]): Promise<boolean> {
  return await main(["check-hosts", "--quiet", ...files]) === 0;
}

/** The statistics, through OpenTelemetry until the program ends. */
export function telemetry(runtime: Runtime): () => void {
  return exportToOpenTelemetry(runtime.stats);
}

/** A function off the event loop: its arguments and result keep their types. */
export const total = cpuBound(import.meta, "total", (text: string): number => JSON.parse(text).total);

/** A pool of its own. */
export async function totals(texts: readonly string[]): Promise<number[]> {
  const pool: WorkerPool = createWorkerPool({ kind: "cpu", size: 1 });
  try {
    return await Promise.all(texts.map((text) => total.with({ pool, timeoutMs: 500 })(text)));
  } finally {
    await pool.close();
  }
}

const groupOptions: GroupOptions = {
  apps: [{ name: "web", port: 8080, fetch: () => new Response("hello") }],
  workers: 2,
  meta: { port: 8081, token: undefined },
  maxMemoryBytes: 2 ** 28,
  health: () => true,
  onChildStart: ({ id, pid }) => console.log(id, pid),
};
export const group: Group = createGroup(groupOptions);
export const groupEnded: Promise<GroupEnd> = group.serve();
export const servers = createServerSet({ apps: groupOptions.apps ?? [] });
