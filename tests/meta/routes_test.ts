import assert from "node:assert/strict";
import { test } from "node:test";

import { createMetaApp, type Finding, type MetaRuntime, type Report } from "@ballast/runtime/meta";
import { createStats } from "@ballast/runtime/stats";
import { Hono } from "hono";
import { BROWSER, fakeRuntime, NOW, parse, UNTOUCHABLE } from "./support.ts";

function finding(id: string, severity: Finding["severity"], since?: number): Finding {
  return {
    id,
    severity,
    title: `${id} title`,
    evidence: `${id} evidence`,
    likelyCause: "cause",
    remedy: "remedy",
    since,
  };
}

const DNS: Report = {
  id: "dns",
  title: "DNS cache",
  summary: "2 names",
  findings: [finding("slow", "info"), finding("down", "critical", NOW - 65_000)],
};
const STATS: Report = { id: "stats", title: "Statistics" };

function get(runtime: MetaRuntime, path: string, accept?: string): Promise<Response> {
  return Promise.resolve(
    createMetaApp(runtime).request(path, { headers: accept === undefined ? {} : { accept } }),
  );
}

async function typeOf(path: string, accept?: string): Promise<string | undefined> {
  const response = await get(fakeRuntime([DNS]), path, accept);
  await response.body?.cancel();
  return response.headers.get("content-type")?.split(";")[0];
}

test("a browser gets HTML, curl and programs get JSON", async () => {
  const html = "text/html";
  const json = "application/json";
  const cases: [accept: string | undefined, type: string][] = [
    [undefined, json],
    ["*/*", json],
    ["application/json", json],
    ["application/*", json],
    [BROWSER, html],
    ["text/html", html],
    ["text/*", html],
    ["TEXT/HTML", html],
    ["text/html;q=0.9, application/json;q=0.8", html],
    ["text/html;q=0.5, application/json", json],
    ["text/html;q=0.1, */*", json],
    ["application/json;q=0, */*", html],
    ["text/*;q=0.9, text/html;q=0.2, application/json;q=0.5", json],
    ["image/png", json],
    ["nonsense", json],
  ];
  for (const [accept, type] of cases) {
    assert.equal(await typeOf("/", accept), type, `/ for ${accept}`);
    assert.equal(await typeOf("/dns", accept), type, `/dns for ${accept}`);
  }
});

test("?format= overrides what is accepted; an unknown one is no format", async () => {
  assert.equal(await typeOf("/dns?format=json", BROWSER), "application/json");
  assert.equal(await typeOf("/dns?format=html", "application/json"), "text/html");
  assert.equal(await typeOf("/dns?format=xml", BROWSER), "text/html");
  assert.equal(await typeOf("/metrics?format=html", "*/*"), "text/html");
  assert.equal(await typeOf("/metrics?format=openmetrics", BROWSER), "application/openmetrics-text");
});

test("what depends on Accept says so", async () => {
  for (const path of ["/", "/dns", "/metrics", "/livez", "/readyz", "/nowhere"]) {
    assert.equal((await get(fakeRuntime([DNS]), path)).headers.get("vary"), "Accept", path);
  }
});

test("the overview is plain data", async () => {
  const runtime = fakeRuntime([DNS, STATS]);
  const overview = await (await get(runtime, "/")).json();
  assert.equal(overview.name, "payments");
  assert.equal(overview.state, "ready");
  assert.equal(overview.startedAt, runtime.startedAt);
  assert.deepEqual(overview.platform, { name: "test", version: "1.2.3" });
  assert.deepEqual(overview.process, runtime.platform.processInfo());
  assert.deepEqual(overview.capabilities, runtime.platform.capabilities);
  assert.deepEqual(overview.meta, {
    token: false,
    wrongTokens: 0,
    actions: false,
    streams: 0,
    maxStreams: 32,
  });
  assert.deepEqual(overview.findings, JSON.parse(JSON.stringify(runtime.reports.findings())));
  assert.deepEqual(overview.reports, [
    { id: "dns", path: "/dns", title: "DNS cache", summary: "2 names", findings: 2 },
    { id: "stats", path: "/stats", title: "Statistics", findings: 0 },
  ]);
  assert.deepEqual(overview.routes.map((route: { path: string }) => route.path), [
    "/",
    "/metrics",
    "/events",
    "/livez",
    "/readyz",
    "/dns",
    "/stats",
  ]);
});

