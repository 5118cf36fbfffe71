import assert from "node:assert/strict";
import { test } from "node:test";

import { createReports, createRuntime, type Reporter, staticResolver } from "@ballast/runtime";
import { createMetaApp, type Report } from "@ballast/runtime/meta";
import { Hono } from "hono";
import { BROWSER, fakeRuntime, parse } from "./support.ts";

const TOKEN = "0f3c9a4e-right";
const ORIGIN = "http://localhost:8889";
const HEADERS = { host: "localhost:8889", origin: ORIGIN, authorization: `Bearer ${TOKEN}` };

/** A key with everything that an address could stumble over. */
const ODD = "a/b c?d#e%25&<é>";
const KEYS = ["nightly", ODD];

const jobs: Reporter = {
  report: (): Report => ({
    id: "whatever",
    title: "Jobs",
    tables: [{
      id: "jobs",
      title: "Jobs",
      columns: ["Job"],
      rows: KEYS.map((key) => [{ kind: "details", key }]),
      empty: "None.",
    }],
  }),
  details(key) {
    if (key === "broken") throw new Error("out of paper");
    if (!KEYS.includes(key)) return undefined;
    return {
      id: "whatever",
      title: `Job ${key}`,
      facts: [{ label: "Key", value: key }],
      tables: [{ id: "runs", title: "Runs", columns: ["Run"], rows: [[1], [2]], empty: "None." }],
      actions: [{ id: "run", label: "Run now", fields: [{ name: "job", label: "Job", value: key }] }],
    };
  },
  act: (id, args) => ({ id, ...args }),
};

function createApp() {
  const reports = createReports();
  reports.add("jobs", jobs);
  return createMetaApp(fakeRuntime([], { reports }), { token: TOKEN });
}

async function get(path: string, accept?: string): Promise<Response> {
  return await createApp().request(ORIGIN + path, { headers: accept ? { ...HEADERS, accept } : HEADERS });
}

test("the cells of a report lead to its details, whatever the keys are", async () => {
  const page = parse(await (await get("/jobs", BROWSER)).text());
  const links = page.filter(({ tag, attributes }) => tag === "a" && attributes.href?.startsWith("/jobs/"));
  assert.deepEqual(links.map(({ text }) => text), KEYS);
  for (const [index, { attributes }] of links.entries()) {
    const response = await get(attributes.href!);
    assert.equal(response.status, 200, attributes.href);
    const { report } = await response.json();
    assert.deepEqual([report.id, report.title], ["jobs", `Job ${KEYS[index]}`]);
  }
});

test("where the meta app is mounted, details are below it", async () => {
  const app = new Hono().route("/ops/meta", createApp());
  const page = async (path: string) =>
    parse(await (await app.request(ORIGIN + path, { headers: { ...HEADERS, accept: BROWSER } })).text());
  const hrefs = (await page("/ops/meta/jobs")).map(({ attributes }) => attributes.href);
  assert.ok(hrefs.includes("/ops/meta/jobs/nightly"), String(hrefs));
  const details = await page("/ops/meta/jobs/nightly");
  assert.equal(details.find(({ tag }) => tag === "h1")?.text, "Job nightly");
  assert.equal(
    details.find(({ tag }) => tag === "form")?.attributes.action,
    "/ops/meta/jobs/actions/run?key=nightly",
  );
});

test("a page of details says whose they are, and its address is its own", async () => {
  const page = parse(await (await get("/jobs/nightly", BROWSER)).text());
  const up = page.find(({ tag, attributes }) => tag === "nav" && attributes["aria-label"] === "Up");
  assert.equal(up?.text, "jobs");
  const current = page.filter(({ attributes }) => attributes["aria-current"] !== undefined);
  assert.deepEqual(current.map(({ attributes }) => [attributes.href, attributes["aria-current"]]), [
    ["/jobs", "true"],
  ]);
  const events = page.find(({ tag }) => tag === "body")?.attributes["data-events"];
  assert.equal(new URL(ORIGIN + events).searchParams.get("page"), "/jobs/nightly");
});

