import assert from "node:assert/strict";
import { test } from "node:test";

import { BallastError, createReports, type Reporter } from "@ballast/runtime";
import { createMetaApp, type MetaRuntime, type Report } from "@ballast/runtime/meta";
import { BROWSER, fakeRuntime, parse } from "./support.ts";

const TOKEN = "0f3c9a4e-right";
const ORIGIN = "http://localhost:8889";
const HEADERS = { host: "localhost:8889", origin: ORIGIN, authorization: `Bearer ${TOKEN}` };

const DNS: Report = {
  id: "dns",
  title: "DNS",
  actions: [
    { id: "refresh", label: "Look up now", fields: [{ name: "name", label: "Name" }] },
    { id: "clear", label: "Forget all", fields: [] },
  ],
};

interface Setup {
  readonly runtime: MetaRuntime;
  /** What the component was told to do. */
  readonly acts: unknown[];
  /** What was recorded in the log. */
  readonly records: [level: string, message: string, fields: Readonly<Record<string, unknown>>][];
}

function setup(act: NonNullable<Reporter["act"]> = () => ({ addresses: ["10.0.0.4"] })): Setup {
  const acts: unknown[] = [];
  const records: Setup["records"] = [];
  const reports = createReports();
  reports.add("dns", {
    report: () => DNS,
    act(id, args) {
      acts.push([id, args]);
      return act(id, args);
    },
  });
  const runtime = fakeRuntime([], {
    reports,
    log: {
      info: (message, fields) => records.push(["info", message, fields]),
      warn: (message, fields) => records.push(["warn", message, fields]),
    },
  });
  return { runtime, acts, records };
}

interface Post {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
}

async function post(app: ReturnType<typeof createMetaApp>, given: Post = {}): Promise<Response> {
  const { path = "/dns/actions/refresh", headers = HEADERS, body = new URLSearchParams({ name: "db" }) } =
    given;
  return await app.request(`${ORIGIN}${path}`, { method: "POST", headers, body });
}

test("an action is carried out for who has the token, and its result is told as JSON", async () => {
  const { runtime, acts } = setup();
  const response = await post(createMetaApp(runtime, { token: TOKEN }));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    report: "dns",
    action: "refresh",
    result: { addresses: ["10.0.0.4"] },
  });
  assert.deepEqual(acts, [["refresh", { name: "db" }]]);
});

test("fields come as a form or as JSON, and exactly those of the action", async () => {
  const json = { ...HEADERS, "content-type": "application/json" };
  const good: Post[] = [
    { headers: json, body: JSON.stringify({ name: "db" }) },
    { path: "/dns/actions/clear", headers: json, body: "{}" },
    { path: "/dns/actions/clear", body: new URLSearchParams() },
  ];
  const bad: [Post, RegExp][] = [
    [{ body: new URLSearchParams() }, /It takes name; name is missing/],
    [{ body: new URLSearchParams({ name: "" }) }, /name is missing/],
    [{ body: new URLSearchParams({ name: "db", nmae: "x" }) }, /It takes name; got \\"nmae\\", too/],
    [{ path: "/dns/actions/clear" }, /It takes no fields; got \\"name\\", too/],
    [{ headers: json, body: '{"name":7}' }, /a JSON object of texts/],
    [{ headers: json, body: '["db"]' }, /a JSON object of texts/],
    [{ headers: json, body: "{" }, /a JSON object of texts/],
    [{ headers: json, body: "null" }, /a JSON object of texts/],
    [{ headers: json, body: '{"__proto__":{"name":"db"}}' }, /a JSON object of texts/],
    [{ headers: { ...HEADERS, "content-type": "multipart/form-data" }, body: "x" }, /must come as a form/],
  ];
  const { runtime, acts } = setup();
  const app = createMetaApp(runtime, { token: TOKEN });
  for (const given of good) assert.equal((await post(app, given)).status, 200);
  assert.equal(acts.length, good.length);
  for (const [given, text] of bad) {
    const response = await post(app, given);
    assert.equal(response.status, 400);
    assert.match(await response.text(), text);
  }
  assert.equal(acts.length, good.length, "nothing was done");
});

test("without the token, the origin or a configured token nothing is done", async () => {
  const { runtime, acts, records } = setup();
  const app = createMetaApp(runtime, { token: TOKEN });
  const { host, origin, authorization } = HEADERS;
  const cases: [Record<string, string>, number][] = [
    [{ host, origin }, 401],
    [{ host, origin, authorization: "Bearer wrong" }, 401],
    [{ host, authorization }, 403],
    [{ host, authorization, origin: "http://evil.example" }, 403],
    [{ host, authorization, origin: "http://localhost:9999" }, 403],
    [{ host, authorization, origin: "null" }, 403],
  ];
  for (const [headers, status] of cases) assert.equal((await post(app, { headers })).status, status);
  const open = await post(createMetaApp(runtime));
  assert.equal(open.status, 403);
  assert.match((await open.json()).detail, /createMetaApp\(runtime, \{ token \}\)/);
  const mute = { ...runtime, reports: fakeRuntime([DNS]).reports };
  assert.match((await (await post(createMetaApp(mute, { token: TOKEN }))).json()).detail, /takes no actions/);
  assert.deepEqual(acts, []);
  assert.deepEqual(records.map(([, message]) => message), ["wrong token for the meta app"]);
});

