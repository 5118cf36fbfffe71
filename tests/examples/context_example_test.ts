import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { createRuntime } from "@ballast/runtime";
import { createContext } from "@ballast/runtime/context";
import { createPrices } from "../../examples/context/prices.ts";
import { createShop } from "../../examples/context/shop.ts";
import { serveFetch } from "../support/serve_fetch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test("the example says what it does", async () => {
  const args = ["run", "--quiet", "--allow-net=127.0.0.1", "--allow-env", "examples/context/main.ts"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
  assert.deepEqual(stdout.trim().split("\n"), [
    "200: lamp is 42 for blue",
    `the trace there: ${TRACE_ID}, with time left`,
    '504: the context "shop" took longer than 100 ms',
    "lookups left running: 0",
  ]);
});

test("trace and deadline pass from service to service, over sockets", async () => {
  const billing = createContext({ name: "prices" });
  const prices = await serveFetch(createPrices(billing));
  const runtime = createRuntime({ name: "shop", dns: { hosts: { "prices.internal": ["127.0.0.1"] } } });
  const port = Number(new URL(prices.url).port);
  const app = createShop(runtime, { host: "prices.internal", port });
  const shop = await serveFetch((request) => app.fetch(request));
  try {
    const response = await fetch(`${shop.url}/offers/lamp`, {
      headers: { traceparent, tracestate: "vendor=1", "x-deadline-ms": "1500", "x-tenant": "blue" },
    });
    const { trace, remainingMs, tenant } = await response.json();
    assert.deepEqual([response.status, tenant], [200, "blue"]);
    assert.deepEqual([trace.traceId, trace.state, trace.sampled], [TRACE_ID, "vendor=1", true]);
    assert.ok(remainingMs > 0 && remainingMs <= 1_500);
    // The span in between is the shop's.
    assert.notEqual(trace.parentId, "00f067aa0ba902b7");
    assert.equal(runtime.context.snapshot().open + billing.snapshot().open, 0);
  } finally {
    await Promise.all([shop.close(), prices.close(), runtime.close()]);
    billing.close();
  }
});

test("a deadline ends the query that a silent server would have kept open for a minute", async () => {
  const silent = createSocket("udp4");
  let heard = 0;
  silent.on("message", () => heard++);
  await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
  const servers = [{ address: "127.0.0.1", port: silent.address().port }];
  const runtime = createRuntime({ name: "shop", dns: { servers, timeoutMs: 60_000 } });
  const app = createShop(runtime, { host: "silent.example", port: 1 });
  try {
    const response = await app.request("/offers/lamp", { headers: { "x-deadline-ms": "300" } });
    assert.equal(response.status, 504);
    assert.ok(heard > 0);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { lookups, servers: [server] } = runtime.dns.snapshot();
    assert.deepEqual([lookups, server!.failures], [0, 0]);
    assert.equal(runtime.context.snapshot().open, 0);
  } finally {
    await runtime.close();
    silent.close();
  }
});
