import assert from "node:assert/strict";
import { test } from "node:test";

import { createMetaApp, formatRelativeTime, type MetaRuntime, type PageUpdate } from "@ballast/runtime/meta";
import { type SimulatedClock, simulatedClock } from "@ballast/runtime/testing";
import fc from "fast-check";
import { fakeRuntime, NOW } from "./support.ts";

type Options = Parameters<typeof createMetaApp>[1];

interface Setup {
  readonly clock: SimulatedClock;
  readonly runtime: MetaRuntime;
  readonly app: ReturnType<typeof createMetaApp>;
  /** What the report shows next. */
  lookups: number;
}

function setup(options: Options = {}, replaced: Partial<MetaRuntime> = {}): Setup {
  const clock = simulatedClock();
  const made = { clock, lookups: 1 } as { -readonly [K in keyof Setup]: Setup[K] };
  const base = fakeRuntime();
  const report = () => ({
    id: "dns",
    title: "DNS",
    summary: "calm",
    facts: [{ label: "Lookups", value: made.lookups }],
    tables: [{
      id: "t",
      title: "T",
      columns: ["At"],
      rows: [[{ kind: "time" as const, at: NOW }]],
      empty: "",
    }],
  });
  made.runtime = {
    ...base,
    platform: { ...base.platform, clock },
    reports: { ids: ["dns"], get: (id) => id === "dns" ? report() : undefined, findings: () => [] },
    ...replaced,
  };
  made.app = createMetaApp(made.runtime, options);
  return made;
}

/** Reads a stream piece by piece; each piece is what was written at one moment. */
async function listen({ app }: Setup, path: string) {
  const response = await app.request(path);
  const reader = response.body!.getReader();
  const read = async () => {
    const { done, value } = await reader.read();
    return done ? undefined : new TextDecoder().decode(value);
  };
  return { response, read, leave: () => reader.cancel() };
}

// deno-lint-ignore no-explicit-any -- the data of whichever event it is
function dataOf(text: string | undefined, type: string): any {
  const found = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text ?? "");
  assert.equal(found?.[1], type, text);
  return JSON.parse(found![2]!);
}

test("a program gets overview and report as JSON, at once and at each interval", async () => {
  const made = setup();
  const { response, read, leave } = await listen(made, "/events?page=/dns");
  assert.deepEqual([response.status, response.headers.get("content-type")], [
    200,
    "text/event-stream; charset=utf-8",
  ]);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const first = dataOf(await read(), "snapshot");
  assert.deepEqual([first.at, first.overview.name, first.report.facts[0].value], [NOW, "payments", 1]);
  made.lookups = 2;
  await made.clock.advance(2_000);
  const second = dataOf(await read(), "snapshot");
  assert.deepEqual([second.at, second.report.facts[0].value], [NOW + 2_000, 2]);
  await leave();
  const overview = await listen(made, "/events");
  assert.equal(dataOf(await overview.read(), "snapshot").report, undefined);
  await overview.leave();
});

test("a page gets its sections as they are drawn on it, and after that those that have changed", async () => {
  const made = setup({ liveMs: 500 });
  const { read, leave } = await listen(made, "/events?page=/dns&format=html");
  const page = await (await made.app.request("/dns?format=html")).text();
  const first: PageUpdate = dataOf(await read(), "page");
  assert.equal(first.title, "DNS · payments");
  assert.deepEqual(first.sections.map(({ id }) => id), ["summary", "facts", "table-t"]);
  for (const { id, html } of [...first.sections, ...first.frame]) {
    assert.ok(page.includes(html!), `${id} is drawn otherwise: ${html}`);
  }
  made.lookups = 2;
  await made.clock.advance(500);
  const second: PageUpdate = dataOf(await read(), "page");
  const changed = (update: PageUpdate) =>
    update.sections.filter(({ html }) => html !== undefined).map(({ id }) => id);
  assert.deepEqual(changed(second), ["facts"]);
  await made.clock.advance(500);
  const third: PageUpdate = dataOf(await read(), "page");
  assert.deepEqual(changed(third), [], "that a moment is longer ago is no change");
  assert.deepEqual(third.sections.map(({ id }) => id), ["summary", "facts", "table-t"]);
  await leave();
});

test("what a report says is escaped in an event as on the page", async () => {
  const hostile = "</script><img src=x onerror=alert(1)>\n\nevent: page";
  const made = setup({}, {
    reports: { ids: ["r"], get: () => ({ id: "r", title: hostile, summary: hostile }), findings: () => [] },
  });
  const { read, leave } = await listen(made, "/events?page=/r&format=html");
  const text = await read();
  const { sections }: PageUpdate = dataOf(text, "page");
  assert.ok(sections[0]!.html!.includes("&lt;/script&gt;&lt;img"));
  assert.doesNotMatch(sections[0]!.html!, /<img|<\/script/);
  await leave();
});