test("an unknown key is 404, of a report without details, too; a key that breaks its reporter is a finding", async () => {
  for (const path of ["/jobs/weekly", "/jobs/", "/nowhere/nightly", "/metrics/x", "/jobs/nightly/more"]) {
    const status = path === "/jobs/" ? 200 : 404; // A slash at the end means the report.
    assert.equal((await get(path)).status, status, path);
    assert.equal((await get(path, BROWSER)).status, status, path);
  }
  for (const page of ["/jobs/weekly", "/jobs/", "/jobs/%E0%A4%A", "/jobs/nightly/more"]) {
    assert.equal((await get(`/events?page=${encodeURIComponent(page)}`)).status, 404, page);
  }
  const { report } = await (await get("/jobs/broken")).json();
  assert.equal(report.findings[0].evidence, "out of paper");
  const plain = createMetaApp(fakeRuntime([{ id: "dns", title: "DNS" }]));
  assert.equal((await plain.request("/dns/x")).status, 404);
});

test("details only take GET", async () => {
  for (const method of ["POST", "PUT", "DELETE"]) {
    const response = await createApp().request(`${ORIGIN}/jobs/nightly`, { method, headers: HEADERS });
    assert.equal(response.status, 405, method);
  }
});

test("details are live: the stream sends them", async () => {
  const response = await get(`/events?page=${encodeURIComponent("/jobs/nightly")}`);
  const reader = response.body!.getReader();
  const text = new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  assert.equal(JSON.parse(/^data: (.*)$/m.exec(text)![1]!).report.title, "Job nightly");
});

test("a table of details is ordered by the address, as any", async () => {
  const page = parse(await (await get("/jobs/nightly?sort=-runs.1", BROWSER)).text());
  const rows = page.filter(({ attributes }) => attributes.scope === "row").map(({ text }) => text);
  assert.deepEqual(rows, ["2", "1"]);
});

test("an action of details is filled in, carried out, and answered on the page that it came from", async () => {
  const app = createApp();
  const request = async (path: string, init: RequestInit = {}) =>
    await app.request(ORIGIN + path, { ...init, headers: { ...HEADERS, accept: BROWSER } });
  const page = parse(await (await request("/jobs/nightly")).text());
  const form = page.find(({ tag, attributes }) => tag === "form" && attributes.action?.includes("/actions/"));
  const input = page.find(({ tag, attributes }) => tag === "input" && attributes.name === "job");
  assert.equal(form?.attributes.action, "/jobs/actions/run?key=nightly");
  assert.equal(input?.attributes.value, "nightly");

  const body = new URLSearchParams({ job: "nightly" });
  const done = await request(form!.attributes.action!, { method: "POST", body });
  const location = done.headers.get("location")!;
  assert.equal(done.status, 303);
  assert.match(location, /^\/jobs\/nightly\?done=[\w-]+#outcome$/);
  const after = parse(await (await request(location)).text());
  assert.match(
    after.find(({ attributes }) => attributes.id === "outcome")?.text ?? "",
    /Done · Run now: nightly/,
  );
  const parent = parse(await (await request("/jobs")).text());
  assert.ok(!parent.some(({ attributes }) => attributes.id === "table-done-from-here"));

  // The report itself does not offer it.
  assert.equal((await request("/jobs/actions/run", { method: "POST", body })).status, 404);
});

test("each name of the DNS cache has a page: both records, their history, and what is wrong", async () => {
  const hosts = { "db.internal": ["10.0.0.4", "fd00::4"] };
  await using runtime = createRuntime({ name: "shop", dns: { resolver: staticResolver(hosts) } });
  await runtime.dns.resolve("db.internal");
  await runtime.dns.resolve("gone.internal").catch(() => {});
  const app = createMetaApp(runtime);

  const page = parse(await (await app.request("/dns", { headers: { accept: BROWSER } })).text());
  assert.ok(page.some(({ attributes }) => attributes.href === "/dns/db.internal"));

  const { report } = await (await app.request("/dns/db.internal")).json() as { report: Report };
  assert.equal(report.title, "db.internal");
  assert.equal(report.summary, "fresh: 10.0.0.4, fd00::4");
  const [records, history] = report.tables!;
  assert.deepEqual(records!.rows.map(([type]) => type), ["A", "AAAA"]);
  assert.deepEqual(history!.rows.map(([, outcome, times]) => [outcome, times]), [
    ["addresses", 1],
    ["addresses", 1],
  ]);
  assert.deepEqual(report.findings, []);
  assert.equal(report.series![0]!.points.length, 2, "its queries alone");

  const gone = await (await app.request("/dns/gone.internal")).json() as { report: Report };
  assert.equal(gone.report.tables![1]!.rows[0]![1], "nonexistent");
  assert.equal((await app.request("/dns/never.internal")).status, 404);
});
