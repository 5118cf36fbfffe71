import assert from "node:assert/strict";
import { test } from "node:test";

import {
  contexts,
  createRuntime,
  currentContext,
  delay,
  detectPlatform,
  type Platform,
  systemClock,
} from "@ballast/runtime";
import { createMetaApp } from "@ballast/runtime/meta";
import { simulatedClock } from "@ballast/runtime/testing";
import { addresses, EMPTY, FAILED, onlyV4, scriptedResolver } from "./support/scripted_resolver.ts";

/** The platform of this runtime, in simulated time. */
function simulatedPlatform() {
  const clock = simulatedClock();
  const platform: Platform = { ...detectPlatform(), name: "simulated", clock };
  return { clock, platform };
}

test("createRuntime() works with nothing given", async () => {
  const runtime = createRuntime();
  assert.equal(runtime.name, "ballast");
  assert.equal(runtime.state, "starting");
  assert.deepEqual((await runtime.ready()).dns.failed, []);
  assert.equal(runtime.state, "ready");
  assert.equal((await runtime.dns.resolve("localhost"))[0].address, "127.0.0.1");
  const ids = ["dns", "connections", "overload", "context", "workers", "stats", "log", "monitor"];
  assert.deepEqual(runtime.reports.ids, ids);
  // On a busy machine the loop may well have been late.
  assert.deepEqual(runtime.reports.findings().filter(({ report }) => report !== "monitor"), []);
  await runtime.close();
  assert.equal(runtime.state, "closed");
});

test("overload control counts with the runtime, is shown by its meta app, and refuses once it is closed", async () => {
  const runtime = createRuntime({ overload: { priority: "x-priority" } });
  const handler = runtime.overload.wrap(() => new Response("hello"));
  const ask = () => handler(new Request("http://shop.example/", { headers: { "x-priority": "critical" } }));
  assert.equal((await ask()).status, 200);
  assert.match(
    runtime.stats.openMetrics(),
    /^ballast_overload_admitted_total\{part="server",priority="critical"\} 1$/m,
  );
  const page = await createMetaApp(runtime).request("/overload");
  assert.match(await page.text(), /Latency without load/);
  await runtime.close();
  assert.equal((await ask()).status, 503);
});

test("ready() warms the names up; one that fails is told, logged, and stops nothing", async () => {
  const { clock, platform } = simulatedPlatform();
  const resolver = scriptedResolver(clock, ({ name, type }) => {
    if (name === "bad.example") return FAILED;
    return type === "A" ? { afterMs: 5, answer: addresses("10.0.0.1") } : EMPTY;
  });
  const runtime = createRuntime({ platform, dns: { resolver, preresolve: ["good.example", "bad.example"] } });
  const ready = runtime.ready();
  assert.equal(runtime.ready(), ready);
  assert.equal(runtime.state, "starting");
  await clock.advance(5);
  const { dns } = await ready;
  assert.deepEqual(dns.resolved, ["good.example"]);
  assert.deepEqual(dns.failed.map(({ name }) => name), ["bad.example"]);
  assert.equal(runtime.state, "ready");
  assert.match(runtime.log.recent({ level: "warn" })[0]!.message, /some names do not resolve yet/);
  resolver.script = onlyV4("10.0.0.2");
  await clock.advance(5_000);
  assert.equal(runtime.dns.peek("bad.example")?.[0].address, "10.0.0.2");
  await runtime.close();
  assert.equal(clock.pending, 0);
});

test("a week passes on a simulated platform, and close() leaves nothing", async () => {
  const { clock, platform } = simulatedPlatform();
  const resolver = scriptedResolver(clock, onlyV4("10.0.0.1"));
  const runtime = createRuntime({ platform, dns: { resolver, preresolve: ["api.example"] } });
  await runtime.ready();
  await clock.advance(7 * 86_400_000);
  assert.equal(runtime.dns.peek("api.example")?.[0].stale, false);
  assert.equal(clock.now() - runtime.startedAt, 7 * 86_400_000);
  await runtime.close();
  assert.equal(clock.pending, 0);
});

test("closing twice, while getting ready, or before, is well defined", async () => {
  const { clock, platform } = simulatedPlatform();
  const resolver = scriptedResolver(clock, () => "silence");
  const runtime = createRuntime({ platform, dns: { resolver, preresolve: ["api.example"] } });
  const rejected = assert.rejects(runtime.ready(), { code: "CLOSED" });
  await clock.advance(10);
  await Promise.all([runtime.close(), runtime.close()]);
  await rejected;
  await assert.rejects(runtime.ready(), { code: "CLOSED" });
  await assert.rejects(runtime.dns.resolve("api.example"), { code: "CLOSED" });
  assert.equal(runtime.state, "closed");
  assert.equal(clock.pending, 0);
  await runtime.close();
});

