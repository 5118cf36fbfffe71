import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { exportToOpenTelemetry } from "@ballast/runtime/otel";
import { createStats } from "@ballast/runtime/stats";

type Points = Record<string, { unit: string; points: [attributes: object, value: unknown][] }>;

/** The real SDK, collecting when it is told to. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 });
  const provider = new MeterProvider({ readers: [reader] });
  return {
    meter: provider.getMeter("test"),
    async collect(): Promise<Points> {
      exporter.reset();
      await provider.forceFlush();
      const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
      return Object.fromEntries(
        scopes.flatMap(({ metrics }) => metrics).map(({ descriptor: { name, unit }, dataPoints }) => [
          name,
          {
            unit,
            points: dataPoints.map(({ attributes, value }) => [attributes, value] as [object, unknown]),
          },
        ]),
      );
    },
    end: () => provider.shutdown(),
  };
}

describe("exporting to OpenTelemetry", () => {
  it("sends what there is, as it is when it is collected", async () => {
    const { meter, collect, end } = sdk();
    const stats = createStats();
    const query = stats.distribution("query", { labels: { server: "a" } });
    const sent = stats.counter("mail.sent", { labels: { kind: "receipt" } });
    stats.observe("heap", { kind: "gauge", unit: "bytes" }, () => 2_048);
    exportToOpenTelemetry(stats, { meter });
    for (const ms of [1, 2, 40]) query.add(ms);
    sent.add(3);
    const first = await collect();
    assert.deepEqual(first["ballast.mail_sent"]?.points, [[{ kind: "receipt" }, 3]]);
    assert.deepEqual(first["ballast.heap_bytes"], { unit: "By", points: [[{}, 2_048]] });
    assert.deepEqual(first["ballast.query_duration_seconds.count"]?.points, [[{ server: "a" }, 3]]);
    assert.deepEqual(first["ballast.query_duration_seconds.sum"], {
      unit: "s",
      points: [[{ server: "a" }, 0.043]],
    });
    const buckets = first["ballast.query_duration_seconds.bucket"]!.points as [{ le: string }, number][];
    const counts = Object.fromEntries(buckets.map(([{ le }, value]) => [le, value]));
    assert.deepEqual([counts["0.0005"], counts["0.001"], counts["0.0025"], counts["0.05"], counts["+Inf"]], [
      0,
      1,
      2,
      3,
      3,
    ]);
    query.add(1);
    assert.deepEqual((await collect())["ballast.query_duration_seconds.count"]?.points, [[
      { server: "a" },
      4,
    ]]);
    await end();
  });

  it("finds metrics that come later, and ends when it is told to", async () => {
    const { meter, collect, end } = sdk();
    const stats = createStats();
    const stop = exportToOpenTelemetry(stats, { meter, prefix: "" });
    assert.deepEqual(Object.keys(await collect()), ["stats.instruments"]);
    stats.counter("late").add(2);
    await collect();
    assert.deepEqual((await collect()).late?.points, [[{}, 2]]);
    stop();
    stats.counter("later").add();
    stats.counter("late").add(5);
    await collect();
    // The SDK goes on to tell what it was told last.
    const last = await collect();
    assert.deepEqual([last.late?.points, last.later], [[[{}, 2]], undefined]);
    await end();
  });

  it("reads the registry once for a collection, and makes no more instruments than it may", async () => {
    const { meter, collect, end } = sdk();
    const stats = createStats();
    for (let i = 0; i < 20; i++) stats.counter(`c${i}`).add();
    let reads = 0;
    const counting = {
      snapshot() {
        reads++;
        return stats.snapshot();
      },
    };
    exportToOpenTelemetry(counting, { meter, maxInstruments: 5 });
    reads = 0;
    assert.equal(Object.keys(await collect()).length, 6);
    assert.equal(reads, 1);
    assert.throws(() => exportToOpenTelemetry(stats, { meter, maxInstruments: 0 }), RangeError);
    await end();
  });

  it("without an SDK does nothing, and harms nothing", () => {
    exportToOpenTelemetry(createStats())();
  });
});