test("a long interval is bridged with comments", async () => {
  const made = setup({ liveMs: 40_000 });
  const { read, leave } = await listen(made, "/events");
  dataOf(await read(), "snapshot");
  for (const expected of [":\n\n", ":\n\n"]) {
    await made.clock.advance(13_334);
    assert.equal(await read(), expected);
  }
  await made.clock.advance(13_334);
  dataOf(await read(), "snapshot");
  await leave();
});

test("no timer is left when the reader leaves or the runtime closes", async () => {
  const context = new AbortController();
  const made = setup({}, { context: { signal: context.signal } });
  const open = async () => (await (await made.app.request("/?format=json")).json()).meta.streams;
  const left = await listen(made, "/events");
  const closed = await listen(made, "/events");
  assert.deepEqual([made.clock.pending, await open()], [2, 2]);
  await left.leave();
  assert.deepEqual([made.clock.pending, await open()], [1, 1]);
  context.abort();
  assert.deepEqual([made.clock.pending, await open()], [0, 0]);
  dataOf(await closed.read(), "snapshot");
  assert.equal(await closed.read(), undefined);
  assert.equal(await (await listen(made, "/events")).read(), undefined, "after the runtime has closed");
});

test("a stream ends once the state says that the runtime closes", async () => {
  const made = setup();
  const { read } = await listen(made, "/events");
  dataOf(await read(), "snapshot");
  (made.runtime as { state: MetaRuntime["state"] }).state = "closing";
  await made.clock.advance(2_000);
  assert.equal(await read(), undefined);
  assert.equal(made.clock.pending, 0);
});

test("one stream too many is refused, until another one ends", async () => {
  const made = setup({ maxStreams: 2 });
  const streams = [await listen(made, "/events"), await listen(made, "/events?page=/dns")];
  const refused = await made.app.request("/events");
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "10"]);
  assert.equal((await refused.json()).title, "Too many live pages");
  await streams[0]!.leave();
  const another = await listen(made, "/events");
  assert.equal(another.response.status, 200);
  await another.leave();
  await streams[1]!.leave();
});

test("who does not read is not written to, and let go after a while", async () => {
  const made = setup({ liveMs: 1_000 });
  const { read } = await listen(made, "/events?page=/dns");
  await made.clock.advance(10_000);
  made.lookups = 7;
  dataOf(await read(), "snapshot");
  await made.clock.advance(1_000);
  assert.equal(dataOf(await read(), "snapshot").report.facts[0].value, 7, "one event waited, not ten");
  await made.clock.advance(60_000);
  assert.equal(made.clock.pending, 0);
});

test("a page that can no longer be made ends its stream, and is told of", async () => {
  const told: unknown[] = [];
  let report: unknown = { id: "r", title: "R" };
  const made = setup({ onError: (error) => told.push(error) }, {
    reports: { ids: ["r"], get: () => report as undefined, findings: () => [] },
  });
  const { read } = await listen(made, "/events?page=/r&format=html");
  dataOf(await read(), "page");
  report = undefined;
  await made.clock.advance(2_000);
  assert.equal(await read(), undefined);
  assert.deepEqual([told.length, made.clock.pending], [1, 0]);
});

test("an unknown page has no events; HEAD opens no stream", async () => {
  const made = setup();
  assert.equal((await made.app.request("/events?page=/nowhere")).status, 404);
  const head = await made.app.request("/events", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-type")], [
    200,
    "text/event-stream; charset=utf-8",
  ]);
  assert.equal(made.clock.pending, 0);
});

test("options that make no sense are refused", () => {
  assert.throws(() => createMetaApp(fakeRuntime(), { liveMs: 10 }), RangeError);
  assert.throws(() => createMetaApp(fakeRuntime(), { liveMs: "1" as unknown as number }), TypeError);
  assert.throws(() => createMetaApp(fakeRuntime(), { maxStreams: 1.5 }), RangeError);
});

test("the script on the page tells how long ago a moment is in the same words", async () => {
  const page = await (await createMetaApp(fakeRuntime()).request("/?format=html")).text();
  const source = /const relativeTime = ([\s\S]*?);\nlet ahead/.exec(page)![1];
  const relativeTime: typeof formatRelativeTime = new Function(`return ${source}`)();
  const ms = fc.oneof(
    fc.integer({ min: -1e10, max: 1e10 }),
    fc.integer({ min: -100, max: 100 }).map((m) => m * 60_000),
  );
  fc.assert(fc.property(ms, (agoMs) => {
    assert.equal(relativeTime(NOW - agoMs, NOW), formatRelativeTime(NOW - agoMs, NOW));
  }));
});
