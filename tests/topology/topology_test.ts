import assert from "node:assert/strict";
import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";

import { createRuntime, detectPlatform } from "@ballast/runtime";
import { checkTopology, problemText, type TopologyEvent, watchTopology } from "@ballast/runtime/topology";
import { simulatedClock } from "@ballast/runtime/testing";

const document = (version: string, hosts: Record<string, unknown> = {}, rest: object = {}) =>
  JSON.stringify({ schema: 1, version, hosts, ...rest });

/** A folder for the time of a test. */
async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-topology-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A server whose one document and behaviour the test sets. */
async function inServer(
  use: (
    at: { url: string; state: { text: string; mode: string }; requests: (string | undefined)[] },
  ) => Promise<void>,
): Promise<void> {
  const state = { text: document("1"), mode: "ok" };
  const requests: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    const etag = `"${state.text.length}-${state.text.slice(0, 40).replace(/[^\w]/g, "")}"`;
    requests.push(request.headers["if-none-match"]);
    if (state.mode === "hang") return;
    if (state.mode === "error") return void response.writeHead(503).end("busy");
    if (state.mode === "endless") {
      const more = () => void response.write("x".repeat(1024 * 1024), () => response.destroyed || more());
      return more();
    }
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { etag }).end(state.text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/t.json?secret=1`,
      state,
      requests,
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a document that is no good is refused, with every place that is wrong", () => {
  const wrong: readonly [string, string[]][] = [
    ["", ["the document is no JSON: "]],
    ["[]", ["the document must be a JSON object, got an array"]],
    ["{}", [
      "schema: must be 1, got undefined",
      "version: must be a text of 1 to 200 characters, got undefined",
    ]],
    [document("1", {}, { endpoint: {} }), [
      "endpoint: is unknown; there are schema, version, hosts, preresolve",
    ]],
    [document("1", { "a b": ["10.0.0.1"] }), ['hosts["a b"]: only letters']],
    [document("1", { db: ["ten"], web: "10.0.0.1" }), [
      'hosts["db"]: db must map to IP',
      'hosts["web"]: the addresses of',
    ]],
    [document("1", { db: ["10.0.0.1"], "DB.": ["10.0.0.2"] }), ['hosts["DB."]: is the same name as "db"']],
    [document("1", {}, { preresolve: ["ok.example", "1.2.3"] }), ["preresolve[1]: it ends in a number"]],
    [document("1", {}, { hosts: null }), ["hosts: must be an object of names, got null"]],
    [document("1", {}, { preresolve: {} }), ["preresolve: must be an array of names, got an object"]],
  ];
  for (const [text, beginnings] of wrong) {
    const check = checkTopology(text);
    assert.ok(!check.ok, text);
    const problems = check.problems.map(problemText);
    assert.equal(problems.length, beginnings.length, problems.join("\n"));
    for (const [index, beginning] of beginnings.entries()) {
      assert.ok(problems[index]!.startsWith(beginning), problems[index]);
    }
  }
});

test("any document is a topology, or refused with reasons: nothing else", () => {
  const almost = fc.record({
    schema: fc.constantFrom(1, 1, 1, 2, "1"),
    version: fc.oneof(fc.string(), fc.integer()),
    hosts: fc.oneof(
      fc.dictionary(
        fc.oneof(fc.domain(), fc.string()),
        fc.oneof(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), fc.jsonValue()),
      ),
      fc.jsonValue(),
    ),
    preresolve: fc.oneof(fc.array(fc.oneof(fc.domain(), fc.jsonValue())), fc.jsonValue()),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), almost.map((value) => JSON.stringify(value))), (text) => {
      const check = checkTopology(text);
      if (check.ok) return assert.equal(check.topology.schema, 1);
      assert.ok(check.problems.length >= 1 && check.problems.length <= 20);
      for (const problem of check.problems) assert.ok(problemText(problem).length < 1_000);
    }),
    { numRuns: 1_000 },
  );
});

test("a file is read by content: a swap of links, as a ConfigMap does it, is found", () =>
  inFolder(async (folder) => {
    const [one, two, link] = ["one.json", "two.json", "topology.json"].map((name) => join(folder, name));
    await writeFile(one!, document("1", { "db.internal": ["10.0.0.1"] }));
    await writeFile(two!, document("2", { "db.internal": ["10.0.0.2"] }));
    await symlink(one!, link!);
    const topology = watchTopology({ file: link! });
    await topology.reload();
    assert.equal(topology.current?.version, "1");
    await symlink(two!, `${link}.new`);
    await rename(`${link}.new`, link!);
    await topology.reload();
    assert.equal(topology.current?.version, "2");
    await topology.close();
  }));

test("a bad file changes nothing, is told of once, and is got over", () =>
  inFolder(async (folder) => {
    const file = join(folder, "topology.json");
    await writeFile(file, document("1", { "db.internal": ["10.0.0.1"] }));
    const topology = watchTopology({ file });
    const events: TopologyEvent[] = [];
    topology.events.subscribe((event) => events.push(event));
    await topology.reload();
    await writeFile(file, document("2", { "db.internal": ["ten"] }));
    await topology.reload();
    await topology.reload();
    assert.equal(topology.current?.version, "1");
    assert.deepEqual(topology.report().findings?.map(({ id, severity }) => [id, severity]), [[
      "topology-refused",
      "warning",
    ]]);
    await rm(file);
    await topology.reload();
    assert.deepEqual(topology.report().findings?.map(({ id }) => id), [
      "topology-refused",
      "topology-unreadable",
    ]);
    await writeFile(file, document("2", { "db.internal": ["ten"] }));
    await topology.reload();
    assert.deepEqual(topology.report().findings?.map(({ id }) => id), ["topology-refused"]);
    await writeFile(file, document("3", { "db.internal": ["10.0.0.3"] }));
    await topology.reload();
    assert.deepEqual(topology.report().findings, []);
    assert.deepEqual(events.map(({ type }) => type), ["applied", "refused", "unreadable", "applied"]);
    await topology.close();
  }));

test("a URL is asked with its ETag, and every failure leaves the last good one in force", () =>
  inServer(async ({ url, state, requests }) => {
    await using topology = watchTopology({ url, timeoutMs: 300 });
    await topology.reload();
    await topology.reload();
    assert.equal(requests[0], undefined);
    assert.ok(requests[1]);
    state.text = document("22");
    await topology.reload();
    assert.equal(topology.current?.version, "22");
    const reasons: [string, RegExp][] = [
      ["error", /the server answered 503/],
      ["hang", /reading http:\/\/127\.0\.0\.1:\d+\/t\.json took longer than 300 ms/],
      ["endless", /larger than|took longer/],
    ];
    for (const [mode, reason] of reasons) {
      state.mode = mode;
      await topology.reload();
      assert.equal(topology.current?.version, "22");
      const [finding] = topology.report().findings!;
      assert.equal(finding?.id, "topology-unreadable");
      assert.match(finding!.evidence, reason);
    }
    state.mode = "ok";
    await topology.reload();
    assert.deepEqual(topology.report().findings, []);
    assert.doesNotMatch(JSON.stringify(topology.snapshot()), /secret/);
  }));

test("it is read on the interval, give or take a tenth, and closing leaves no timer", async () => {
  const clock = simulatedClock();
  let reads = 0;
  const read = () => {
    reads++;
    return Promise.resolve(new Response(document(`${reads}`)));
  };
  const topology = watchTopology({ url: "http://config.internal/", fetch: read, clock, intervalMs: 10_000 });
  assert.equal(reads, 0);
  await Promise.all([topology.reload(), topology.reload()]);
  assert.equal(reads, 1);
  await clock.advance(1_000_000);
  assert.ok(reads >= 92 && reads <= 111, `${reads} reads`);
  assert.equal(topology.current?.version, `${reads}`);
  await topology.close();
  await topology.close();
  assert.equal(clock.pending, 0);
  await topology.reload();
  assert.deepEqual(await clock.advance(100_000), undefined);
  assert.equal(clock.pending, 0);
});

/** What a server may say to one read: a document, good or bad, or anything else. */
const replies = fc.oneof(
  fc.record({ good: fc.nat(9).map(String) }),
  fc.record({ body: fc.oneof(fc.json(), fc.string({ unit: "binary" })) }),
  fc.record({ bytes: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({ status: fc.constantFrom(204, 304, 404, 500, 503) }),
  fc.record({ fault: fc.constantFrom("rejects", "throws", "hangs", "cut", "nothing") }),
);

type Reply = { good?: string; body?: string; bytes?: Uint8Array; status?: number; fault?: string };

function answer({ good, body, bytes, status, fault }: Reply): Promise<Response> {
  if (good !== undefined) {
    return Promise.resolve(new Response(document(good, { "db.internal": [`10.0.0.${good}`] })));
  }
  if (body !== undefined) return Promise.resolve(new Response(body));
  if (bytes !== undefined) return Promise.resolve(new Response(Uint8Array.from(bytes)));
  if (status !== undefined) return Promise.resolve(new Response(null, { status }));
  if (fault === "rejects") return Promise.reject(new TypeError("fetch failed"));
  if (fault === "throws") throw new Error("at once");
  if (fault === "hangs") return new Promise(() => {});
  if (fault === "nothing") return Promise.resolve(undefined as unknown as Response);
  return Promise.resolve(new Response(new ReadableStream({ start: (c) => c.error(new Error("cut")) })));
}

test("whatever is read and whenever, the last good one is in force, and nothing hangs or grows", () =>
  fc.assert(
    fc.asyncProperty(fc.array(replies as fc.Arbitrary<Reply>, { maxLength: 30 }), async (list) => {
      const clock = simulatedClock();
      let reply: Reply = {};
      const topology = watchTopology({
        url: "http://config.internal/",
        fetch: () => answer(reply),
        clock,
        timeoutMs: 300,
      });
      let wanted: string | undefined;
      for (reply of list) {
        const reading = topology.reload();
        await clock.advance(400);
        await reading;
        wanted = reply.good ?? wanted;
        // A text that happens to be a topology is one.
        if (reply.body === undefined) assert.equal(topology.current?.version, wanted);
        wanted = topology.current?.version;
        assert.equal(clock.pending, 1, "the next read, and no other timer");
        const { trouble } = topology.snapshot();
        assert.ok(trouble.length <= 2 && JSON.stringify(topology.report()).length < 50_000);
        if (reply.good !== undefined) assert.deepEqual(trouble, []);
      }
      await topology.close();
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 60 },
  ));

test("closing in mid read ends it", async () => {
  const clock = simulatedClock();
  const topology = watchTopology({
    url: "http://config.internal/",
    fetch: () => new Promise(() => {}),
    clock,
  });
  const reading = topology.reload();
  await clock.advance(10);
  await topology.close();
  await reading;
  assert.equal(clock.pending, 0);
  assert.deepEqual(topology.snapshot().trouble, []);
});

test("a runtime's hosts follow its topology: a push moves traffic, a bad one changes nothing", () =>
  inFolder(async (folder) => {
    const file = join(folder, "topology.json");
    await writeFile(file, document("1", { "db.internal": ["10.0.0.1"] }));
    const hosts = { "db.internal": ["10.9.9.9"], "fixed.internal": ["10.0.0.9"] };
    await using runtime = createRuntime({ dns: { hosts }, topology: { file } });
    assert.equal(runtime.dns.peek("db.internal")?.[0].address, "10.9.9.9");
    await runtime.ready();
    const address = () => runtime.dns.peek("db.internal")?.[0].address;
    assert.equal(address(), "10.0.0.1");
    const moved: string[] = [];
    runtime.dns.events.subscribe((event) =>
      event.type === "changed" && moved.push(`${event.name} ${event.addresses}`)
    );
    await writeFile(file, document("2", { "db.internal": ["10.0.0.2"] }));
    await runtime.reports.act("topology", "reload");
    assert.equal(address(), "10.0.0.2");
    assert.deepEqual(moved, ["db.internal 10.0.0.2"]);
    await writeFile(file, "{");
    await runtime.reports.act("topology", "reload");
    assert.equal(address(), "10.0.0.2");
    assert.equal(runtime.dns.peek("fixed.internal")?.[0].address, "10.0.0.9");
    assert.deepEqual(runtime.reports.findings().map(({ id }) => id), ["topology-refused"]);
  }));

test("a runtime whose topology is not there starts all the same, and says so", async () => {
  await using runtime = createRuntime({ topology: { file: "/nowhere/topology.json" } });
  await runtime.ready();
  assert.equal(runtime.state, "ready");
  assert.deepEqual(runtime.reports.findings().map(({ id, severity }) => [id, severity]), [[
    "topology-unreadable",
    "critical",
  ]]);
});

test("options that make no sense are refused", () => {
  assert.throws(() => watchTopology({}), /needs a file or a url, and not both/);
  assert.throws(() => watchTopology({ file: "a", url: "http://b" }), /needs a file or a url, and not both/);
  assert.throws(() => watchTopology({ url: "no url" }), TypeError);
  assert.throws(
    () => watchTopology({ file: "a", intervalMs: 1 }),
    /intervalMs must be a number >= 100, got 1/,
  );
  const platform = { ...detectPlatform(), files: undefined };
  assert.throws(() => watchTopology({ file: "a", platform }), { code: "UNSUPPORTED" });
});
