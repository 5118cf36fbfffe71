/**
 * A service of many processes: `deno run -A examples/group/main.ts`, or on Node once it is compiled. Requests on 8888, the meta app on
 * 8889. Try `kill -HUP <pid>` for a rolling restart, and `kill <pid>` for an end without a lost request.
 */

import process from "node:process";
import { createGroup } from "@ballast/runtime/group";
import { consoleSink, jsonFormatter } from "@ballast/runtime/log";
import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.text(`hello from process ${process.pid}\n`));

const { PORT = "8888", META_PORT = "8889", META_HOST = "127.0.0.1", WORKERS = "4" } = process.env;

await createGroup({
  name: "shop",
  workers: Number(WORKERS),
  apps: [{ name: "web", fetch: app.fetch, port: Number(PORT) }],
  // In a container the kubelet and Prometheus come from outside; what they may see needs a token then.
  meta: {
    port: Number(META_PORT),
    host: META_HOST,
    ...(process.env.META_TOKEN && { token: process.env.META_TOKEN }),
  },
  health: true,
  maxMemoryBytes: 512 * 2 ** 20,
  maxAgeMs: 24 * 3_600_000,
  // Requests have 20 s to finish; the Deployment's terminationGracePeriodSeconds is more than both together.
  drainDelayMs: process.env.KUBERNETES_SERVICE_HOST ? 5_000 : 0,
  drainTimeoutMs: 20_000,
  // What a child needs for itself is opened here, once in each.
  onChildStart: ({ id }) => console.error(`child ${id} starts`),
  runtime: { log: { logger: consoleSink({ formatter: jsonFormatter() }) } },
}).serve();
