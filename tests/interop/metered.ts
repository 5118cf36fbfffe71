/**
 * A process that counts: its statistics at `/metrics` of its meta app, with finer bounds at `/fine`, in Prometheus' own text at
 * `/text`, and as a snapshot in bytes at `/snapshot`. Prints its port; ends when its input does.
 *
 * `metered.ts SEED COUNT [otel]`: with `otel`, the statistics go to OpenTelemetry as well.
 *
 * @module
 */

import { createRuntime } from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { exportToOpenTelemetry } from "@ballast/runtime/otel";
import {
  encodeStats,
  OPEN_METRICS_CONTENT_TYPE,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
} from "@ballast/runtime/stats";

const [seed, count, mode] = [Number(Deno.args[0]), Number(Deno.args[1]), Deno.args[2]];
const runtime = createRuntime({ name: `metered-${seed}`, stats: { traceId: () => `trace-${seed}` } });
const { stats } = runtime;

// Two humps, elsewhere in each process: the percentiles of both together are not the average of theirs.
const work = stats.distribution("work", { help: "Made-up work", labels: { kind: 'a "b"' } });
for (let i = 0; i < count; i++) {
  const share = (i + 0.5) / count;
  work.add(i % 3 === 0 ? 200 * seed + 300 * share : 2 * seed + 3 * share);
}
stats.counter("mail.sent", { help: "Letters sent" }).add(100 * seed);
stats.gauge("heap", { unit: "bytes", help: "A size" }).set(1_024 * seed);
stats.sketch("clients").add(`client ${seed}`, 7);
stats.stateStats("connection").start("connecting").to("pooled");
if (mode === "otel") exportToOpenTelemetry(stats);

const meta = createMetaApp(runtime);
const own: Record<string, () => Response> = {
  "/fine": () => respond(stats.openMetrics({ bucketsPerOctave: 16 }), OPEN_METRICS_CONTENT_TYPE),
  "/text": () => respond(prometheusText(stats.snapshot()), PROMETHEUS_CONTENT_TYPE),
  "/snapshot": () => respond(encodeStats(stats.snapshot()), "application/octet-stream"),
};
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(port),
}, (request) => own[new URL(request.url).pathname]?.() ?? meta.fetch(request));
for await (const _ of Deno.stdin.readable);
Deno.exit();

function respond(body: BodyInit, type: string): Response {
  return new Response(body, { headers: { "content-type": type } });
}