test("the overview shows what is wrong first, the worst at the top", async () => {
  const elements = parse(await (await get(fakeRuntime([STATS, DNS]), "/", BROWSER)).text());
  const headings = elements.filter(({ tag }) => /^h\d$/.test(tag)).map(({ tag, text }) => `${tag} ${text}`);
  assert.deepEqual(headings, [
    "h1 Overview",
    "h2 What is wrong",
    "h3 critical down title",
    "h3 info slow title",
    "h2 Reports",
    "h2 Capabilities",
    "h2 Process",
    "h2 Routes",
    "h2 Meta app",
  ]);
  const text = elements.find(({ tag }) => tag === "main")!.text;
  for (
    const shown of [
      "down evidence",
      "began 1 m 5 s ago",
      "12.4 MiB",
      "3 m 12 s ago",
      "0.50 1.00 2.00",
      "12345",
    ]
  ) {
    assert.ok(text.includes(shown), shown);
  }
});

test("the overview is calm when nothing is wrong, and does without a process", async () => {
  const runtime = fakeRuntime([STATS]);
  const bare = { ...runtime, platform: { ...runtime.platform, version: "", processInfo: () => undefined } };
  const page = await (await get(bare, "/", BROWSER)).text();
  assert.match(page, /Nothing is wrong/);
  assert.doesNotMatch(page, /Process id/);
  assert.equal((await (await get(bare, "/")).json()).process, null);
});

test("a report is served as it is", async () => {
  const response = await get(fakeRuntime([DNS]), "/dns");
  assert.deepEqual(await response.json(), { report: JSON.parse(JSON.stringify(DNS)) });
});

test("an unknown path is a 404 that says what there is", async () => {
  for (const path of ["/nowhere", "/dns/deeper", "/favicon.ico", "/__proto__", "/%00", "/%ff"]) {
    const response = await get(fakeRuntime([DNS, STATS]), path);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    const problem = await response.json();
    assert.deepEqual([problem.status, problem.title], [404, "Not found"]);
    assert.deepEqual(problem.paths, ["/", "/dns", "/stats", "/metrics"]);
  }
  const response = await get(fakeRuntime([DNS, STATS]), "/nowhere", BROWSER);
  assert.equal(response.status, 404);
  const links = parse(await response.text()).filter(({ tag }) => tag === "a").map(({ attributes }) =>
    attributes.href
  );
  assert.ok(links.includes("/stats"));
});