test("two runtimes in one process share nothing", async () => {
  const [one, two] = [1, 2].map((number) => {
    const { clock, platform } = simulatedPlatform();
    const resolver = scriptedResolver(clock, onlyV4(`10.0.0.${number}`));
    return createRuntime({ name: "twin", platform, dns: { resolver } });
  });
  assert.equal((await one!.dns.resolve("api.example"))[0].address, "10.0.0.1");
  assert.equal((await two!.dns.resolve("api.example"))[0].address, "10.0.0.2");
  one!.stats.counter("shop.orders").add(5);
  assert.equal(two!.stats.counter("shop.orders").value, 0);
  assert.equal(two!.log.recent({ event: "dns.query" }).length, 2);
  assert.notEqual(one!.context, two!.context);
  one!.context.run(() => {
    assert.equal(currentContext(), one!.context);
    two!.context.run(() => assert.equal(currentContext(), two!.context));
  });
  await one!.close();
  assert.equal((await two!.dns.resolve("api.example"))[0].address, "10.0.0.2");
  await two!.close();
  assert.equal(contexts.get("twin"), undefined);
});

test("what runs in the background runs in nobody's context", async () => {
  await using runtime = createRuntime();
  const seen: unknown[] = [];
  const request = runtime.context.child({ locals: { trace: "a1" } });
  // The first sets the machine's timer, the second one finds it set.
  await Promise.all([1, 2].map((delayMs) =>
    request.run(() =>
      new Promise<void>((resolve) => {
        systemClock.schedule(delayMs, () => {
          seen.push(currentContext());
          resolve();
        }, { keepAlive: true });
      })
    )
  ));
  assert.deepEqual(seen, [undefined, undefined]);
  await request.run(async () => {
    await delay(1);
    assert.equal(currentContext(), request, "who awaits a delay is still in its own");
  });
});

test("a logger of the @std/log shape takes the records", async () => {
  const lines: string[] = [];
  const write = (message: string) => void lines.push(message);
  const logger = { debug: write, info: write, warn: write, error: write, critical: write };
  const { clock, platform } = simulatedPlatform();
  const resolver = scriptedResolver(clock, onlyV4("10.0.0.1"));
  const runtime = createRuntime({ platform, log: { logger }, dns: { resolver } });
  await runtime.dns.resolve("api.example", { family: 4 });
  await runtime.ready();
  assert.equal(lines.length, 2);
  assert.match(
    lines[0]!,
    /^ballast\.dns: dns\.query succeeded \(0 ms\) name=api\.example type=A server=system/,
  );
  assert.match(lines[1]!, /^ballast: ready/);
  await runtime.close();
});

test("every attempt is a record and a timing; every hit is counted", async () => {
  const { clock, platform } = simulatedPlatform();
  const resolver = scriptedResolver(clock, ({ type }) => type === "A" ? addresses("10.0.0.1") : FAILED);
  const runtime = createRuntime({ platform, dns: { resolver } });
  for (let call = 0; call < 11; call++) await runtime.dns.resolve("api.example");
  const attempts = runtime.log.recent({ event: "dns.query" });
  assert.deepEqual(attempts.map(({ fields }) => fields.outcome).sort(), ["addresses", "failed"]);
  const metrics = runtime.stats.openMetrics();
  assert.match(metrics, /dns_query_duration_seconds_count\{outcome="addresses",server="system",type="A"\} 1/);
  assert.match(metrics, /^ballast_dns_served_fresh_total 10$/m);
  assert.match(metrics, /^ballast_dns_resolve_waited_total 1$/m);
  await runtime.close();
  assert.doesNotMatch(runtime.stats.openMetrics(), /dns_names/);
});

test("a report of one's own is on the pages, and its action is carried out", async () => {
  await using runtime = createRuntime();
  const remove = runtime.reports.add("queue", {
    report: () => ({ id: "queue", title: "Mail queue", facts: [{ label: "Waiting", value: 3 }] }),
    act: (id) => `${id} done`,
  });
  const meta = createMetaApp(runtime);
  assert.match(
    await (await meta.request("/queue", { headers: { accept: "text/html" } })).text(),
    /Mail queue/,
  );
  assert.equal(await runtime.reports.act("queue", "flush"), "flush done");
  remove();
  assert.equal((await meta.request("/queue")).status, 404);
});

test("records of one request carry its trace", async () => {
  await using runtime = createRuntime();
  const request = runtime.context.child();
  request.run(() => runtime.log.info("within"));
  runtime.log.info("outside");
  const [outside, within] = runtime.log.recent({ limit: 2 });
  assert.equal(within?.fields.traceId, request.trace?.traceId);
  assert.equal(within?.fields.spanId, request.trace?.spanId);
  assert.equal(outside?.fields.traceId, undefined);
  request.close();
});
