import assert from "node:assert/strict";
import { test } from "node:test";
import { createRuntime, detectPlatform } from "@ballast/runtime";
import { createContext, createKey, createRequestContexts, defineConfig } from "@ballast/runtime/context";
import { createMetaApp } from "@ballast/runtime/meta";
import { simulatedClock } from "@ballast/runtime/testing";

test("a runtime's section of contexts has what is open, set and kept; values by permission alone", async () => {
  const clock = simulatedClock();
  const region = createKey<string>("region", { shown: true });
  const token = createKey<string>("token");
  const config = defineConfig({
    retries: { type: "number", default: 3, shown: true },
    apiKey: { type: "string" },
  }, { given: { apiKey: "hunter2" } });
  const runtime = createRuntime({
    name: "sectioned",
    platform: { ...detectPlatform(), clock },
    config,
    locals: [region.of("eu"), token.of("hunter2")],
  });
  const plain = createContext({ name: "another", clock });
  const requests = createRequestContexts(runtime.context, { deadlineMs: 500 });
  let finish = (_: Response): void => {};
  const handler = requests.wrap(() => new Promise<Response>((resolve) => finish = resolve));
  const handled = handler(new Request("http://shop.example/orders?token=hunter2"));
  await clock.advance(40);

  const meta = createMetaApp(runtime);
  const get = (query = "") => meta.request(`http://127.0.0.1/context${query}`);
  const page = await (await get()).text();
  for (const text of ["GET /orders", "retries", "apiKey", "region", "another", "(not shown)"]) {
    assert.ok(page.includes(text), text);
  }
  const json = await (await get("?format=json")).text();
  assert.ok(!page.includes("hunter2") && !json.includes("hunter2"));
  const snapshot = runtime.context.snapshot();
  assert.deepEqual(snapshot.registry, [
    { name: "sectioned", children: 1, made: 1 },
    { name: "another", children: 0, made: 0 },
  ]);
  assert.deepEqual([snapshot.open, snapshot.deadlines, snapshot.tasks[0]!.remainingMs], [1, 1, 460]);
  assert.deepEqual(snapshot.locals, [{ name: "region", value: "eu" }, { name: "token" }]);
  assert.deepEqual(JSON.parse(JSON.stringify(snapshot)).config[0], {
    name: "retries",
    source: "default",
    value: 3,
    hidden: false,
  });

  finish(new Response("done"));
  await handled;
  assert.equal(runtime.context.snapshot().open, 0);
  assert.equal(runtime.context.child().report().summary, '1 open within "sectioned", 0 with a deadline');
  plain.close();
  await runtime.close();
});

test("what is open a minute past its deadline is a finding", async () => {
  const clock = simulatedClock();
  const service = createContext({ name: "forgetful", clock });
  const forgotten = service.child({ label: "nightly import", deadlineMs: 1_000 });
  await clock.advance(60_000);
  assert.deepEqual(service.report().findings, []);
  await clock.advance(1);
  const [finding] = service.report().findings!;
  assert.match(finding!.evidence, /nightly import/);
  forgotten.close();
  assert.deepEqual(service.report().findings, []);
  service.close();
});

test("children that nobody closes are listed up to a bound", () => {
  const service = createContext({ name: "leaky" });
  for (let i = 0; i < 10_500; i++) service.child({ label: `job ${i}` });
  const { tasks, tasksOpen, open } = service.snapshot();
  assert.deepEqual([tasks.length, tasks[0]!.label, tasksOpen, open], [100, "job 0", 10_000, 10_500]);
  const table = service.report().tables!.find(({ id }) => id === "tasks")!;
  assert.equal(table.omitted, 9_900);
  service.close();
});
