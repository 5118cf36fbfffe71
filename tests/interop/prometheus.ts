import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  decodeStats,
  distributionFromSnapshot,
  mergeStats,
  type StatsSnapshot,
} from "@ballast/runtime/stats";
import { end, isPrometheusInstalled, startPrometheus } from "./prometheus_server.ts";

const COUNT = 30_000;
const QUANTILES = [0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999];
const skip = !isPrometheusInstalled();

interface Metered extends AsyncDisposable {
  readonly port: number;
  get(path: string): Promise<Response>;
  snapshot(): Promise<StatsSnapshot>;
}

/** A process with statistics of its own. */
async function startMetered(args: readonly string[], env: Record<string, string> = {}): Promise<Metered> {
  const program = fileURLToPath(new URL("metered.ts", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ["run", "--quiet", "--allow-all", program, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  const lines = createInterface({ input: child.stdout! });
  const [line] = await once(lines, "line", { signal: AbortSignal.timeout(60_000) });
  const port = Number(line);
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
  return {
    port,
    get,
    snapshot: async () => decodeStats(new Uint8Array(await (await get("/snapshot")).arrayBuffer())),
    [Symbol.asyncDispose]: () => end(child),
  };
}

test(
  "Prometheus scrapes two processes, and its quantiles are those of the merged snapshots",
  { skip },
  async () => {
    await using one = await startMetered(["1", `${COUNT}`]);
    await using two = await startMetered(["3", `${2 * COUNT}`]);
    const ports = [one.port, two.port];
    await using prometheus = await startPrometheus([
      { name: "usual", path: "/metrics", ports },
      { name: "fine", path: "/fine", ports },
      { name: "text", path: "/text", ports },
    ]);
    for (const job of ["usual", "fine", "text"]) {
      const total = `sum(ballast_work_duration_seconds_count{job="${job}"})`;
      assert.equal(await prometheus.waitFor(total, (value) => value === 3 * COUNT), 3 * COUNT);
      assert.equal(await prometheus.query(`sum(ballast_mail_sent_total{job="${job}"})`), 400);
      assert.equal(await prometheus.query(`max(ballast_heap_bytes{job="${job}"})`), 3_072);
      assert.equal(await prometheus.query(`sum(ballast_connection_current{job="${job}",state="pooled"})`), 2);
      assert.equal(await prometheus.query(`sum(ballast_clients_total{job="${job}"})`), 14);
    }
    const merged = mergeStats([await one.snapshot(), await two.snapshot()]);
    const work = merged.metrics.find(({ name }) => name === "work");
    assert.ok(work?.kind === "distribution");
    const ours = distributionFromSnapshot(work.series[0]!.value);
    assert.equal(
      await prometheus.query('sum(ballast_work_duration_seconds_sum{job="fine"})'),
      ours.sum / 1_000,
    );
    for (const q of QUANTILES) {
      const theirs = async (job: string) =>
        await prometheus.query(
          `histogram_quantile(${q}, sum by (le) (ballast_work_duration_seconds_bucket{job="${job}"}))`,
        ) ?? NaN;
      const expected = ours.quantile(q) / 1_000;
      // 16 bounds to an octave: 1/16; and 1 % of our own.
      const fine = await theirs("fine");
      assert.ok(
        Math.abs(fine / expected - 1) <= 1 / 16 + 0.01,
        `q = ${q}: ${fine} of 16 an octave, ${expected} of ours`,
      );
      // The usual bounds are up to 2.5 times apart, and so may be two values in one bucket.
      const usual = await theirs("usual");
      const factor = Math.max(usual / expected, expected / usual);
      assert.ok(factor <= 2.5 * 1.01, `q = ${q}: ${usual} of the usual bounds, ${expected} of ours`);
    }
    const exemplars = await prometheus.exemplars('ballast_work_duration_seconds_bucket{job="usual"}');
    assert.ok(exemplars.some(({ labels }) => labels.trace_id === "trace-3"), JSON.stringify(exemplars));
  },
);

test("promtool finds nothing wrong with the metrics", { skip }, async () => {
  await using metered = await startMetered(["1", "100"]);
  const text = await (await metered.get("/text")).text();
  assert.match(text, /ballast_work_duration_seconds_bucket/);
  const told = execFileSync("promtool", ["check", "metrics"], {
    input: text,
    encoding: "utf8",
    stdio: "pipe",
  });
  assert.equal(told, "");
});

test("with OTEL_DENO the metrics reach an OTLP receiver", async () => {
  const received = new Map<string, { unit: string; points: OtlpPoint[] }>();
  const server = createServer(async (request, response) => {
    if (request.url === "/v1/metrics") await collect(request, received);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  try {
    await using metered = await startMetered(["2", "1000", "otel"], {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
    });
    for (const until = Date.now() + 30_000; Date.now() < until && !received.has("ballast.mail_sent");) {
      await sleep(100);
    }
    const value = (name: string, le?: string) => {
      const points = received.get(name)?.points.filter(({ attributes }) =>
        le === undefined || attributes.le === le
      );
      return points?.[0]?.value;
    };
    assert.equal(value("ballast.mail_sent"), 200, [...received.keys()].join(" "));
    assert.equal(value("ballast.heap_bytes"), 2_048);
    assert.equal(value("ballast.clients_distinct"), 1);
    assert.equal(received.get("ballast.heap_bytes")?.unit, "By");
    assert.equal(value("ballast.work_duration_seconds.count"), 1_000);
    assert.equal(received.get("ballast.work_duration_seconds.sum")?.unit, "s");
    const [metric] = (await metered.snapshot()).metrics.filter(({ name }) => name === "work");
    assert.ok(metric?.kind === "distribution");
    assert.equal(value("ballast.work_duration_seconds.sum"), metric.series[0]!.value.sum / 1_000);
    assert.equal(value("ballast.work_duration_seconds.bucket", "+Inf"), 1_000);
    assert.equal(value("ballast.work_duration_seconds.bucket", "0.01"), 666);
    const [point] = received.get("ballast.work_duration_seconds.count")!.points;
    assert.equal(point?.attributes.kind, 'a "b"');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

interface OtlpPoint {
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The parts of OTLP that are looked at. */
interface OtlpRequest {
  resourceMetrics: {
    scopeMetrics: {
      metrics: {
        name: string;
        unit: string;
        [data: string]: unknown;
      }[];
    }[];
  }[];
}

async function collect(
  request: IncomingMessage,
  into: Map<string, { unit: string; points: OtlpPoint[] }>,
): Promise<void> {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { resourceMetrics } = JSON.parse(text) as OtlpRequest;
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics)
  );
  for (const metric of metrics) {
    const { dataPoints = [] } = (metric.sum ?? metric.gauge ?? {}) as {
      dataPoints?: {
        asDouble?: number;
        asInt?: string;
        attributes?: { key: string; value: { stringValue: string } }[];
      }[];
    };
    into.set(metric.name, {
      unit: metric.unit,
      points: dataPoints.map(({ asDouble, asInt, attributes = [] }) => ({
        value: asDouble ?? Number(asInt),
        attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue])),
      })),
    });
  }
}