test("only what a report offers can be done, and only by POST", async () => {
  const { runtime, acts } = setup();
  const app = createMetaApp(runtime, { token: TOKEN });
  for (const path of ["/dns/actions/drop", "/nope/actions/refresh", "/dns/actions/__proto__"]) {
    const response = await post(app, { path });
    assert.equal(response.status, 404, path);
    assert.equal((await response.json()).title, "No such action");
  }
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    const response = await app.request(`${ORIGIN}/dns/actions/refresh`, { method, headers: HEADERS });
    assert.ok(response.status === 404 || response.status === 405, method);
  }
  assert.deepEqual(acts, []);
});

test("each change is one record in the log", async () => {
  const { runtime, records } = setup((_, { name }) => {
    if (name === "gone") throw new BallastError("NAME_NOT_FOUND", "gone does not exist");
    return null;
  });
  const app = createMetaApp(runtime, { token: TOKEN });
  await post(app);
  await post(app, { body: new URLSearchParams({ name: "gone" }) });
  const given = { report: "dns", action: "refresh", tookMs: 0 };
  assert.deepEqual(records, [
    ["info", "action carried out", { ...given, args: { name: "db" } }],
    ["warn", "action failed", { ...given, args: { name: "gone" }, error: "gone does not exist" }],
  ]);
});

test("an action that fails says why, and with which code", async () => {
  const cases: [unknown, number, string | undefined][] = [
    [new TypeError("name must be a text"), 400, undefined],
    [new BallastError("UNKNOWN_ACTION", "no"), 404, "UNKNOWN_ACTION"],
    [new BallastError("TIMEOUT", "too slow", { retryable: true }), 503, "TIMEOUT"],
    [new BallastError("RESOLVE_FAILED", "no"), 500, "RESOLVE_FAILED"],
    ["thrown text", 500, undefined],
  ];
  for (const [thrown, status, code] of cases) {
    const { runtime } = setup(() => {
      throw thrown;
    });
    const response = await post(createMetaApp(runtime, { token: TOKEN }));
    const problem = await response.json();
    assert.deepEqual([response.status, problem.title, problem.code], [status, "The action failed", code]);
    assert.equal(problem.detail, thrown instanceof Error ? thrown.message : thrown);
  }
});

test("a result that is no JSON is a failure that breaks nothing", async () => {
  const { runtime, records } = setup(() => 7n);
  assert.equal((await post(createMetaApp(runtime, { token: TOKEN }))).status, 400);
  assert.deepEqual(records.map(([level, message]) => [level, message]), [["warn", "action failed"]]);
});

test("a person is led back to the page, which says how it went, and keeps the last ones", async () => {
  const { runtime } = setup((_, { name }) => {
    if (name === "<b>") throw new Error("<i>no</i>");
    return { addresses: ["10.0.0.4"] };
  });
  const app = createMetaApp(runtime, { token: TOKEN });
  const headers = { ...HEADERS, accept: BROWSER };
  await post(app, { headers, body: new URLSearchParams({ name: "<b>" }) });
  const response = await post(app, { headers });
  assert.equal(response.status, 303);
  const location = response.headers.get("location")!;
  assert.match(location, /^\/dns\?done=[\da-f-]{36}#outcome$/);
  const page = await app.request(`${ORIGIN}${location}`, { headers: { ...HEADERS, accept: BROWSER } });
  const elements = parse(await page.text());
  const outcome = elements.find(({ attributes }) => attributes.id === "outcome")!;
  assert.match(outcome.text, /Done · Look up now: db\s+\{"addresses":\["10\.0\.0\.4"\]\}\s+now, in 0 ms/);
  const table = elements.find(({ attributes }) => attributes.id === "table-done-from-here")!;
  assert.match(table.text, /db.*done.*<b>.*failed.*<i>no<\/i>/s);
  const other = await app.request(`${ORIGIN}/dns?done=unknown`, { headers });
  assert.equal(parse(await other.text()).find(({ attributes }) => attributes.id === "outcome"), undefined);
});

test("the page has a form for each action; without a token it says how to get them", async () => {
  const { runtime } = setup();
  const page = async (token?: string) => {
    const app = createMetaApp(runtime, { token });
    return parse(await (await app.request(`${ORIGIN}/dns?format=html`, { headers: HEADERS })).text());
  };
  const elements = await page(TOKEN);
  const forms = elements.filter(({ tag }) => tag === "form").map(({ attributes }) => attributes);
  assert.deepEqual(forms, [
    { method: "post", action: "/dns/actions/refresh" },
    { method: "post", action: "/dns/actions/clear" },
  ]);
  assert.deepEqual(elements.filter(({ tag }) => tag === "input").map(({ attributes }) => attributes.name), [
    "name",
  ]);
  const off = await page();
  assert.deepEqual(off.filter(({ tag }) => ["form", "input", "button"].includes(tag)), []);
  const text = off.find(({ attributes }) => attributes.id === "actions")!.text;
  assert.match(
    text,
    /createMetaApp\(runtime, \{ token \}\)[\s\S]*runtime\.reports\.act\("dns", "refresh", \{ name \}\)/,
  );
});