test("metrics are in Prometheus's own format for who asks for plain text", async () => {
  const stats = createStats();
  stats.counter("mail.sent").add(2);
  const response = await get({ ...fakeRuntime(), stats }, "/metrics", "text/plain;version=0.0.4,*/*;q=0.1");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  assert.match(text, /^ballast_mail_sent_total 2$/m);
  assert.doesNotMatch(text, /# EOF/);
});

test("metrics are OpenMetrics for a scraper and a page for a browser", async () => {
  const prometheus =
    "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  for (const accept of [undefined, "*/*", prometheus]) {
    const response = await get(fakeRuntime(), "/metrics", accept);
    assert.equal(response.status, 200);
    assert.equal(
      response.headers.get("content-type"),
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    assert.equal(await response.text(), "# TYPE lookups counter\nlookups_total 7\n# EOF\n");
  }
  const elements = parse(await (await get(fakeRuntime(), "/metrics", BROWSER)).text());
  assert.equal(
    elements.find(({ tag }) => tag === "pre")!.text,
    "# TYPE lookups counter\nlookups_total 7\n# EOF\n",
  );
});

test("health is told without asking any report", async () => {
  const cases: [MetaRuntime["state"], number][] = [["starting", 503], ["ready", 200], ["closing", 503], [
    "closed",
    503,
  ]];
  for (const [state, status] of cases) {
    const runtime = fakeRuntime([], { state, reports: UNTOUCHABLE });
    const ready = await get(runtime, "/readyz");
    assert.deepEqual([ready.status, await ready.text()], [status, `${state}\n`]);
    const data = await get(runtime, "/readyz", "application/json");
    assert.deepEqual([data.status, await data.json()], [status, { ready: status === 200, state }]);
    const live = await get(runtime, "/livez", BROWSER);
    assert.deepEqual([live.status, await live.text()], [200, "ok\n"]);
    assert.deepEqual(await (await get(runtime, "/livez?format=json")).json(), { live: true });
  }
});

test("a page that cannot be made is a 500 with the error's text, never its stack", async () => {
  const error = new Error("the disk of <shard-7> is full");
  for (const thrown of [error, error.message]) {
    const told: unknown[] = [];
    const runtime = fakeRuntime([DNS], {
      stats: {
        openMetrics() {
          throw thrown;
        },
      },
    });
    const app = createMetaApp(runtime, { onError: (error) => told.push(error) });
    const json = await app.request("/metrics", { headers: { accept: "application/json" } });
    assert.equal(json.status, 500);
    assert.deepEqual(await json.json(), {
      status: 500,
      title: "This page cannot be made",
      detail: error.message,
    });
    const html = await app.request("/metrics", { headers: { accept: BROWSER } });
    assert.equal(html.status, 500);
    assert.equal(html.headers.get("cache-control"), "no-store");
    const page = await html.text();
    assert.ok(parse(page).find(({ tag }) => tag === "main")!.text.includes(error.message));
    assert.doesNotMatch(page, /routes_test|\bat .*:\d+:\d+/);
    assert.deepEqual(told, [thrown, thrown]);
  }
});

test("a listener that throws does not break the page of the error", async () => {
  const runtime = fakeRuntime([{ id: "dns", title: "DNS", facts: [null] as unknown as [] }]);
  const app = createMetaApp(runtime, {
    onError() {
      throw new Error("the listener's");
    },
  });
  const response = await app.request("/dns?format=html");
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /the listener's/);
});

test("one report that is no report breaks no other page", async () => {
  const broken = { id: "broken", title: "Broken", tables: [null] } as unknown as Report;
  const runtime = fakeRuntime([DNS, broken]);
  assert.equal((await get(runtime, "/broken", BROWSER)).status, 500);
  assert.equal((await get(runtime, "/dns", BROWSER)).status, 200);
  assert.equal((await get(runtime, "/", BROWSER)).status, 200);
});

test("mounted below a path, every link stays below it", async () => {
  const app = new Hono().route("/ops/meta", createMetaApp(fakeRuntime([DNS, STATS])));
  app.get("/other", (c) => c.text("other"));
  for (const path of ["/ops/meta", "/ops/meta/dns", "/ops/meta/metrics", "/ops/meta/nowhere"]) {
    const response = await app.request(path, { headers: { accept: BROWSER } });
    const links = parse(await response.text()).filter(({ tag }) => tag === "a").map(({ attributes }) =>
      attributes.href!
    );
    const away = links.filter((href) =>
      !/^(?:#main|\?format=\w+|\?sort=-?\w+\.\d#table-\w+|\/ops\/meta(?:\/\w+)?)$/.test(href)
    );
    assert.deepEqual(away, [], path);
    for (const href of links.filter((href) => href.startsWith("/"))) {
      assert.equal((await app.request(href)).status, 200, href);
    }
  }
  assert.equal((await app.request("/other", { headers: { host: "evil.example" } })).status, 200);
  assert.equal((await app.request("/ops/meta", { headers: { host: "evil.example" } })).status, 421);
});
